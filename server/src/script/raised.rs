//! Errors that functions of the server raise in a script.
//!
//! A function of ours can fail only with an error of its own kind, which Lua carries as an object. The prelude turns
//! it into what a script expects before any script sees it ([`reveal`]).

use mlua::{Error, Lua, Result, Value};

use super::convert;

/// The name of the prelude, as it stands in places.
pub const PRELUDE_NAME: &str = "=prelude";
/// Where a script's own functions are looked for.
const MOST_LEVELS: usize = 32;

/// An error on its way through Lua.
#[derive(Debug)]
struct Raised {
    text: Vec<u8>,
    place: Place,
    shape: Shape,
    /// It stands in the statistics already.
    is_counted: bool,
}

/// Chunk and line.
type Place = (Option<String>, Option<usize>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A text with its place in front, as Lua's own functions raise.
    Text,
    /// A table that describes the error of a command.
    Table,
}

impl std::fmt::Display for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::error::Error for Raised {}

/// The error of a function, to be raised where the script stands.
pub fn table(lua: &Lua, text: Vec<u8>) -> Error {
    Error::external(Raised {
        text,
        place: place(lua),
        shape: Shape::Table,
        is_counted: false,
    })
}

/// The error of a command, which has been counted, to be raised where the script stands.
pub fn counted(lua: &Lua, text: Vec<u8>) -> Error {
    Error::external(Raised {
        text,
        place: place(lua),
        shape: Shape::Table,
        is_counted: true,
    })
}

/// By what name the function on a level of the stack was called, if that is known.
pub fn called(lua: &Lua, level: usize) -> Option<String> {
    lua.inspect_stack(level, |it| {
        it.names().name.map(std::borrow::Cow::into_owned)
    })
    .flatten()
}

/// A text, to be raised by a function of the server with the place where it was called: none, if that is not in a
/// script (`luaL_error`).
pub fn text(lua: &Lua, text: &str) -> Error {
    let place = place_of(lua, 1).unwrap_or_default();
    let text = match &place {
        (Some(source), Some(line)) => {
            let source = source.strip_prefix(['@', '=']).unwrap_or(source);
            format!("{source}:{line}: {text}")
        }
        _ => text.to_owned(),
    };
    Error::external(Raised {
        text: text.into_bytes(),
        place,
        shape: Shape::Text,
        is_counted: false,
    })
}

/// What a script sees of an error object.
pub fn reveal(lua: &Lua, error: Value) -> Result<Value> {
    let Value::Error(error) = error else {
        return Ok(error);
    };
    let Some(raised) = find(&error) else {
        let text = lua.create_string(error.to_string())?;
        return Ok(Value::String(text));
    };
    let text = lua.create_string(&raised.text)?;
    if raised.shape == Shape::Text {
        return Ok(Value::String(text));
    }
    let table = lua.create_table()?;
    table.raw_set("err", text)?;
    if raised.is_counted {
        table.raw_set(convert::IS_COUNTED, true)?;
    }
    let (source, line) = raised.place.clone();
    table.raw_set("source", source)?;
    table.raw_set("line", line)?;
    Ok(Value::Table(table))
}

fn find(error: &Error) -> Option<&Raised> {
    match error {
        Error::ExternalError(inner) => inner.downcast_ref(),
        Error::CallbackError { cause, .. } => find(cause),
        _ => None,
    }
}

/// Chunk and line of the function on a level of the stack, if there is one; those of C have neither.
fn place_of(lua: &Lua, level: usize) -> Option<Place> {
    lua.inspect_stack(level, |debug| {
        let line = debug.current_line();
        let source = debug.source().source.filter(|_| line.is_some());
        (source.map(std::borrow::Cow::into_owned), line)
    })
}

/// Where in a script the call came from: the place of the nearest function of the stack that is a script's own.
pub fn place(lua: &Lua) -> Place {
    (1..MOST_LEVELS)
        .map_while(|level| place_of(lua, level))
        .find(|(source, _)| source.as_ref().is_some_and(|it| it != PRELUDE_NAME))
        .unwrap_or_default()
}
