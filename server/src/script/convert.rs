//! Between replies and Lua values, both ways, as Redis converts them (`script_lua.c`).

use mlua::{Lua, Result, Table, Value};
use protocol::{Encoder, Version};

/// Nested deeper than this, a reply is cut off.
const MOST_DEPTH: usize = 100;

/// The Lua value of a reply, as a script gets it from `redis.call`. An error becomes a table with the text in `err`.
///
/// `bytes` is one whole reply of this server's own encoder.
///
/// # Errors
/// If Lua has no memory.
pub fn to_lua(lua: &Lua, bytes: &[u8]) -> Result<Value> {
    Decoder { lua, rest: bytes }.value()
}

struct Decoder<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// The sign of the next line and what follows it.
    fn line(&mut self) -> (u8, &'a [u8]) {
        let end = self.rest.iter().position(|&byte| byte == b'\r');
        let end = end.unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        match line {
            [sign, text @ ..] => (*sign, text),
            [] => (b'_', line),
        }
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let bytes = self.rest.get(..length).unwrap_or_default();
        self.rest = self.rest.get(length + 2..).unwrap_or_default();
        bytes
    }

    fn string(&self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn value(&mut self) -> Result<Value> {
        let (sign, text) = self.line();
        let number = || protocol::number::parse_i64(text).unwrap_or(0);
        let count = usize::try_from(number());
        match (sign, count) {
            (b':', _) => Ok(Value::Number(number() as f64)),
            (b'+', _) => self.labelled("ok", text),
            (b'-', _) => self.labelled("err", text),
            // No value of RESP2 is `false`, that of RESP3 is `nil`.
            (b'$' | b'*', Err(_)) => Ok(Value::Boolean(false)),
            (b'$', Ok(length)) => {
                let bytes = self.bytes(length);
                self.string(bytes)
            }
            (b'*' | b'>', Ok(count)) => self.array(count).map(Value::Table),
            (b'%', Ok(count)) => {
                let map = self.lua.create_table()?;
                for _ in 0..count {
                    let (key, value) = (self.value()?, self.value()?);
                    map.raw_set(key, value)?;
                }
                self.wrapped("map", Value::Table(map))
            }
            (b'~', Ok(count)) => {
                let set = self.lua.create_table()?;
                for _ in 0..count {
                    set.raw_set(self.value()?, true)?;
                }
                self.wrapped("set", Value::Table(set))
            }
            (b'#', _) => Ok(Value::Boolean(text == b"t")),
            (b',', _) => {
                let double = protocol::number::parse_f64(text).unwrap_or(f64::NAN);
                self.wrapped("double", Value::Number(double))
            }
            (b'(', _) => self.labelled("big_number", text),
            (b'=', Ok(length)) => self.verbatim(length),
            _ => Ok(Value::Nil),
        }
    }

    fn array(&mut self, count: usize) -> Result<Table> {
        let array = self.lua.create_table_with_capacity(count.min(1 << 16), 0)?;
        for index in 1..=count {
            let value = self.value()?;
            array.raw_set(index, value)?;
        }
        Ok(array)
    }

    fn verbatim(&mut self, length: usize) -> Result<Value> {
        let bytes = self.bytes(length);
        let (format, text) = bytes.split_at(bytes.len().min(3));
        let inner = self.lua.create_table()?;
        inner.raw_set("format", self.string(format)?)?;
        inner.raw_set("string", self.string(text.get(1..).unwrap_or_default())?)?;
        self.wrapped("verbatim_string", Value::Table(inner))
    }

    fn labelled(&self, label: &str, text: &[u8]) -> Result<Value> {
        self.wrapped(label, self.string(text)?)
    }

    fn wrapped(&self, label: &str, value: Value) -> Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(label, value)?;
        if label == "err" {
            table.raw_set("ignore_error_stats_update", true)?;
        }
        Ok(Value::Table(table))
    }
}

/// Writes a Lua value as a reply. Booleans depend on what the script has asked for with `redis.setresp`.
pub fn write(value: &Value, script_version: Version, out: &mut Encoder<'_>) {
    write_nested(value, script_version, out, 0);
}

fn write_nested(value: &Value, script_version: Version, out: &mut Encoder<'_>, depth: usize) {
    if depth >= MOST_DEPTH {
        out.error("ERR reached lua stack limit");
        return;
    }
    match value {
        Value::String(text) => out.bulk(&text.as_bytes()),
        Value::Boolean(is_true) if script_version == Version::Resp3 => out.boolean(*is_true),
        Value::Boolean(true) => out.integer(1),
        Value::Integer(number) => out.integer(*number),
        Value::Number(number) => out.integer(*number as i64),
        Value::Table(table) => write_table(table, script_version, out, depth),
        _ => out.nil(),
    }
}

fn write_table(table: &Table, script_version: Version, out: &mut Encoder<'_>, depth: usize) {
    let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
    if let Value::String(text) = field("err") {
        return out.error(one_line(&text.as_bytes()));
    }
    if let Value::String(text) = field("ok") {
        return out.simple(one_line(&text.as_bytes()));
    }
    if let Value::Number(double) = number(&field("double")) {
        return out.double(double);
    }
    if let Value::Table(map) = field("map") {
        return write_map(&map, script_version, out, depth);
    }
    if let Value::Table(set) = field("set") {
        return write_set(&set, script_version, out, depth);
    }
    if let Value::String(digits) = field("big_number") {
        return out.big_number(&one_line_text(&digits.as_bytes()));
    }
    if let Value::Table(verbatim) = field("verbatim_string")
        && let (Ok(Value::String(format)), Ok(Value::String(text))) =
            (verbatim.raw_get("format"), verbatim.raw_get("string"))
    {
        return out.verbatim(&format.to_string_lossy(), &text.as_bytes());
    }
    let start = out.mark();
    let mut count = 0;
    loop {
        let element = table.raw_get::<Value>(count + 1).unwrap_or(Value::Nil);
        if element.is_nil() {
            break;
        }
        write_nested(&element, script_version, out, depth + 1);
        count += 1;
    }
    out.array_at(start, count);
}

fn number(value: &Value) -> Value {
    match value {
        Value::Integer(number) => Value::Number(*number as f64),
        other => other.clone(),
    }
}

fn write_map(map: &Table, script_version: Version, out: &mut Encoder<'_>, depth: usize) {
    let start = out.mark();
    let mut count = 0;
    for (key, value) in map.pairs::<Value, Value>().flatten() {
        write_nested(&key, script_version, out, depth + 1);
        write_nested(&value, script_version, out, depth + 1);
        count += 1;
    }
    out.map_at(start, count);
}

fn write_set(set: &Table, script_version: Version, out: &mut Encoder<'_>, depth: usize) {
    let start = out.mark();
    let mut count = 0;
    for (member, _) in set.pairs::<Value, Value>().flatten() {
        write_nested(&member, script_version, out, depth + 1);
        count += 1;
    }
    out.set_at(start, count);
}

/// The text of an error reply: the first word is its code, so a script's own `-` before it is dropped.
pub fn error_text(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    one_line(text)
}

/// A status or error is one line: line ends become spaces.
pub fn one_line(text: &[u8]) -> Vec<u8> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut text = text.to_vec();
    while text.last().is_some_and(is_end) {
        text.pop();
    }
    text.iter_mut()
        .filter(|byte| is_end(byte))
        .for_each(|byte| *byte = b' ');
    text
}

fn one_line_text(text: &[u8]) -> String {
    String::from_utf8_lossy(&one_line(text)).into_owned()
}
