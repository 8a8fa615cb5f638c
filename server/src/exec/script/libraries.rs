//! Libraries of functions: loading them, and calling what they have registered.
//!
//! A library is loaded into the interpreter of the thread that was told to, and into those of other threads when one
//! of its functions is first called there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use mlua::Function;
use protocol::Args;

use super::running::{Allowance, Callee, Identity};
use super::{Unit, new_interpreter, of_lua, run};
use crate::command::error::shown;
use crate::command::{Call, Ctx, Error, Result};
use crate::script::Kind;
use crate::script::functions::{Loaded, Policy};
use crate::script::interpreter::Interpreter;
use crate::script::library::{Draft, Library};
use crate::script::register::Patience;
use crate::server::Server;

thread_local! {
    static LIBRARIES: RefCell<Option<Libraries>> = const { RefCell::new(None) };
}

/// The interpreter of a thread for functions.
struct Libraries {
    interpreter: Interpreter,
    /// What the libraries have registered, each function in its place.
    loaded: HashMap<u64, Vec<Function>>,
}

impl Libraries {
    fn new() -> Result<Libraries> {
        Ok(Libraries {
            interpreter: new_interpreter(Kind::Function).map_err(of_lua)?,
            loaded: HashMap::new(),
        })
    }

    /// Lets go what has been deleted or replaced.
    fn catch_up(&mut self, server: &Server) {
        let generation = server.functions.generation();
        if self.interpreter.generation == generation {
            return;
        }
        let known = server.functions.libraries();
        self.loaded
            .retain(|id, _| known.iter().any(|library| library.id == *id));
        self.interpreter.flush(generation);
    }

    /// A function of a library, which is loaded unless it has been.
    fn function(&mut self, library: &Library, index: usize) -> Result<Function> {
        if !self.loaded.contains_key(&library.id) {
            let registered = self
                .interpreter
                .load(library.draft.body(), Patience::Endless)
                .map_err(of_text)?;
            // What it registers may depend on nothing but its text, so each is found in its place again.
            let functions = registered.into_iter().map(|(_, function)| function);
            self.loaded.insert(library.id, functions.collect());
        }
        let functions = &self.loaded[&library.id];
        let function = functions.get(index).cloned();
        function.ok_or_else(|| of_text("Function not found".to_owned()))
    }
}

/// Runs `work` with the libraries of this thread.
fn with_libraries<R>(server: &Server, work: impl FnOnce(&mut Libraries) -> Result<R>) -> Result<R> {
    LIBRARIES.with_borrow_mut(|slot| {
        let before = slot.as_ref().map_or(0, |it| it.interpreter.memory_bytes());
        let libraries = match slot {
            Some(libraries) => libraries,
            None => slot.insert(Libraries::new()?),
        };
        libraries.catch_up(server);
        let result = work(libraries);
        let after = libraries.interpreter.memory_bytes();
        server.functions.note_lua_bytes(before, after);
        result
    })
}

/// Calls a function.
pub(super) fn call(
    cx: &mut Ctx<'_>,
    (library, index): (Arc<Library>, usize),
    (call, args): (Call, &Args<'_>),
    unit: &mut Unit,
) -> Result {
    with_libraries(cx.server, |libraries| {
        let function = libraries.function(&library, index)?;
        let allowance = Allowance {
            flags: Some(library.functions[index].flags),
            is_read_only: call.is_read_only,
        };
        let identity = Identity {
            callee: Callee::Function(library, index),
            request: Some(args.to_request()),
        };
        let interpreter = &libraries.interpreter;
        run(
            (interpreter, &function),
            cx,
            (call, args),
            allowance,
            identity,
            unit,
        )
    })
}

/// Loads one library and answers with its name.
pub(super) fn load(cx: &mut Ctx<'_>, draft: Draft, policy: Policy) -> Result {
    let name = draft.name.clone();
    add(cx.server, vec![draft], policy, patience(cx))?;
    cx.db.changes.dirty += 1;
    cx.reply.bulk(name.as_bytes())
}

/// Loads libraries, all or none of them, and answers that it is done.
pub(super) fn restore(cx: &mut Ctx<'_>, drafts: Vec<Draft>, policy: Policy) -> Result {
    add(cx.server, drafts, policy, patience(cx))?;
    cx.db.changes.dirty += 1;
    cx.reply.ok()
}

/// Loads libraries that a snapshot holds.
///
/// # Errors
/// What is wrong with one of them; then nothing has changed.
pub fn load_libraries<T: AsRef<[u8]>>(
    server: &Server,
    texts: &[T],
    policy: Policy,
) -> std::result::Result<(), String> {
    let drafts: std::result::Result<Vec<Draft>, String> = texts
        .iter()
        .map(|text| Draft::parse(text.as_ref()))
        .collect();
    add(server, drafts?, policy, Patience::Endless).map_err(|error| error.to_string())
}

/// What the log holds has been loaded before.
fn patience(cx: &Ctx<'_>) -> Patience {
    match cx.is_replay() {
        true => Patience::Endless,
        false => Patience::Short,
    }
}

fn add(server: &Server, drafts: Vec<Draft>, policy: Policy, patience: Patience) -> Result<()> {
    with_libraries(server, |libraries| {
        let run = |draft: Draft| -> std::result::Result<Loaded, String> {
            let registered = libraries.interpreter.load(draft.body(), patience)?;
            let functions = registered.into_iter().map(|(function, _)| function);
            Ok((draft, functions.collect()))
        };
        let loaded: std::result::Result<Vec<Loaded>, String> =
            drafts.into_iter().map(run).collect();
        loaded
            .and_then(|loaded| server.functions.add(loaded, policy))
            .map_err(of_text)
    })
}

fn of_text(text: String) -> Error {
    Error::Text(shown(format!("ERR {text}").as_bytes()))
}
