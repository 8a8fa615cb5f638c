//! The libraries of scripts that Lua itself does not have: `cjson`, `cmsgpack`, `struct` and `bit`, as the ones that
//! Redis brings along behave.

mod bits;
mod json;
mod msgpack;
mod structs;

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::raised;

/// What is wrong with a call, or what it gives.
type Outcome = std::result::Result<MultiValue, Fault>;

/// Why a function has failed.
#[derive(Debug)]
pub enum Fault {
    /// What is wrong, in words for the script.
    Text(String),
    /// What is wrong with the argument at a place, counted from 1.
    Argument(usize, String),
    /// Lua has no memory.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Fault {
        Fault::Lua(error)
    }
}

impl Fault {
    /// A fault that is said in other words than of arguments.
    fn text(text: impl Into<String>) -> Fault {
        Fault::Text(text.into())
    }

    /// What is wrong with the argument at `index`, counted from 1.
    fn argument(index: usize, what: &str) -> Fault {
        Fault::Argument(index, what.to_owned())
    }
}

/// All libraries, by their names.
///
/// # Errors
/// If Lua has no memory.
pub fn all(lua: &Lua) -> Result<Table> {
    let all = lua.create_table()?;
    all.raw_set("bit", bits::library(lua)?)?;
    all.raw_set("cjson", json::library(lua)?)?;
    all.raw_set("cmsgpack", msgpack::library(lua)?)?;
    all.raw_set("struct", structs::library(lua)?)?;
    Ok(all)
}

/// Puts a function into a library.
fn add(
    lua: &Lua,
    library: &Table,
    name: &'static str,
    function: impl Fn(&Lua, &[Value]) -> Outcome + Send + 'static,
) -> Result<()> {
    let function = lua.create_function(move |lua, values: MultiValue| {
        let values: Vec<Value> = values.into_iter().collect();
        function(lua, &values).map_err(|fault| match fault {
            Fault::Text(text) => raised::text(lua, &text),
            Fault::Argument(index, what) => {
                let name = raised::called(lua, 0);
                let name = name.as_deref().unwrap_or("?");
                raised::text(lua, &format!("bad argument #{index} to '{name}' ({what})"))
            }
            Fault::Lua(error) => error,
        })
    })?;
    library.raw_set(name, function)
}

/// One value as the result of a function.
fn one(value: Value) -> Outcome {
    Ok(MultiValue::from_iter([value]))
}

/// What Lua calls the type of an argument, as its own library does in error texts.
fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::LightUserData(_)) => "userdata",
        Some(Value::Integer(_)) => "number",
        Some(value) => value.type_name(),
    }
}

/// The argument at `index`, counted from 1, as a number.
fn number(values: &[Value], index: usize) -> std::result::Result<f64, Fault> {
    let value = values.get(index - 1);
    let number = match value {
        Some(Value::Number(number)) => Some(*number),
        Some(Value::Integer(number)) => Some(*number as f64),
        Some(Value::String(text)) => protocol::number::parse_f64(&text.as_bytes()),
        _ => None,
    };
    number.ok_or_else(|| {
        let what = format!("number expected, got {}", type_name(value));
        Fault::argument(index, &what)
    })
}

/// The argument at `index`, counted from 1, as bytes.
fn bytes(values: &[Value], index: usize) -> std::result::Result<Vec<u8>, Fault> {
    match values.get(index - 1) {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Number(number)) => Ok(number_text(*number, 14)),
        Some(Value::Integer(number)) => Ok(number.to_string().into_bytes()),
        value => {
            let what = format!("string expected, got {}", type_name(value));
            Err(Fault::argument(index, &what))
        }
    }
}

/// A number as C prints it with `%.*g`.
fn number_text(number: f64, precision: usize) -> Vec<u8> {
    if number.is_nan() {
        return if number.is_sign_negative() {
            b"-nan".to_vec()
        } else {
            b"nan".to_vec()
        };
    }
    if number.is_infinite() {
        return if number < 0.0 {
            b"-inf".to_vec()
        } else {
            b"inf".to_vec()
        };
    }
    let scientific = format!("{number:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let text = if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
    } else {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        trimmed(&format!("{number:.decimals$}"))
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_by_c() {
        for (number, text) in [
            (1.5, "1.5"),
            (1e100, "1e+100"),
            (1.0 / 3.0, "0.33333333333333"),
            (123_456_789_012_345_678.0, "1.2345678901235e+17"),
            (1e14, "1e+14"),
            (1e13, "10000000000000"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number_text(number, 14), text.as_bytes());
        }
    }
}
