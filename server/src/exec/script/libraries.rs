//! Libraries of functions: loading them, and calling what they have registered.
//!
//! A library runs once, when it is loaded; its functions find again what it has left.

use std::sync::Arc;

use protocol::Args;

use super::running::{Allowance, Callee, Identity};
use super::{Unit, new_interpreter, run};
use crate::command::error::shown;
use crate::command::{Call, Ctx, Error, Result};
use crate::script::Kind;
use crate::script::functions::{Callbacks, Loaded, Policy};
use crate::script::library::{Draft, Library};
use crate::script::register::Patience;
use crate::server::Server;

/// Runs `work` with the interpreter of functions.
fn with_callbacks<R>(server: &Server, work: impl FnOnce(&mut Callbacks) -> Result<R>) -> Result<R> {
    let make = || new_interpreter(Kind::Function);
    server.functions.with_callbacks(make, work)
}

/// Calls a function.
pub(super) fn call(
    cx: &mut Ctx<'_>,
    (library, index): (Arc<Library>, usize),
    (call, args): (Call, &Args<'_>),
    unit: &mut Unit,
) -> Result {
    with_callbacks(cx.server, |callbacks| {
        let function = callbacks.get(&library, index).ok_or(Error::NoFunction)?;
        let allowance = Allowance {
            flags: Some(library.functions[index].flags),
            is_read_only: call.is_read_only,
        };
        let identity = Identity {
            callee: Callee::Function(library, index),
            request: Some(args.to_request()),
        };
        run(
            (&callbacks.interpreter, function),
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
    let functions = &server.functions;
    with_callbacks(server, |callbacks| {
        let loaded: std::result::Result<Vec<Loaded>, String> = drafts
            .into_iter()
            .map(|draft| functions.run(callbacks, draft, patience))
            .collect();
        loaded
            .and_then(|loaded| functions.add(callbacks, loaded, policy))
            .map_err(of_text)
    })
}

fn of_text(text: String) -> Error {
    Error::Text(shown(format!("ERR {text}").as_bytes()))
}
