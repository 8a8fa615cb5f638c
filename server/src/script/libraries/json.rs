//! `cjson`: JSON, written and read.

mod decode;
mod encode;

use std::sync::Arc;

use mlua::{Lua, MultiValue, Result, Table, Value};
use parking_lot::Mutex;

use super::{Fault, add, number, one};
use crate::script::convert::integer;

/// What JSON calls null; `nil` could not stand in a table.
pub(super) const NULL: Value = Value::NULL;

/// Nested deeper than this, nothing is written or read, whatever scripts set: the stack must hold it.
const MOST_DEPTH: usize = 2_600;

/// What scripts may set, for all that come after them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    sparse_convert: bool,
    sparse_ratio: i64,
    sparse_safe: i64,
    encode_depth: usize,
    decode_depth: usize,
    precision: usize,
    keeps_buffer: bool,
    encode_invalid: Invalid,
    decode_invalid: bool,
}

/// What becomes of numbers that JSON does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1000,
            decode_depth: 1000,
            precision: 14,
            keeps_buffer: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
        }
    }
}

/// The functions of `cjson`, with settings of their own.
pub fn library(lua: &Lua) -> Result<Table> {
    let settings = Shared::default();
    let cjson = lua.create_table()?;
    cjson.raw_set("_NAME", "cjson")?;
    cjson.raw_set("_VERSION", "2.1.0")?;
    cjson.raw_set("null", NULL)?;
    let own = Arc::clone(&settings);
    add(lua, &cjson, "encode", move |lua, values| {
        let [value] = values else {
            return Err(Fault::argument(1, "expected 1 argument"));
        };
        let settings = *own.lock();
        let text = encode::encode(value, settings)?;
        one(Value::String(lua.create_string(text)?))
    })?;
    let own = Arc::clone(&settings);
    add(lua, &cjson, "decode", move |lua, values| {
        if values.len() != 1 {
            return Err(Fault::argument(1, "expected 1 argument"));
        }
        let text = super::bytes(values, 1)?;
        let settings = *own.lock();
        one(decode::decode(lua, &text, settings)?)
    })?;
    add(lua, &cjson, "new", |lua, _| {
        one(Value::Table(library(lua)?))
    })?;
    add_limits(lua, &cjson, &settings)?;
    add_switches(lua, &cjson, &settings)?;
    Ok(cjson)
}

type Shared = Arc<Mutex<Settings>>;

/// A whole number between bounds, if one is given.
fn limit(
    values: &[Value],
    index: usize,
    bounds: (i64, i64),
) -> std::result::Result<Option<i64>, Fault> {
    if matches!(values.get(index - 1), None | Some(Value::Nil)) {
        return Ok(None);
    }
    let (least, most) = bounds;
    let number = integer(number(values, index)?);
    if (least..=most).contains(&number) {
        return Ok(Some(number));
    }
    let what = format!("expected integer between {least} and {most}");
    Err(Fault::argument(index, &what))
}

fn add_limits(lua: &Lua, cjson: &Table, settings: &Shared) -> Result<()> {
    const MOST: i64 = i32::MAX as i64;
    type Field = fn(&mut Settings) -> &mut usize;
    let limits: [(&'static str, i64, Field); 3] = [
        ("encode_max_depth", MOST, |it| &mut it.encode_depth),
        ("decode_max_depth", MOST, |it| &mut it.decode_depth),
        ("encode_number_precision", 14, |it| &mut it.precision),
    ];
    for (name, most, field) in limits {
        let settings = Arc::clone(settings);
        add(lua, cjson, name, move |_, values| {
            let mut now = *settings.lock();
            if let Some(number) = limit(values, 1, (1, most))? {
                *field(&mut now) = number as usize;
                *settings.lock() = now;
            }
            one(Value::Number(*field(&mut now) as f64))
        })?;
    }
    let settings = Arc::clone(settings);
    add(lua, cjson, "encode_sparse_array", move |_, values| {
        let mut now = *settings.lock();
        if let Some(convert) = switch(values, false)? {
            now.sparse_convert = convert == Switch::On;
        }
        now.sparse_ratio = limit(values, 2, (0, MOST))?.unwrap_or(now.sparse_ratio);
        now.sparse_safe = limit(values, 3, (0, MOST))?.unwrap_or(now.sparse_safe);
        *settings.lock() = now;
        Ok(MultiValue::from_iter([
            Value::Boolean(now.sparse_convert),
            Value::Number(now.sparse_ratio as f64),
            Value::Number(now.sparse_safe as f64),
        ]))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    On,
    Off,
    Null,
}

/// On, off, or, where there is that, `"null"`, if one is given.
fn switch(values: &[Value], has_null: bool) -> std::result::Result<Option<Switch>, Fault> {
    let word = match values.first() {
        None | Some(Value::Nil) => return Ok(None),
        Some(Value::Boolean(true)) => return Ok(Some(Switch::On)),
        Some(Value::Boolean(false)) => return Ok(Some(Switch::Off)),
        Some(_) => super::bytes(values, 1)?,
    };
    match &word[..] {
        b"off" => Ok(Some(Switch::Off)),
        b"on" => Ok(Some(Switch::On)),
        b"null" if has_null => Ok(Some(Switch::Null)),
        other => {
            let what = format!("invalid option '{}'", String::from_utf8_lossy(other));
            Err(Fault::argument(1, &what))
        }
    }
}

fn add_switches(lua: &Lua, cjson: &Table, settings: &Shared) -> Result<()> {
    let shared = Arc::clone(settings);
    add(lua, cjson, "encode_keep_buffer", move |_, values| {
        let mut now = *shared.lock();
        if let Some(switch) = switch(values, false)? {
            now.keeps_buffer = switch == Switch::On;
            *shared.lock() = now;
        }
        one(Value::Boolean(now.keeps_buffer))
    })?;
    let shared = Arc::clone(settings);
    add(lua, cjson, "decode_invalid_numbers", move |_, values| {
        let mut now = *shared.lock();
        if let Some(switch) = switch(values, false)? {
            now.decode_invalid = switch == Switch::On;
            *shared.lock() = now;
        }
        one(Value::Boolean(now.decode_invalid))
    })?;
    let shared = Arc::clone(settings);
    add(lua, cjson, "encode_invalid_numbers", move |lua, values| {
        let mut now = *shared.lock();
        if let Some(switch) = switch(values, true)? {
            now.encode_invalid = match switch {
                Switch::On => Invalid::Written,
                Switch::Off => Invalid::Refused,
                Switch::Null => Invalid::Null,
            };
            *shared.lock() = now;
        }
        one(match now.encode_invalid {
            Invalid::Refused => Value::Boolean(false),
            Invalid::Written => Value::Boolean(true),
            Invalid::Null => Value::String(lua.create_string("null")?),
        })
    })
}
