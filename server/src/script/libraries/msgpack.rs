//! `cmsgpack`: MessagePack.

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::{Fault, Outcome, add, bytes, number, one};
use crate::script::convert::integer;

/// Tables nested deeper are written as nil.
const MOST_DEPTH: usize = 16;

type Checked<T> = std::result::Result<T, Fault>;

/// The functions of `cmsgpack`.
pub fn library(lua: &Lua) -> Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cmsgpack")?;
    library.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    library.raw_set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo")?;
    library.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    add(lua, &library, "pack", pack)?;
    add(lua, &library, "unpack", |lua, values| {
        let data = bytes(values, 1)?;
        unpack(lua, &data, None, 0)
    })?;
    add(lua, &library, "unpack_one", |lua, values| {
        let data = bytes(values, 1)?;
        let start = optional(values, 2)?;
        unpack(lua, &data, Some(1), start)
    })?;
    add(lua, &library, "unpack_limit", |lua, values| {
        let data = bytes(values, 1)?;
        let limit = integer(number(values, 2)?);
        let start = optional(values, 3)?;
        unpack(lua, &data, Some(limit), start)
    })?;
    Ok(library)
}

fn optional(values: &[Value], index: usize) -> Checked<i64> {
    match values.get(index - 1) {
        None | Some(Value::Nil) => Ok(0),
        Some(_) => Ok(integer(number(values, index)?)),
    }
}

fn pack(lua: &Lua, values: &[Value]) -> Outcome {
    if values.is_empty() {
        let what = "MessagePack pack needs input.";
        return Err(Fault::argument(0, what));
    }
    let mut out = Vec::new();
    for value in values {
        write(value, 0, &mut out)?;
    }
    one(Value::String(lua.create_string(out)?))
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Checked<()> {
    match value {
        Value::Boolean(is_true) => out.push(if *is_true { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => write_integer(*number, out),
        Value::Number(number) => write_number(*number, out),
        Value::String(text) => {
            let text = text.as_bytes();
            match text.len() {
                length @ 0..32 => out.push(0xa0 | length as u8),
                length => write_length(length, [Some(0xd9), Some(0xda), Some(0xdb)], out),
            }
            out.extend_from_slice(&text);
        }
        Value::Table(table) if depth < MOST_DEPTH => write_table(table, depth, out)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

/// A sign for lengths of one, two and four bytes, and the length.
fn write_length(length: usize, signs: [Option<u8>; 3], out: &mut Vec<u8>) {
    match (signs, u8::try_from(length), u16::try_from(length)) {
        ([Some(sign), ..], Ok(length), _) => out.extend([sign, length]),
        ([_, Some(sign), _], _, Ok(length)) => {
            out.push(sign);
            out.extend(length.to_be_bytes());
        }
        ([_, _, sign], ..) => {
            out.extend(sign);
            out.extend((length as u32).to_be_bytes());
        }
    }
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    match number {
        0..=127 => out.push(number as u8),
        128..=0xff => out.extend([0xcc, number as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend((number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((number as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend(number.to_be_bytes());
        }
        -32..0 => out.push(number as i8 as u8),
        -128..-32 => out.extend([0xd0, number as i8 as u8]),
        -0x8000..-128 => {
            out.push(0xd1);
            out.extend((number as i16).to_be_bytes());
        }
        -0x8000_0000..-0x8000 => {
            out.push(0xd2);
            out.extend((number as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend(number.to_be_bytes());
        }
    }
}

fn write_number(number: f64, out: &mut Vec<u8>) {
    const WHOLE: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-WHOLE..WHOLE).contains(&number) {
        return write_integer(number as i64, out);
    }
    let single = number as f32;
    if f64::from(single) == number {
        out.push(0xca);
        out.extend(single.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend(number.to_be_bytes());
    }
}

fn write_table(table: &Table, depth: usize, out: &mut Vec<u8>) -> Checked<()> {
    let (mut count, mut most, mut is_array) = (0usize, 0usize, true);
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair?;
        let index = match key {
            Value::Integer(index) if index > 0 => index as usize,
            Value::Number(index) if index.fract() == 0.0 && (1.0..1e15).contains(&index) => {
                index as usize
            }
            _ => {
                is_array = false;
                0
            }
        };
        most = most.max(index);
        count += 1;
    }
    if is_array && most == count {
        match count {
            0..16 => out.push(0x90 | count as u8),
            _ => write_length(count, [None, Some(0xdc), Some(0xdd)], out),
        }
        for index in 1..=count {
            write(&table.raw_get::<Value>(index)?, depth + 1, out)?;
        }
        return Ok(());
    }
    match count {
        0..16 => out.push(0x80 | count as u8),
        _ => write_length(count, [None, Some(0xde), Some(0xdf)], out),
    }
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        write(&key, depth + 1, out)?;
        write(&value, depth + 1, out)?;
    }
    Ok(())
}

/// The values of a text from `start` on; at most `limit` if there is one, with the place to go on from in front. As in
/// Redis, a limit of 0 is none at the very beginning, and nothing elsewhere.
fn unpack(lua: &Lua, data: &[u8], limit: Option<i64>, start: i64) -> Outcome {
    let length = data.len();
    if start < 0 || limit.is_some_and(|limit| limit < 0) {
        let text =
            format!("Invalid request to unpack with offset of {start} and limit of {length}.");
        return Err(Fault::Text(text));
    }
    if start > length as i64 {
        let text = format!("Start offset {start} greater than input length {length}.");
        return Err(Fault::Text(text));
    }
    let limit = limit.filter(|&limit| limit > 0 || start > 0);
    let most = limit.unwrap_or(i64::MAX);
    let mut reader = Reader {
        lua,
        data,
        at: start as usize,
        depth: 0,
    };
    let mut values = Vec::new();
    while reader.at < length && (values.len() as i64) < most {
        values.push(reader.value()?);
    }
    if limit.is_some() {
        let next = if reader.at >= length {
            -1.0
        } else {
            reader.at as f64
        };
        values.insert(0, Value::Number(next));
    }
    Ok(MultiValue::from_iter(values))
}

/// What is nested deeper is refused.
const MOST_READ_DEPTH: usize = 1000;

struct Reader<'d> {
    lua: &'d Lua,
    data: &'d [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Checked<&[u8]> {
        let end = self.at.checked_add(count);
        let Some(bytes) = end.and_then(|end| self.data.get(self.at..end)) else {
            return Err(Fault::text("Missing bytes in input."));
        };
        self.at += count;
        Ok(bytes)
    }

    fn unsigned(&mut self, size: usize) -> Checked<u64> {
        let bytes = self.take(size)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn signed(&mut self, size: usize) -> Checked<Value> {
        let unused = 64 - 8 * size as u32;
        let number = (self.unsigned(size)? << unused).cast_signed() >> unused;
        Ok(Value::Number(number as f64))
    }

    fn string(&mut self, length: usize) -> Checked<Value> {
        let lua = self.lua;
        let bytes = self.take(length)?;
        Ok(Value::String(lua.create_string(bytes)?))
    }

    fn value(&mut self) -> Checked<Value> {
        let sign = self.unsigned(1)? as u8;
        match sign {
            0..=0x7f => Ok(Value::Number(sign.into())),
            0x80..=0x8f => self.map(usize::from(sign & 0xf)),
            0x90..=0x9f => self.array(usize::from(sign & 0xf)),
            0xa0..=0xbf => self.string(usize::from(sign & 0x1f)),
            0xc0 => Ok(Value::Nil),
            0xc2 => Ok(Value::Boolean(false)),
            0xc3 => Ok(Value::Boolean(true)),
            0xd9..=0xdb => {
                let length = self.unsigned(1 << (sign - 0xd9))?;
                self.string(length as usize)
            }
            0xca => {
                let bits = self.unsigned(4)? as u32;
                Ok(Value::Number(f32::from_bits(bits).into()))
            }
            0xcb => Ok(Value::Number(f64::from_bits(self.unsigned(8)?))),
            0xcc..=0xce => {
                let number = self.unsigned(1 << (sign - 0xcc))?;
                Ok(Value::Number(number as f64))
            }
            // Redis' library takes it for signed.
            0xcf => self.signed(8),
            0xd0..=0xd3 => self.signed(1 << (sign - 0xd0)),
            0xdc | 0xdd => {
                let count = self.unsigned(if sign == 0xdc { 2 } else { 4 })?;
                self.array(count as usize)
            }
            0xde | 0xdf => {
                let count = self.unsigned(if sign == 0xde { 2 } else { 4 })?;
                self.map(count as usize)
            }
            0xe0..=0xff => Ok(Value::Number(f64::from(sign.cast_signed()))),
            _ => Err(Fault::text("Bad data format in input.")),
        }
    }

    fn deeper(&mut self) -> Checked<()> {
        self.depth += 1;
        if self.depth > MOST_READ_DEPTH {
            return Err(Fault::text("Bad data format in input."));
        }
        Ok(())
    }

    fn array(&mut self, count: usize) -> Checked<Value> {
        self.deeper()?;
        let table = self.lua.create_table()?;
        for index in 1..=count {
            let value = self.value()?;
            table.raw_set(index, value)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn map(&mut self, count: usize) -> Checked<Value> {
        self.deeper()?;
        let table = self.lua.create_table()?;
        for _ in 0..count {
            let (key, value) = (self.value()?, self.value()?);
            table.raw_set(key, value)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }
}
