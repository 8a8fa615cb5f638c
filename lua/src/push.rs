//! Replies as values of Lua.

use std::os::raw::{c_char, c_int};

use mlua::ffi::{self, lua_State};
use protocol::number::{parse_f64, parse_i64};

/// The field of an error's table that says that the error has been counted.
pub const IS_COUNTED: &str = "ignore_error_stats_update";

/// So many elements a table is given room for before they are there.
const MOST_RESERVED: usize = 1 << 16;

/// What a value and the table around it need of Lua's stack.
const STACK_SLOTS: c_int = 6;

/// Pushes the value of one whole reply; an error becomes a table with the text in `err`.
///
/// # Safety
/// `state` is in a call. A function of Lua may raise an error that it has no memory: the caller has nothing to drop.
#[expect(unsafe_code, reason = "see the head of this crate")]
pub(crate) unsafe fn reply(state: *mut lua_State, bytes: &[u8]) {
    let mut rest = bytes;
    // SAFETY: as asked of the caller; what a `Decoder` holds needs no dropping.
    unsafe {
        Decoder {
            state,
            rest: &mut rest,
        }
        .value()
    }
}

/// What is left of a reply.
struct Decoder<'s, 'r> {
    state: *mut lua_State,
    rest: &'s mut &'r [u8],
}

#[expect(unsafe_code, reason = "see the head of this crate")]
impl<'r> Decoder<'_, 'r> {
    /// The sign of the next line and what follows it.
    fn line(&mut self) -> (u8, &'r [u8]) {
        let rest = *self.rest;
        let end = rest.iter().position(|&byte| byte == b'\r');
        let end = end.unwrap_or(rest.len());
        let line = &rest[..end];
        *self.rest = rest.get(end + 2..).unwrap_or_default();
        match line {
            [sign, text @ ..] => (*sign, text),
            [] => (b'_', line),
        }
    }

    fn bytes(&mut self, length: usize) -> &'r [u8] {
        let rest = *self.rest;
        *self.rest = rest.get(length + 2..).unwrap_or_default();
        rest.get(..length).unwrap_or_default()
    }

    /// Pushes the next value.
    ///
    /// # Safety
    /// As for [`reply`].
    unsafe fn value(&mut self) {
        let (sign, text) = self.line();
        let number = || parse_i64(text).unwrap_or(0);
        let count = usize::try_from(number());
        // SAFETY: room is made for what each of them pushes, and each leaves one value.
        unsafe {
            ffi::luaL_checkstack(self.state, STACK_SLOTS, std::ptr::null());
            match (sign, count) {
                (b':', _) => ffi::lua_pushnumber(self.state, number() as f64),
                (b'+', _) => self.labelled("ok", text),
                (b'-', _) => {
                    self.labelled("err", text);
                    ffi::lua_pushboolean(self.state, 1);
                    self.set_field(IS_COUNTED);
                }
                // No value of RESP2 is `false`, that of RESP3 is `nil`.
                (b'$' | b'*', Err(_)) => ffi::lua_pushboolean(self.state, 0),
                (b'$', Ok(length)) => {
                    let bytes = self.bytes(length);
                    self.string(bytes);
                }
                (b'*' | b'>', Ok(count)) => self.array(count),
                (b'%', Ok(count)) => self.map(count),
                (b'~', Ok(count)) => self.set(count),
                (b'#', _) => ffi::lua_pushboolean(self.state, c_int::from(text == b"t")),
                (b',', _) => {
                    self.table(0, 1);
                    ffi::lua_pushnumber(self.state, parse_f64(text).unwrap_or(f64::NAN));
                    self.set_field("double");
                }
                (b'(', _) => self.labelled("big_number", text),
                (b'=', Ok(length)) => self.verbatim(length),
                // What is said of the value that follows no script sees.
                (b'|', Ok(count)) => {
                    for _ in 0..2 * count {
                        self.value();
                        ffi::lua_pop(self.state, 1);
                    }
                    self.value();
                }
                _ => ffi::lua_pushnil(self.state),
            }
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn string(&self, bytes: &[u8]) {
        // SAFETY: Lua copies so many bytes.
        unsafe {
            ffi::lua_pushlstring(self.state, bytes.as_ptr().cast::<c_char>(), bytes.len());
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn table(&self, elements: usize, fields: c_int) {
        let elements = elements.min(MOST_RESERVED) as c_int;
        // SAFETY: both are small.
        unsafe { ffi::lua_createtable(self.state, elements, fields) }
    }

    /// Takes the value on top into the table below it.
    ///
    /// # Safety
    /// As for [`reply`]; both are there.
    unsafe fn set_field(&self, name: &str) {
        // SAFETY: the name goes between them, and both are taken.
        unsafe {
            self.string(name.as_bytes());
            ffi::lua_insert(self.state, -2);
            ffi::lua_rawset(self.state, -3);
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn labelled(&self, label: &str, text: &[u8]) {
        // SAFETY: a table, and the text that goes into it.
        unsafe {
            self.table(0, 1);
            self.string(text);
            self.set_field(label);
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn array(&mut self, count: usize) {
        // SAFETY: a table, and each value goes into it as it comes.
        unsafe {
            self.table(count, 0);
            for index in 1..=count {
                self.value();
                ffi::lua_rawseti(self.state, -2, index as _);
            }
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn map(&mut self, count: usize) {
        // SAFETY: two tables, and each pair goes into the inner one as it comes.
        unsafe {
            self.table(0, 1);
            self.table(0, 0);
            for _ in 0..count {
                self.value();
                self.value();
                ffi::lua_rawset(self.state, -3);
            }
            self.set_field("map");
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn set(&mut self, count: usize) {
        // SAFETY: two tables, and each member goes into the inner one as it comes.
        unsafe {
            self.table(0, 1);
            self.table(0, 0);
            for _ in 0..count {
                self.value();
                ffi::lua_pushboolean(self.state, 1);
                ffi::lua_rawset(self.state, -3);
            }
            self.set_field("set");
        }
    }

    /// # Safety
    /// As for [`reply`].
    unsafe fn verbatim(&mut self, length: usize) {
        let bytes = self.bytes(length);
        let (format, text) = bytes.split_at(bytes.len().min(3));
        // SAFETY: two tables, and the texts that go into the inner one. Their sizes and the order are those of Redis,
        // for it is in the order of what comes of them that scripts see the fields.
        unsafe {
            self.table(0, 0);
            self.table(0, 0);
            self.string(text.get(1..).unwrap_or_default());
            self.set_field("string");
            self.string(format);
            self.set_field("format");
            self.set_field("verbatim_string");
        }
    }
}
