//! The short way between Rust and Lua that every script takes: its keys and arguments, the words of a call, the
//! reply, and what it returns.
//!
//! `mlua` gives each value a handle, and each step a protected call of its own, which was two thirds of what a script
//! of one command cost. Here values go straight to Lua's stack and from it. Everything else stays with `mlua`.
//!
//! Lua raises an error by a jump out of the C function that finds it, so two rules hold here. What calls a function
//! of Lua that may raise has nothing on its own stack that must be dropped. And while the words of a call lie in
//! Rust's hands, nothing that could raise, or collect garbage, is called.

mod push;
mod run;

use std::cell::{Cell, RefCell};
use std::os::raw::{c_int, c_void};

use mlua::{Function, Lua, Result, ffi};
use smallvec::SmallVec;

pub use push::IS_COUNTED;
pub use run::{How, Returned, Runner};

/// Memory kept for the next reply, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    /// The reply of the call that is being answered.
    static REPLY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// A call is being answered: its reply is still being read.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

/// One argument of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Word<'a> {
    /// A string.
    Text(&'a [u8]),
    /// A number.
    Number(f64),
    /// Something that is no word.
    Other,
}

/// What a call has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its reply has been written.
    Replied,
    /// The function that was given for this ([`caller`]) says what happens.
    Failed,
}

/// Who carries out the calls of scripts.
pub trait Host {
    /// Carries out a call. What it replies is one whole reply of RESP2 or RESP3.
    fn call(words: &[Word<'_>], reply: &mut Vec<u8>) -> Outcome;

    /// A call was made from inside another, as a finalizer can: it fails.
    fn nested();
}

/// A function that hands its arguments to [`Host::call`] and gives the reply as a value of Lua, as Redis converts it
/// (`script_lua.c`). Where that fails, `fail` is called without arguments: what it gives or raises is the result.
///
/// # Errors
/// If Lua has no memory.
pub fn caller<H: Host>(lua: &Lua, fail: &Function) -> Result<Function> {
    // SAFETY: the closure leaves one function in the place of the one it was given; it has nothing to drop.
    #[expect(unsafe_code, reason = "see the head of this crate")]
    unsafe {
        lua.exec_raw(fail, |state| ffi::lua_pushcclosure(state, called::<H>, 1))
    }
}

/// A function of C that calls one of Lua: who calls it in place of returning stays on the stack, and is found where
/// an error has come from.
///
/// # Errors
/// If Lua has no memory.
pub fn native(lua: &Lua, function: &Function) -> Result<Function> {
    // SAFETY: as in `caller`.
    #[expect(unsafe_code, reason = "see the head of this crate")]
    unsafe {
        lua.exec_raw(function, |state| ffi::lua_pushcclosure(state, pass_on, 1))
    }
}

/// The C function behind [`native`].
///
/// # Safety
/// Lua calls it, with the other function as its upvalue.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe extern "C-unwind" fn pass_on(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: there is room for one value more, and nothing here is to be dropped.
    unsafe {
        let given = ffi::lua_gettop(state);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, given, ffi::LUA_MULTRET);
        ffi::lua_gettop(state)
    }
}

/// The C function behind [`caller`].
///
/// # Safety
/// Lua calls it, with `fail` as its upvalue.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe extern "C-unwind" fn called<H: Host>(state: *mut ffi::lua_State) -> c_int {
    if IS_CALLING.get() {
        H::nested();
        // SAFETY: as below.
        return unsafe { fail(state) };
    }
    // SAFETY: `state` is the one that Lua has called with. What the block creates is gone at its end.
    let outcome = unsafe { carry_out::<H>(state) };
    let Some((bytes, length)) = outcome else {
        // SAFETY: nothing on the stack of this function is to be dropped.
        return unsafe { fail(state) };
    };
    IS_CALLING.set(true);
    // SAFETY: the bytes are those of `REPLY`, which nobody touches as long as `IS_CALLING` is set. Neither here nor
    // below is anything to be dropped when Lua raises an error.
    unsafe {
        push::reply(state, std::slice::from_raw_parts(bytes.cast(), length));
    }
    IS_CALLING.set(false);
    1
}

/// Lets the function decide that is there for failures.
///
/// # Safety
/// As [`called`].
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe fn fail(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: a C function has room for some values on its stack, and the upvalue is a function.
    unsafe {
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_call(state, 0, 1);
    }
    1
}

/// Carries the call out that lies on the stack; where its reply is, and how long.
///
/// # Safety
/// `state` is in a call. Nothing here may raise an error.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe fn carry_out<H: Host>(state: *mut ffi::lua_State) -> Option<(*const c_void, usize)> {
    // SAFETY: looking at the stack raises nothing, and the strings stay on it until the call is over.
    let words: SmallVec<[Word<'_>; 8]> = unsafe {
        (1..=ffi::lua_gettop(state))
            .map(|index| word(state, index))
            .collect()
    };
    REPLY.with_borrow_mut(|reply| {
        if reply.capacity() > KEPT_BYTES {
            *reply = Vec::new();
        }
        reply.clear();
        match H::call(&words, reply) {
            Outcome::Replied => Some((reply.as_ptr().cast(), reply.len())),
            Outcome::Failed => None,
        }
    })
}

/// The word at a place of the stack.
///
/// # Safety
/// There is a value, which stays there as long as the word is used.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe fn word<'a>(state: *mut ffi::lua_State, index: c_int) -> Word<'a> {
    // SAFETY: only of a string is the text taken, so nothing is converted in place; the text lies where the string does.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TSTRING => Word::Text(text(state, index)),
            ffi::LUA_TNUMBER => Word::Number(ffi::lua_tonumber(state, index)),
            _ => Word::Other,
        }
    }
}

/// The text of the string at a place of the stack.
///
/// # Safety
/// There is a string, which stays there as long as the text is used.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe fn text<'a>(state: *mut ffi::lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: of a string Lua gives where its bytes are and how many.
    unsafe {
        let start = ffi::lua_tolstring(state, index, &raw mut length);
        std::slice::from_raw_parts(start.cast(), length)
    }
}
