//! The value of a key, from the form in which files and payloads carry it.
//!
//! Small collections are packed in files as they are in memory: their bytes are looked through once, from the
//! first to the last, and taken as they are. What Redis up to version 6 packed is written anew. How a collection is
//! held in the end is up to [`Limits`], as in Redis (`rdbLoadObject`).

mod distinct;
mod hash;
mod list;
mod module;
mod set;
mod skip;
mod stream;
mod ziplist;
mod zipmap;
mod zset;

use super::error::Error;
use super::format::kind;
use super::input::Input;
use crate::value::{Item, Limits, Listpack, Object, Value};

pub(super) use module::{name as module_name, skip as skip_module};
pub(super) use skip::skip;
pub(super) use stream::note_active;

/// What a key holds.
#[derive(Debug)]
pub enum Decoded<'i> {
    /// A string.
    String(Value<'i>),
    /// A collection.
    Object(Object),
}

/// Reads a value of that kind.
///
/// # Errors
/// [`Error::Empty`] for a collection without elements: all of it has been read.
#[inline]
pub(super) fn value<'i>(
    kind: u8,
    input: &'i mut Input<'_>,
    limits: &Limits,
) -> Result<Decoded<'i>, Error> {
    if kind == kind::STRING {
        return Ok(Decoded::String(match input.string()? {
            Item::Int(number) => Value::Int(number),
            Item::Bytes(bytes) => Value::encoded(bytes),
        }));
    }
    object(kind, input, limits).map(Decoded::Object)
}

fn object(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Object, Error> {
    Ok(match kind {
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
            list::read(kind, input, limits)?.into()
        }
        kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => set::read(kind, input, limits)?.into(),
        kind::ZSET | kind::ZSET_2 | kind::ZSET_ZIPLIST | kind::ZSET_LISTPACK => {
            zset::read(kind, input, limits)?.into()
        }
        kind::HASH
        | kind::HASH_ZIPMAP
        | kind::HASH_ZIPLIST
        | kind::HASH_LISTPACK
        | kind::HASH_METADATA_PRE_GA
        | kind::HASH_METADATA
        | kind::HASH_LISTPACK_EX_PRE_GA
        | kind::HASH_LISTPACK_EX => hash::read(kind, input, limits)?.into(),
        kind::STREAM_LISTPACKS | kind::STREAM_LISTPACKS_2 | kind::STREAM_LISTPACKS_3 => {
            stream::read(kind, input)?.into()
        }
        kind::MODULE_2 => return Err(Error::Module(module_name(input.length()?))),
        kind::MODULE_PRE_GA => {
            return Err(Error::Malformed(
                "This is an RDB file of a release candidate, with the value of a module",
            ));
        }
        _ => return Err(Error::Malformed("Unknown RDB encoding type")),
    })
}

/// A listpack in a string.
fn listpack(input: &mut Input<'_>) -> Result<Listpack, Error> {
    Listpack::from_bytes(input.blob()?)
        .map_err(|_| Error::Malformed("Listpack integrity check failed."))
}
