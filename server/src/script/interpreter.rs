//! A Lua interpreter: its globals, which no script can change, and the scripts it has compiled.

use std::collections::HashMap;

use lua::{How, Returned, Runner};
use mlua::{Function, HookTriggers, Lua, LuaOptions, Result, StdLib, Table, Value, VmState};
use protocol::Args;

use super::convert;
use super::raised::{self, PRELUDE_NAME, place};
use super::random;
use super::register::{self, Patience, Registered};
use super::{Kind, Sha, libraries};

/// What all globals are made of.
const PRELUDE: &str = include_str!("prelude.lua");
/// The name of every script, as it stands in error texts.
const SCRIPT_CHUNK: &str = "@user_script";
/// The name of every library.
const LIBRARY_CHUNK: &str = "@user_function";
/// What of `redis` a library may use while it is loaded.
const AT_LOAD: [&str; 7] = [
    "LOG_DEBUG",
    "LOG_NOTICE",
    "LOG_VERBOSE",
    "LOG_WARNING",
    "REDIS_VERSION",
    "REDIS_VERSION_NUM",
    "log",
];
/// So many instructions are carried out between two looks at whether the script is to be stopped.
const INSTRUCTIONS: u32 = 100_000;

/// A script's end: what it has returned, or the table that describes the error.
pub enum End {
    /// It has returned a text, which has been taken.
    Taken,
    /// Its value, if that is no text.
    Returned(Value),
    /// `err`, and perhaps `source` and `line`.
    Failed(Table),
}

/// One interpreter, of scripts or of libraries: nothing that one does is seen by the other.
#[derive(Debug)]
pub struct Interpreter {
    lua: Lua,
    in_place: Function,
    runner: Runner,
    load: Option<Function>,
    /// Compiled, by what their text hashes to.
    compiled: HashMap<Sha, Function, ahash::RandomState>,
}

impl Interpreter {
    /// An interpreter with everything that scripts may use. `bind` gives what they know as `redis`, and puts
    /// `is_killed` and `killed`, the error of a script that is to end, into the table of what the prelude uses.
    ///
    /// # Errors
    /// If Lua has no memory.
    pub fn new(
        kind: Kind,
        bind: impl FnOnce(&Lua, &Table) -> Result<Table>,
    ) -> Result<Interpreter> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let server = lua.create_table()?;
        let redis = bind(&lua, &server)?;
        install_numbers(&lua, &server)?;
        let native = |lua: &Lua, function: Function| lua::native(lua, &function);
        server.raw_set("native", lua.create_function(native)?)?;
        server.raw_set(
            "called",
            lua.create_function(|lua, level| Ok(raised::called(lua, level)))?,
        )?;
        server.raw_set("place", lua.create_function(|lua, ()| Ok(place(lua)))?)?;
        server.raw_set("reveal", lua.create_function(raised::reveal)?)?;
        server.raw_set("libraries", libraries::all(&lua)?)?;
        if kind == Kind::Function {
            server.raw_set("library", library_api(&lua, &redis)?)?;
        }
        let prelude = lua.load(PRELUDE).set_name(PRELUDE_NAME).into_function()?;
        let (in_place, describe, load) = prelude.call((redis, server))?;
        let how = match kind {
            Kind::Script => How::Globals,
            Kind::Function => How::Arguments,
        };
        let runner = Runner::new(&lua, describe, how)?;
        Ok(Interpreter {
            lua,
            in_place,
            runner,
            load,
            compiled: HashMap::default(),
        })
    }

    /// Bytes that Lua has allocated.
    pub fn memory_bytes(&self) -> usize {
        self.lua.used_memory()
    }

    /// Frees what nothing refers to.
    pub fn collect_garbage(&self) {
        // It fails if a finalizer does: then the next collection goes on.
        let _ = self.lua.gc_collect();
    }

    /// Compiles a script unless that has been done.
    ///
    /// # Errors
    /// What Lua says of its syntax.
    pub fn compile(&mut self, sha: &Sha, text: &[u8]) -> std::result::Result<(), String> {
        if !self.compiled.contains_key(sha) {
            let function = self.compile_as(SCRIPT_CHUNK, text)?;
            self.compiled.insert(*sha, function);
        }
        Ok(())
    }

    /// Forgets a script that has been compiled.
    pub fn forget(&mut self, sha: &Sha) {
        self.compiled.remove(sha);
    }

    /// A script that has been compiled.
    pub fn compiled(&self, sha: &Sha) -> Option<&Function> {
        self.compiled.get(sha)
    }

    fn compile_as(&self, chunk: &str, text: &[u8]) -> std::result::Result<Function, String> {
        let compiled = self
            .lua
            .load(text)
            .set_name(chunk)
            .set_mode(mlua::ChunkMode::Text)
            .into_function()
            .and_then(|function| self.in_place.call::<Function>(function));
        compiled.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })
    }

    /// Loads a library; the functions that it has registered.
    ///
    /// # Errors
    /// The text of the error: what Lua says of its syntax, what the library has raised, that it took too long, or that
    /// it has no function.
    pub fn load(
        &self,
        text: &[u8],
        patience: Patience,
    ) -> std::result::Result<Vec<Registered>, String> {
        let chunk = self
            .compile_as(LIBRARY_CHUNK, text)
            .map_err(|message| format!("Error compiling function: {message}"))?;
        let load = self
            .load
            .as_ref()
            .expect("libraries are loaded where they run");
        let (ended, registered) = register::gather(patience, || load.call::<(bool, Value)>(chunk));
        let failure = match ended {
            Ok((true, _)) if registered.is_empty() => {
                return Err("No functions registered".to_owned());
            }
            Ok((true, _)) => return Ok(registered),
            Ok((false, Value::Table(error))) => error.raw_get::<mlua::String>("err").map_or_else(
                |_| "ERR unknown error".to_owned(),
                |it| it.to_string_lossy(),
            ),
            Ok((false, other)) => format!("ERR {}", other.to_string().unwrap_or_default()),
            Err(error) => format!("ERR {error}"),
        };
        Err(format!("Error registering functions: {failure}"))
    }

    /// Runs a compiled script, or a function of a library. If it returns a text, `take` gets it.
    ///
    /// # Errors
    /// If Lua has no memory.
    pub fn run(
        &self,
        function: &Function,
        words: (Args<'_>, Args<'_>),
        take: impl FnMut(&[u8]),
    ) -> Result<End> {
        Ok(match self.runner.run(function, words, take)? {
            Returned::Error(Value::Table(table)) => End::Failed(table),
            Returned::Error(other) => {
                // Errors of Lua itself that no handler has seen, such as out of memory.
                let table = self.lua.create_table()?;
                table.raw_set("err", format!("ERR {}", other.to_string()?))?;
                End::Failed(table)
            }
            Returned::Text => End::Taken,
            Returned::Number(number) => End::Returned(Value::Number(number)),
            Returned::Boolean(is_true) => End::Returned(Value::Boolean(is_true)),
            Returned::Value(value) => End::Returned(value),
        })
    }

    /// Lets `look` see from time to time that a script runs; an error of it ends the script.
    ///
    /// # Errors
    /// If Lua has no memory.
    pub fn watch(&self, look: impl Fn(&Lua) -> Result<()> + Send + 'static) -> Result<()> {
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
        self.lua.set_global_hook(triggers, move |lua, _| {
            look(lua)?;
            Ok(VmState::Continue)
        })
    }
}

/// What a library knows as `redis` while it is loaded.
fn library_api(lua: &Lua, redis: &Table) -> Result<Table> {
    let api = lua.create_table()?;
    for name in AT_LOAD {
        api.raw_set(name, redis.raw_get::<Value>(name)?)?;
    }
    let function = lua.create_function(register::register_function)?;
    api.raw_set("register_function", function)?;
    Ok(api)
}

fn install_numbers(lua: &Lua, server: &Table) -> Result<()> {
    let fraction = lua.create_function(|_, ()| Ok(random::fraction()))?;
    server.raw_set("fraction", fraction)?;
    let randomseed = lua.create_function(|_, seed: f64| {
        random::seed(seed as i32);
        Ok(())
    })?;
    server.raw_set("randomseed", randomseed)?;
    // As `luaL_checkint` does it, which cuts bits off.
    let integer = |_: &Lua, number: f64| Ok(f64::from(convert::integer(number) as i32));
    let integer = lua.create_function(integer)?;
    server.raw_set("integer", integer)
}
