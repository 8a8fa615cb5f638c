//! The functions that reach from a script into the server: `redis` as scripts know it.

use mlua::{BorrowedBytes, Lua, MultiValue, Table, Value};
use protocol::{Request, Version};
use smallvec::SmallVec;

use super::running::{KILLED, Look, RUNNING, Running, find_for_script};
use crate::command::{Error, Result};
use crate::exec::permission;
use crate::script::{Kind, convert, hex, raised, sha_of};
use crate::stack;

/// What only the scripts of `EVAL` know.
const OF_SCRIPTS: [&str; 3] = ["breakpoint", "debug", "replicate_commands"];

/// The table `redis`; the functions that the prelude needs are put into its own.
pub(super) fn bind(kind: Kind, lua: &Lua, prelude: &Table) -> mlua::Result<Table> {
    let is_killed = lua.create_function(|_, ()| {
        Ok(RUNNING.with_borrow(|slot| slot.as_ref().is_some_and(Running::is_killed)))
    })?;
    prelude.raw_set("is_killed", is_killed)?;
    let killed = lua.create_function(|lua, ()| lua.create_string(KILLED))?;
    prelude.raw_set("killed", killed)?;
    let redis = lua.create_table()?;
    redis.raw_set("call", lua.create_function(call)?)?;
    redis.raw_set("pcall", lua.create_function(pcall)?)?;
    for (name, number) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
        ("REDIS_VERSION_NUM", 0x0007_0401),
    ] {
        redis.raw_set(name, number)?;
    }
    redis.raw_set("REDIS_VERSION", crate::config::REDIS_VERSION)?;
    redis.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    redis.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    for (name, function) in CHECKED {
        let checked = lua.create_function(move |lua, values: MultiValue| {
            function(lua, &values).map_err(|fault| match fault {
                Fault::Text(text) => raised::table(lua, text.as_bytes().to_vec()),
                Fault::Lua(error) => error,
            })
        })?;
        redis.raw_set(name, checked)?;
    }
    if kind == Kind::Function {
        for name in OF_SCRIPTS {
            redis.raw_remove(name)?;
        }
    }
    Ok(redis)
}

/// `redis.call`: raises what a command answers with an error.
fn call(lua: &Lua, values: MultiValue) -> mlua::Result<Value> {
    match carry_out(lua, &values)? {
        Called::Replied(value) => Ok(value),
        Called::Failed(text) => Err(raised::counted(lua, text)),
        Called::Refused(text) => Err(raised::table(lua, text)),
    }
}

/// `redis.pcall`: gives it as a table.
fn pcall(lua: &Lua, values: MultiValue) -> mlua::Result<Value> {
    match carry_out(lua, &values)? {
        Called::Replied(value) => Ok(value),
        Called::Failed(text) => {
            let table = error_table(lua, &text)?;
            table.raw_set(convert::IS_COUNTED, true)?;
            Ok(Value::Table(table))
        }
        Called::Refused(text) => Ok(Value::Table(error_table(lua, &text)?)),
    }
}

fn error_table(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(text)?)?;
    Ok(table)
}

/// What a command has answered.
enum Called {
    Replied(Value),
    /// An error, whose text this is; it has been counted.
    Failed(Vec<u8>),
    /// There was no command to be called; why.
    Refused(Vec<u8>),
}

fn carry_out(lua: &Lua, values: &MultiValue) -> mlua::Result<Called> {
    let request = match request_of(values) {
        Ok(request) => request,
        Err(error) => return Ok(Called::Refused(error.reply_text())),
    };
    let (look, called) = RUNNING.with_borrow_mut(|slot| -> mlua::Result<_> {
        let Some(running) = slot else {
            let text = b"ERR redis.call/pcall can only be called inside a script invocation";
            return Ok((Look::GoesOn, Called::Refused(text.to_vec())));
        };
        let look = match running.call(&request) {
            Ok(look) => look,
            Err(error) => {
                let stats = &running.server.stats;
                stats.error(Error::prefix(&error.to_string()));
                return Ok((Look::GoesOn, Called::Failed(error.reply_text())));
            }
        };
        let mut chunks = running.reply.chunks();
        let (first, second) = (chunks.next(), chunks.next());
        let called = match (first, second) {
            (Some(only), None) => called(lua, only.as_slice())?,
            _ => {
                let chunks = running.reply.chunks();
                let all: Vec<u8> = chunks.flat_map(|it| it.as_slice().to_vec()).collect();
                called(lua, &all)?
            }
        };
        running.reply.clear();
        Ok((look, called))
    })?;
    match look {
        Look::GoesOn => Ok(called),
        Look::Rests => {
            stack::pause();
            Ok(called)
        }
        Look::Ends => Ok(Called::Refused(KILLED.as_bytes().to_vec())),
    }
}

fn called(lua: &Lua, reply: &[u8]) -> mlua::Result<Called> {
    match reply.strip_prefix(b"-") {
        Some(text) => Ok(Called::Failed(text.trim_ascii_end().to_vec())),
        None => Ok(Called::Replied(convert::to_lua(lua, reply)?)),
    }
}

/// The words that a script has given: strings, and numbers as Redis prints them.
fn request_of(values: &MultiValue) -> Result<Request> {
    if values.is_empty() {
        let text = "ERR Please specify at least one argument for this redis lib call";
        return Err(Error::Text(text.to_owned()));
    }
    let words: Option<SmallVec<[Word<'_>; 4]>> = values.iter().map(Word::of).collect();
    let words = words.ok_or_else(|| {
        let text = "ERR Lua redis lib command arguments must be strings or integers";
        Error::Text(text.to_owned())
    })?;
    Ok(Request::of_words(&words))
}

/// A word that a script has given.
enum Word<'v> {
    Text(BorrowedBytes<'v>),
    Number(Vec<u8>),
}

impl<'v> Word<'v> {
    fn of(value: &'v Value) -> Option<Word<'v>> {
        match value {
            Value::String(text) => Some(Word::Text(text.as_bytes())),
            Value::Integer(number) => Some(Word::Number(number.to_string().into_bytes())),
            Value::Number(number) => Some(Word::Number(number_text(*number))),
            _ => None,
        }
    }
}

impl AsRef<[u8]> for Word<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Word::Text(text) => text,
            Word::Number(digits) => digits,
        }
    }
}

fn word_of(value: &Value) -> Option<Vec<u8>> {
    Word::of(value).map(|word| word.as_ref().to_vec())
}

/// A number as Redis passes it on: without a point if it is whole.
fn number_text(number: f64) -> Vec<u8> {
    const WHOLE: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-WHOLE..WHOLE).contains(&number) {
        (number as i64).to_string().into_bytes()
    } else {
        protocol::number::format_f64(number).as_bytes().to_vec()
    }
}

/// Why a function has failed.
enum Fault {
    Text(&'static str),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Fault {
        Fault::Lua(error)
    }
}

type Checked = std::result::Result<Value, Fault>;
type Function = fn(&Lua, &MultiValue) -> Checked;

/// The functions of `redis` that may be called wrongly.
const CHECKED: [(&str, Function); 7] = [
    ("acl_check_cmd", acl_check_cmd),
    ("error_reply", error_reply),
    ("log", log),
    ("set_repl", set_repl),
    ("setresp", setresp),
    ("sha1hex", sha1hex),
    ("status_reply", status_reply),
];

fn whole(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Number(number)) => Some(*number as i64),
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    }
}

fn sha1hex(lua: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR wrong number of arguments"));
    }
    let word = values.front().and_then(word_of).unwrap_or_default();
    Ok(Value::String(lua.create_string(hex(&sha_of(&word)))?))
}

fn log(_: &Lua, values: &MultiValue) -> Checked {
    if values.len() < 2 {
        return Err(Fault::Text(
            "ERR redis.log() requires two arguments or more.",
        ));
    }
    let Some(level) = whole(values.front()) else {
        return Err(Fault::Text(
            "ERR First argument must be a number (log level).",
        ));
    };
    let words: Vec<Vec<u8>> = values.iter().skip(1).filter_map(word_of).collect();
    let text = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
    match level {
        0 => tracing::trace!("{text}"),
        1 => tracing::debug!("{text}"),
        2 => tracing::info!("{text}"),
        3 => tracing::warn!("{text}"),
        _ => return Err(Fault::Text("ERR Invalid log level.")),
    }
    Ok(Value::Nil)
}

fn setresp(_: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR redis.setresp() requires one argument."));
    }
    let version = match whole(values.front()) {
        Some(2) => Version::Resp2,
        Some(3) => Version::Resp3,
        _ => return Err(Fault::Text("ERR RESP version must be 2 or 3.")),
    };
    RUNNING.with_borrow_mut(|slot| {
        if let Some(running) = slot {
            running.version = version;
        }
    });
    Ok(Value::Nil)
}

/// Effects always go to the log: what a script asks for here is only checked.
fn set_repl(_: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR redis.set_repl() requires one argument."));
    }
    match whole(values.front()) {
        Some(0..4) => Ok(Value::Nil),
        _ => Err(Fault::Text(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
    }
}

/// A table with one text in it, or one that says what is wrong.
fn reply_of(
    lua: &Lua,
    label: &str,
    values: &MultiValue,
    prepare: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Checked {
    let table = lua.create_table()?;
    match (values.len(), values.front()) {
        (1, Some(Value::String(text))) => {
            let text = prepare(text.as_bytes().to_vec());
            table.raw_set(label, lua.create_string(text)?)?;
        }
        _ => table.raw_set("err", "ERR wrong number or type of arguments")?,
    }
    Ok(Value::Table(table))
}

fn status_reply(lua: &Lua, values: &MultiValue) -> Checked {
    reply_of(lua, "ok", values, |text| text)
}

fn error_reply(lua: &Lua, values: &MultiValue) -> Checked {
    reply_of(lua, "err", values, |text| {
        let text = convert::error_text(&text);
        // Its first word is the code, if it has several.
        if text.contains(&b' ') {
            text
        } else {
            [b"ERR ", &text[..]].concat()
        }
    })
}

fn acl_check_cmd(_: &Lua, values: &MultiValue) -> Checked {
    let request = request_of(values).map_err(|_| {
        Fault::Text(if values.is_empty() {
            "ERR Please specify at least one argument for this redis lib call"
        } else {
            "ERR redis.acl_check_cmd() require all arguments to be strings"
        })
    })?;
    RUNNING.with_borrow(|slot| {
        let args = request.args();
        let asked = slot
            .as_ref()
            .and_then(|it| Some((it, find_for_script(it.server, &args)?)));
        match asked {
            Some((running, entry)) => {
                let may = permission::may_call(&running.client, entry, &args).is_ok();
                Ok(Value::Boolean(may))
            }
            None => Err(Fault::Text(
                "ERR Invalid command passed to redis.acl_check_cmd()",
            )),
        }
    })
}
