//! Running a script: its keys and arguments on the way in, what it returns on the way out.

use std::os::raw::{c_char, c_int};

use mlua::ffi::{self, lua_State};
use mlua::{Function, LightUserData, Lua, Result, Value};
use protocol::Args;

use crate::{IS_CALLING, text};

/// How a script gets its keys and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As the globals `KEYS` and `ARGV`.
    Globals,
    /// As its two arguments.
    Arguments,
}

/// Runs scripts in one interpreter.
#[derive(Debug)]
pub struct Runner {
    enter: Function,
    handler: Function,
    how: How,
}

/// What a script has returned.
#[derive(Debug)]
pub enum Returned {
    /// A text, which has been handed over.
    Text,
    /// A number.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// Nothing, or something else.
    Value(Value),
    /// It has ended with this error.
    Error(Value),
}

impl Runner {
    /// `handler` is called with the error of a script, where it has been raised: what it gives takes its place.
    ///
    /// # Errors
    /// If Lua has no memory.
    pub fn new(lua: &Lua, handler: Function, how: How) -> Result<Runner> {
        // SAFETY: it is called here only, and with what it must have.
        #[expect(unsafe_code, reason = "see the head of this crate")]
        let enter = unsafe { lua.create_c_function(enter)? };
        Ok(Runner {
            enter,
            handler,
            how,
        })
    }

    /// Runs a script. If it returns a text, `take` gets it.
    ///
    /// # Errors
    /// If Lua has no memory.
    pub fn run(
        &self,
        script: &Function,
        (keys, argv): (Args<'_>, Args<'_>),
        mut take: impl FnMut(&[u8]),
    ) -> Result<Returned> {
        // One that ended for want of memory may have left it.
        IS_CALLING.set(false);
        let mut visit = Visit {
            how: self.how,
            keys,
            argv,
            take: &mut take,
            left: Left::Value,
        };
        let place = LightUserData((&raw mut visit).cast());
        let value: Value = self.enter.call((place, &self.handler, script))?;
        Ok(match visit.left {
            Left::Text => Returned::Text,
            Left::Number(number) => Returned::Number(number),
            Left::Boolean(is_true) => Returned::Boolean(is_true),
            Left::Value => Returned::Value(value),
            Left::Error => Returned::Error(value),
        })
    }
}

/// A script's run, as [`enter`] finds it.
struct Visit<'r> {
    how: How,
    keys: Args<'r>,
    argv: Args<'r>,
    take: &'r mut dyn FnMut(&[u8]),
    left: Left,
}

/// What a script has left: of the first three nothing is on the stack any more.
#[derive(Clone, Copy)]
enum Left {
    Text,
    Number(f64),
    Boolean(bool),
    Value,
    Error,
}

/// Called with where the [`Visit`] is, the handler of errors and the script; leaves one value at most.
///
/// # Safety
/// [`Runner::run`] calls it through Lua, which gives it room for twenty values.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    const HANDLER: c_int = 2;
    // SAFETY: the visit is on the stack of who has called, and used by nobody else meanwhile. Nothing in it or here is
    // to be dropped when Lua raises an error. The texts of its words are not Lua's.
    unsafe {
        let visit = &mut *ffi::lua_touserdata(state, 1).cast::<Visit<'_>>();
        row(state, visit.keys);
        let given = match visit.how {
            How::Globals => {
                ffi::lua_setfield(state, ffi::LUA_GLOBALSINDEX, c"KEYS".as_ptr());
                row(state, visit.argv);
                ffi::lua_setfield(state, ffi::LUA_GLOBALSINDEX, c"ARGV".as_ptr());
                0
            }
            How::Arguments => {
                row(state, visit.argv);
                2
            }
        };
        let status = ffi::lua_pcall(state, given, 1, HANDLER);
        visit.left = match ffi::lua_type(state, -1) {
            _ if status != ffi::LUA_OK => Left::Error,
            ffi::LUA_TSTRING => {
                (visit.take)(text(state, -1));
                Left::Text
            }
            ffi::LUA_TNUMBER => Left::Number(ffi::lua_tonumber(state, -1)),
            ffi::LUA_TBOOLEAN => Left::Boolean(ffi::lua_toboolean(state, -1) != 0),
            _ => Left::Value,
        };
        c_int::from(matches!(visit.left, Left::Value | Left::Error))
    }
}

/// Pushes words as a table.
///
/// # Safety
/// There is room for three values, and the caller has nothing to drop.
#[expect(unsafe_code, reason = "see the head of this crate")]
unsafe fn row(state: *mut lua_State, words: Args<'_>) {
    // SAFETY: a table, and each word goes into it as it comes; Lua copies the bytes.
    unsafe {
        ffi::lua_createtable(state, words.len() as c_int, 0);
        for (index, word) in words.iter().enumerate() {
            ffi::lua_pushlstring(state, word.as_ptr().cast::<c_char>(), word.len());
            ffi::lua_rawseti(state, -2, (index + 1) as _);
        }
    }
}
