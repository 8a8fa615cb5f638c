//! Running scripts: what they call is carried out here, under the locks that the script holds.
//!
//! A script holds every shard, for it may touch keys that its request does not name. While it runs, what it needs of
//! the server lies in a slot of its thread, where the functions it calls find it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use mlua::{Lua, MultiValue, Table, Value};
use protocol::{Args, Output, Request, Version};
use storage::db::Db;
use storage::keyspace::ShardSet;

use super::{Unit, permission, run, tell};
use crate::clients::Client;
use crate::clock::Stopwatch;
use crate::command::error::shown;
use crate::command::table::Entry;
use crate::command::{Ctx, Effects, Error, Outcome, Reply, Result, ScriptJob};
use crate::monitor::Caller;
use crate::script::interpreter::{End, Interpreter};
use crate::script::source::ScriptFlags;
use crate::script::{convert, hex, raised, sha_of};
use crate::server::Server;
use crate::spec::Flags;
use crate::transaction::Local;

thread_local! {
    static INTERPRETER: RefCell<Option<Interpreter>> = const { RefCell::new(None) };
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// A script that runs on this thread.
struct Running {
    server: &'static Server,
    client: Arc<Client>,
    local: Local,
    db: Option<Db<'static>>,
    unit: Unit,
    reply: Output,
    /// Commands that have run: (id, nanoseconds, whether it failed).
    calls: Vec<(usize, u64, bool)>,
    stopwatch: Stopwatch,
    /// The protocol its replies are asked for in.
    version: Version,
    is_read_only: bool,
    /// It may not need more memory.
    is_short_of_memory: bool,
    has_written: bool,
    started: Instant,
    /// It runs longer than `busy-reply-threshold`: others are told so.
    is_too_long: bool,
}

const KILLED: &str = "ERR Script killed by user with SCRIPT KILL...";

fn new_interpreter() -> mlua::Result<Interpreter> {
    let interpreter = Interpreter::new(bind)?;
    interpreter.watch(|lua| {
        RUNNING.with_borrow_mut(|slot| match slot {
            Some(running) => match running.is_to_end() {
                true => Err(raised::table(lua, KILLED.as_bytes().to_vec())),
                false => Ok(()),
            },
            None => Ok(()),
        })
    })?;
    Ok(interpreter)
}

/// Runs the script of a job and writes what it returns.
pub fn execute(cx: &mut Ctx<'_>, job: &ScriptJob, args: &Args<'_>, unit: &mut Unit) -> Result {
    INTERPRETER.with_borrow_mut(|slot| {
        let interpreter = match slot {
            Some(interpreter) => interpreter,
            None => slot.insert(new_interpreter().map_err(of_lua)?),
        };
        let scripts = &cx.server.scripts;
        let before = interpreter.memory_bytes();
        if interpreter.generation != scripts.generation() {
            interpreter.flush(scripts.generation());
        }
        let result = run_in(interpreter, cx, job, args, unit);
        scripts.note_lua_bytes(before, interpreter.memory_bytes());
        result
    })
}

fn run_in(
    interpreter: &mut Interpreter,
    cx: &mut Ctx<'_>,
    job: &ScriptJob,
    args: &Args<'_>,
    unit: &mut Unit,
) -> Result {
    let source = &job.source;
    let function = interpreter
        .compile(&source.sha, source.body())
        .map_err(|message| {
            Error::Text(format!(
                "ERR Error compiling script (new function): {message}"
            ))
        })?;
    if let Some(origin) = job.origin {
        cx.server.scripts.add(Arc::clone(source), origin);
    }
    if job.is_load {
        return cx.reply.bulk(hex(&source.sha).as_bytes());
    }
    let keys = args.from(job.keys_at).first(job.key_count);
    let argv = args.from(job.keys_at + job.key_count);
    let running = Running::new(cx, job, unit);
    RUNNING.with_borrow_mut(|slot| *slot = Some(running));
    let end = interpreter.run(&function, keys.iter(), argv.iter());
    let running = RUNNING.with_borrow_mut(Option::take);
    let version = running.map_or(Version::Resp2, |running| running.give_back(cx, unit));
    match end.map_err(of_lua)? {
        End::Returned(value) => {
            convert::write(&value, version, cx.reply.encoder());
            Ok(Outcome::Done)
        }
        End::Failed(table) => {
            let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
            let mut text = match field("err") {
                Value::String(text) => convert::one_line(&text.as_bytes()),
                _ => b"ERR unknown error".to_vec(),
            };
            if let (Value::String(source), Ok(line)) =
                (field("source"), table.raw_get::<i64>("line"))
            {
                let place = format!(
                    " script: {}, on {}:{line}.",
                    hex(&job.source.sha),
                    source.to_string_lossy()
                );
                text.extend_from_slice(place.as_bytes());
            } else {
                text.extend_from_slice(format!(" script: {}", hex(&job.source.sha)).as_bytes());
            }
            Err(Error::Text(shown(&text)))
        }
    }
}

/// Lua itself could not go on: it has no memory.
fn of_lua(error: mlua::Error) -> Error {
    Error::Text(format!("ERR {error}"))
}

impl Running {
    fn new(cx: &mut Ctx<'_>, job: &ScriptJob, unit: &mut Unit) -> Running {
        let server = cx.server;
        let nothing_held = server.keyspace.lock(ShardSet::NONE);
        let (index, moment) = (cx.db.index, cx.db.moment);
        let none = Db::new(&server.keyspace, nothing_held, index, moment);
        let may_grow = job.source.says(ScriptFlags::ALLOW_OOM) || cx.is_replay();
        Running {
            server,
            client: Arc::clone(cx.client),
            local: Local::default(),
            db: Some(std::mem::replace(&mut cx.db, none)),
            unit: std::mem::take(unit),
            reply: Output::new(),
            calls: Vec::new(),
            stopwatch: Stopwatch::start(),
            version: Version::Resp2,
            is_read_only: job.is_read_only || job.source.says(ScriptFlags::NO_WRITES),
            is_short_of_memory: !may_grow && server.is_out_of_memory(),
            has_written: false,
            started: Instant::now(),
            is_too_long: false,
        }
    }

    fn is_killed(&self) -> bool {
        self.is_too_long && self.server.scripts.is_killed()
    }

    /// Looks how long it runs already; whether it is to end.
    fn is_to_end(&mut self) -> bool {
        if !self.is_too_long && self.started.elapsed() >= self.server.settings.busy_threshold() {
            self.is_too_long = true;
            tracing::warn!(
                "Slow script detected: still in execution after {} milliseconds. You can try killing the script \
                 using the SCRIPT KILL command.",
                self.started.elapsed().as_millis()
            );
            self.server.gates.set_busy(true);
        }
        if self.is_too_long {
            self.server.scripts.note_written(self.has_written);
        }
        self.is_killed()
    }

    /// Puts everything back where it came from; the protocol that the script has asked for.
    fn give_back(self, cx: &mut Ctx<'_>, unit: &mut Unit) -> Version {
        let index = cx.db.index;
        if let Some(db) = self.db {
            cx.db = db;
            cx.db.index = index;
        }
        // What a script selects holds for itself alone.
        cx.client.select(index);
        if self.is_too_long {
            self.server.gates.set_busy(false);
            self.server.scripts.calm_down();
        }
        *unit = self.unit;
        cx.calls.extend(self.calls);
        self.version
    }

    /// Carries out one command; the reply is left in `reply`.
    fn call(&mut self, request: &Request) -> Result<()> {
        let args = request.args();
        let entry = self.admit(&args)?;
        let Some(db) = self.db.take() else {
            return Err(Error::Text("ERR no keyspace".to_owned()));
        };
        let mut cx = Ctx {
            server: self.server,
            client: &self.client,
            local: &mut self.local,
            db,
            reply: Reply::new(&mut self.reply, self.version),
            effects: Effects::default(),
            entry,
            is_in_exec: true,
            wanted: None,
            again: None,
            calls: Vec::new(),
        };
        self.stopwatch.lap_nanos();
        let (_, failed) = run(&mut cx, entry, &args, &mut self.unit);
        self.db = Some(cx.db);
        let nanos = self.stopwatch.lap_nanos();
        self.calls.push((entry.id, nanos, failed));
        let now_us = self.stopwatch.wall_us();
        let caller = Caller::Script(&self.client);
        let habits = &mut self.local.habits;
        tell(self.server, caller, habits, (entry, &args), nanos, now_us);
        Ok(())
    }

    /// The command, if a script may call it now: the checks of Redis in its order (`scriptCall`, script.c).
    fn admit(&mut self, args: &Args<'_>) -> Result<&'static Entry> {
        let text = |text: &str| Error::Text(text.to_owned());
        let entry = find_for_script(self.server, args)
            .ok_or_else(|| text("ERR Unknown Redis command called from script"))?;
        if !entry.accepts(args.len()) {
            return Err(text(
                "ERR Wrong number of args calling Redis command from script",
            ));
        }
        let flags = entry.flags();
        if flags.contains(Flags::NOSCRIPT) {
            return Err(text("ERR This Redis command is not allowed from script"));
        }
        let now_ms = self.db.as_ref().map_or(0, |db| db.moment.now_ms);
        permission::check_called(self.server, &self.client, (entry, args), now_ms)?;
        if flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE) && self.is_read_only {
            return Err(text(
                "ERR Write commands are not allowed from read-only scripts.",
            ));
        }
        if flags.contains(Flags::DENYOOM) && self.is_short_of_memory && !self.has_written {
            return Err(Error::OutOfMemory);
        }
        self.has_written |= flags.contains(Flags::WRITE);
        Ok(entry)
    }
}

fn find_for_script(server: &'static Server, args: &Args<'_>) -> Option<&'static Entry> {
    let entry = server.commands.find(args.get(0)?)?;
    match args.get(1) {
        Some(sub) if !entry.subcommands.is_empty() => super::find_subcommand(entry, sub).ok(),
        _ => Some(entry),
    }
}

/// The functions that reach from a script into the server.
fn bind(lua: &Lua, prelude: &Table) -> mlua::Result<Table> {
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
    Ok(redis)
}

/// `redis.call`: raises what a command answers with an error.
fn call(lua: &Lua, values: MultiValue) -> mlua::Result<Value> {
    match carry_out(lua, &values)? {
        Called::Replied(value) => Ok(value),
        Called::Failed(text) => Err(raised::table(lua, text)),
    }
}

/// `redis.pcall`: gives it as a table.
fn pcall(lua: &Lua, values: MultiValue) -> mlua::Result<Value> {
    match carry_out(lua, &values)? {
        Called::Replied(value) => Ok(value),
        Called::Failed(text) => {
            let table = lua.create_table()?;
            table.raw_set("err", lua.create_string(text)?)?;
            table.raw_set("ignore_error_stats_update", true)?;
            Ok(Value::Table(table))
        }
    }
}

/// What a command has answered.
enum Called {
    Replied(Value),
    /// An error, whose text this is.
    Failed(Vec<u8>),
}

fn carry_out(lua: &Lua, values: &MultiValue) -> mlua::Result<Called> {
    let request = match request_of(values) {
        Ok(request) => request,
        Err(error) => return Ok(Called::Failed(error.reply_text())),
    };
    RUNNING.with_borrow_mut(|slot| {
        let Some(running) = slot else {
            let text = b"ERR redis.call/pcall can only be called inside a script invocation";
            return Ok(Called::Failed(text.to_vec()));
        };
        if let Err(error) = running.call(&request) {
            let stats = &running.server.stats;
            stats.error(Error::prefix(&error.to_string()));
            return Ok(Called::Failed(error.reply_text()));
        }
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
        Ok(called)
    })
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
    let words: Option<Vec<Vec<u8>>> = values.iter().map(word_of).collect();
    let words = words.ok_or_else(|| {
        let text = "ERR Lua redis lib command arguments must be strings or integers";
        Error::Text(text.to_owned())
    })?;
    Ok(words.iter().collect())
}

fn word_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Number(number) => Some(number_text(*number)),
        _ => None,
    }
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
