//! `redis.register_function`, which a library calls while it is loaded.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use mlua::{Function as LuaFunction, Lua, MultiValue, Result, Table, Value};

use super::library::{BAD_NAME, Function, is_name};
use super::raised;
use super::source::ScriptFlags;

/// A library must be loaded in this time.
const LOAD_TIMEOUT: Duration = Duration::from_millis(500);

/// A function and what a library has said of it.
pub type Registered = (Function, LuaFunction);

thread_local! {
    /// The library that is loaded on this thread.
    static LOADING: RefCell<Option<Loading>> = const { RefCell::new(None) };
}

struct Loading {
    until: Option<Instant>,
    registered: Vec<Registered>,
}

/// Whether loading may take for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// No: half a second.
    Short,
    /// Yes: it has been loaded before, and the server cannot do without it.
    Endless,
}

/// Gathers what is registered while `load` runs.
pub(super) fn gather<R>(patience: Patience, load: impl FnOnce() -> R) -> (R, Vec<Registered>) {
    let until = (patience == Patience::Short).then(|| Instant::now() + LOAD_TIMEOUT);
    LOADING.set(Some(Loading {
        until,
        registered: Vec::new(),
    }));
    let result = load();
    let registered = LOADING.take().map(|it| it.registered);
    (result, registered.unwrap_or_default())
}

/// Whether a library is loaded on this thread, and takes too long.
pub fn is_overdue() -> bool {
    LOADING.with_borrow(|slot| {
        let until = slot.as_ref().and_then(|it| it.until);
        until.is_some_and(|until| Instant::now() >= until)
    })
}

/// Why a function cannot be registered.
enum Fault {
    Text(&'static str),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Fault {
        Fault::Lua(error)
    }
}

type Checked<T> = std::result::Result<T, Fault>;

/// The function itself.
pub(super) fn register_function(lua: &Lua, values: MultiValue) -> Result<()> {
    add(lua, &values).map_err(|fault| match fault {
        Fault::Text(text) => raised::table(lua, format!("ERR {text}").into_bytes()),
        Fault::Lua(error) => error,
    })
}

fn add(lua: &Lua, values: &MultiValue) -> Checked<()> {
    if LOADING.with_borrow(Option::is_none) {
        return Err(Fault::Text(
            "redis.register_function can only be called on FUNCTION LOAD command",
        ));
    }
    let (function, callback) = match (values.front(), values.get(1), values.len()) {
        (Some(Value::Table(table)), None, 1) => of_table(lua, table)?,
        (Some(_), None, 1) => {
            return Err(Fault::Text(
                "calling redis.register_function with a single argument is only applicable to Lua table \
                 (representing named arguments).",
            ));
        }
        (Some(name), Some(callback), 2) => of_pair(lua, name, callback)?,
        _ => {
            return Err(Fault::Text(
                "wrong number of arguments to redis.register_function",
            ));
        }
    };
    LOADING.with_borrow_mut(|slot| {
        let Some(loading) = slot else {
            return Ok(());
        };
        let mut known = loading.registered.iter();
        if known.any(|(it, _)| it.name == function.name) {
            return Err(Fault::Text("Function already exists in the library"));
        }
        loading.registered.push((function, callback));
        Ok(())
    })
}

/// `(name, callback)`
fn of_pair(lua: &Lua, name: &Value, callback: &Value) -> Checked<Registered> {
    let Some(name) = text(lua, name)? else {
        return Err(Fault::Text(
            "first argument to redis.register_function must be a string",
        ));
    };
    let Value::Function(callback) = callback else {
        return Err(Fault::Text(
            "second argument to redis.register_function must be a function",
        ));
    };
    registered(&name, None, ScriptFlags::empty(), callback.clone())
}

/// `{function_name=…, callback=…, flags={…}, description=…}`
fn of_table(lua: &Lua, table: &Table) -> Checked<Registered> {
    let (mut name, mut description, mut callback) = (None, None, None);
    let mut flags = ScriptFlags::empty();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Some(key) = text(lua, &key)? else {
            return Err(Fault::Text(
                "named argument key given to redis.register_function is not a string",
            ));
        };
        // As in C, where a text ends at its first NUL and names are compared in any case.
        match key.to_ascii_lowercase().as_slice() {
            b"function_name" => {
                let given = text(lua, &value)?;
                name = Some(given.ok_or(Fault::Text(
                    "function_name argument given to redis.register_function must be a string",
                ))?);
            }
            b"description" => {
                let given = text(lua, &value)?;
                description = Some(given.ok_or(Fault::Text(
                    "description argument given to redis.register_function must be a string",
                ))?);
            }
            b"callback" => {
                let Value::Function(given) = value else {
                    return Err(Fault::Text(
                        "callback argument given to redis.register_function must be a function",
                    ));
                };
                callback = Some(given);
            }
            b"flags" => flags = flags_of(lua, &value)?,
            _ => {
                return Err(Fault::Text(
                    "unknown argument given to redis.register_function",
                ));
            }
        }
    }
    let name = name.ok_or(Fault::Text(
        "redis.register_function must get a function name argument",
    ))?;
    let callback = callback.ok_or(Fault::Text(
        "redis.register_function must get a callback argument",
    ))?;
    registered(&name, description, flags, callback)
}

/// A row of names; what stands elsewhere in the table is not looked at.
fn flags_of(lua: &Lua, value: &Value) -> Checked<ScriptFlags> {
    let Value::Table(names) = value else {
        return Err(Fault::Text(
            "flags argument to redis.register_function must be a table representing function flags",
        ));
    };
    let mut flags = ScriptFlags::empty();
    for index in 1.. {
        let value: Value = names.raw_get(index)?;
        if value.is_nil() {
            break;
        }
        let name = text(lua, &value)?.unwrap_or_default();
        let flag = ScriptFlags::named(&String::from_utf8_lossy(&name));
        flags |= flag.ok_or(Fault::Text("unknown flag given"))?;
    }
    Ok(flags)
}

fn registered(
    name: &[u8],
    description: Option<Vec<u8>>,
    flags: ScriptFlags,
    callback: LuaFunction,
) -> Checked<Registered> {
    if !is_name(name) {
        return Err(Fault::Text(BAD_NAME));
    }
    let function = Function {
        name: String::from_utf8_lossy(name).into_owned(),
        description,
        flags,
    };
    Ok((function, callback))
}

/// A string, or a number as Lua prints it.
fn text(lua: &Lua, value: &Value) -> Result<Option<Vec<u8>>> {
    if !matches!(
        value,
        Value::String(_) | Value::Number(_) | Value::Integer(_)
    ) {
        return Ok(None);
    }
    let text = lua.coerce_string(value.clone())?;
    Ok(text.map(|text| text.as_bytes().to_vec()))
}
