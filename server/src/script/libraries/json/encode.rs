//! Lua values as JSON.

use mlua::{Table, Value};

use super::super::{Fault, number_text};
use super::{Invalid, MOST_DEPTH, Settings};

type Checked<T> = std::result::Result<T, Fault>;

/// The JSON of a value.
pub fn encode(value: &Value, settings: Settings) -> Checked<Vec<u8>> {
    let mut out = Vec::new();
    write(value, settings, 0, &mut out)?;
    Ok(out)
}

fn write(value: &Value, settings: Settings, depth: usize, out: &mut Vec<u8>) -> Checked<()> {
    match value {
        Value::Nil => out.extend_from_slice(b"null"),
        Value::LightUserData(it) if it.0.is_null() => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Integer(number) => write_number(*number as f64, settings, out)?,
        Value::Number(number) => write_number(*number, settings, out)?,
        Value::String(text) => write_string(&text.as_bytes(), out),
        Value::Table(table) => write_table(table, settings, depth + 1, out)?,
        other => {
            let name = super::super::type_name(Some(other));
            let text = format!("Cannot serialise {name}: type not supported");
            return Err(Fault::Text(text));
        }
    }
    Ok(())
}

fn write_number(number: f64, settings: Settings, out: &mut Vec<u8>) -> Checked<()> {
    if !number.is_finite() {
        match settings.encode_invalid {
            Invalid::Refused => {
                let text = "Cannot serialise number: must not be NaN or Inf";
                return Err(Fault::text(text));
            }
            Invalid::Null => out.extend_from_slice(b"null"),
            Invalid::Written if number.is_nan() => out.extend_from_slice(b"nan"),
            Invalid::Written => out.extend_from_slice(&number_text(number, settings.precision)),
        }
        return Ok(());
    }
    out.extend_from_slice(&number_text(number, settings.precision));
    Ok(())
}

fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn write_table(table: &Table, settings: Settings, depth: usize, out: &mut Vec<u8>) -> Checked<()> {
    if depth > settings.encode_depth.min(MOST_DEPTH) {
        let text = format!("Cannot serialise, excessive nesting ({depth})");
        return Err(Fault::Text(text));
    }
    match array_length(table, settings)? {
        Some(length) if length > 0 => write_array(table, length, settings, depth, out),
        _ => write_object(table, settings, depth, out),
    }
}

/// How long the array is that the table holds; `None` if it is none.
fn array_length(table: &Table, settings: Settings) -> Checked<Option<i64>> {
    let (mut most, mut count) = (0i64, 0i64);
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair?;
        let index = match key {
            Value::Integer(index) => index,
            Value::Number(index) if index.fract() == 0.0 && index.abs() < 9e15 => index as i64,
            _ => return Ok(None),
        };
        if index < 1 {
            return Ok(None);
        }
        most = most.max(index);
        count += 1;
    }
    let is_sparse = settings.sparse_ratio > 0
        && most > count.saturating_mul(settings.sparse_ratio)
        && most > settings.sparse_safe;
    if is_sparse && !settings.sparse_convert {
        let text = "Cannot serialise table: excessively sparse array";
        return Err(Fault::text(text));
    }
    Ok((!is_sparse).then_some(most))
}

fn write_array(
    table: &Table,
    length: i64,
    settings: Settings,
    depth: usize,
    out: &mut Vec<u8>,
) -> Checked<()> {
    out.push(b'[');
    for index in 1..=length {
        if index > 1 {
            out.push(b',');
        }
        write(&table.raw_get::<Value>(index)?, settings, depth, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_object(table: &Table, settings: Settings, depth: usize, out: &mut Vec<u8>) -> Checked<()> {
    out.push(b'{');
    let mut is_first = true;
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        match &key {
            Value::String(text) => write_string(&text.as_bytes(), out),
            Value::Integer(_) | Value::Number(_) => {
                let number = match key {
                    Value::Integer(number) => number as f64,
                    Value::Number(number) => number,
                    _ => 0.0,
                };
                out.push(b'"');
                write_number(number, settings, out)?;
                out.push(b'"');
            }
            other => {
                let name = super::super::type_name(Some(other));
                let text = format!("Cannot serialise {name}: table key must be a number or string");
                return Err(Fault::Text(text));
            }
        }
        out.push(b':');
        write(&value, settings, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}
