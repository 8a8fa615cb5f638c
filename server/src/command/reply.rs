//! The reply of one command, written as the handler goes.

use bytes::Bytes;
use protocol::{Chunk, Encoder, Mark, Output, SHARE_FROM_BYTES, Version};
use storage::value::{Item, Long, Str};

use super::{Error, Outcome, Result};

/// Writes the one reply that a command gives.
///
/// A scalar ends the command, so these methods give its [`Result`]: `cx.reply.integer(1)` may stand last.
/// An aggregate gives the encoder, to write its elements with.
pub struct Reply<'a> {
    encoder: Encoder<'a>,
    start: Mark,
}

impl<'a> Reply<'a> {
    /// A reply at the end of `output`.
    pub fn new(output: &'a mut Output, version: Version) -> Reply<'a> {
        let start = output.mark();
        Reply {
            encoder: Encoder::new(output, version),
            start,
        }
    }

    /// The protocol the client speaks.
    pub fn version(&self) -> Version {
        self.encoder.version()
    }

    /// From here on the client speaks another protocol.
    pub fn set_version(&mut self, version: Version) {
        self.encoder.set_version(version);
    }

    /// What is written with, for replies of several parts.
    pub fn encoder(&mut self) -> &mut Encoder<'a> {
        &mut self.encoder
    }

    /// Begins another reply behind those already written.
    pub fn restart(&mut self) {
        self.start = self.encoder.mark();
    }

    /// Writes in front of the reply what other threads have posted to the client.
    pub fn lead_with(&mut self, mail: &Output) {
        let out = self.encoder.output();
        for chunk in mail.chunks() {
            match chunk {
                Chunk::Flat(bytes) => out.push_raw(bytes),
                Chunk::Shared(bytes) => out.push_shared(bytes.clone()),
            }
        }
        self.restart();
    }

    /// Takes back what was written since the start.
    pub fn undo(&mut self) {
        let start = self.start;
        self.encoder.output().truncate_to(start);
    }

    /// `+OK`
    pub fn ok(&mut self) -> Result {
        self.encoder.ok();
        Ok(Outcome::Done)
    }

    /// A status.
    #[inline(always)]
    pub fn simple(&mut self, text: &str) -> Result {
        self.encoder.simple(text);
        Ok(Outcome::Done)
    }

    /// An integer.
    pub fn integer(&mut self, number: i64) -> Result {
        self.encoder.integer(number);
        Ok(Outcome::Done)
    }

    /// How many.
    pub fn count(&mut self, count: usize) -> Result {
        self.integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A string.
    pub fn bulk(&mut self, bytes: &[u8]) -> Result {
        self.encoder.bulk(bytes);
        Ok(Outcome::Done)
    }

    /// No value.
    pub fn nil(&mut self) -> Result {
        self.encoder.nil();
        Ok(Outcome::Done)
    }

    /// A text with a format of three letters.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) -> Result {
        self.encoder.verbatim(format, text);
        Ok(Outcome::Done)
    }

    /// A string of the keyspace, or nil.
    pub fn string(&mut self, value: Option<Str<'_>>) -> Result {
        write_string(&mut self.encoder, value);
        Ok(Outcome::Done)
    }

    /// A stretch of a string of the keyspace.
    pub fn part(&mut self, value: Str<'_>, range: std::ops::Range<usize>) -> Result {
        match value {
            Str::Shared(shared) if range.len() >= SHARE_FROM_BYTES => {
                self.encoder.bulk_shared(share(shared).slice(range));
            }
            value => value.with_bytes(|bytes| {
                self.encoder.bulk(bytes.get(range).unwrap_or_default());
            }),
        }
        Ok(Outcome::Done)
    }

    /// The `HELP` of a container command: its title, its lines, and how to get them again.
    pub fn help(&mut self, command: &str, lines: &[&str]) -> Result {
        let out = self.array(lines.len() + 3);
        out.simple(format!(
            "{command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
        ));
        lines.iter().for_each(|line| out.simple(line));
        out.simple("HELP");
        out.simple("    Print this help.");
        Ok(Outcome::Done)
    }

    /// An array of `count` elements.
    pub fn array(&mut self, count: usize) -> &mut Encoder<'a> {
        self.encoder.array(count);
        &mut self.encoder
    }

    /// A map of `count` pairs.
    pub fn map(&mut self, count: usize) -> &mut Encoder<'a> {
        self.encoder.map(count);
        &mut self.encoder
    }

    /// A set of `count` elements.
    pub fn set(&mut self, count: usize) -> &mut Encoder<'a> {
        self.encoder.set(count);
        &mut self.encoder
    }

    /// An error in place of whatever was written.
    pub fn error(&mut self, error: &Error) {
        self.undo();
        self.encoder.error(error.reply_text());
    }
}

/// Writes a string of the keyspace, or nil; a long one by reference.
pub fn write_string(encoder: &mut Encoder<'_>, value: Option<Str<'_>>) {
    match value {
        None => encoder.nil(),
        Some(Str::Bytes(bytes)) => encoder.bulk(bytes),
        Some(Str::Int(number)) => encoder.bulk_integer(number),
        Some(Str::Shared(shared)) if shared.len() >= SHARE_FROM_BYTES => {
            encoder.bulk_shared(share(shared));
        }
        Some(Str::Shared(shared)) => encoder.bulk(shared),
        Some(Str::Packed(packed)) => {
            encoder.bulk_with(packed.len(), |out| packed.unpack_into(out));
        }
    }
}

/// Writes an element of a packed collection.
#[inline]
pub fn write_item(encoder: &mut Encoder<'_>, item: Item<'_>) {
    match item {
        Item::Bytes(bytes) => encoder.bulk(bytes),
        Item::Int(number) => encoder.bulk_integer(number),
    }
}

fn share(shared: &Long) -> Bytes {
    Bytes::from_owner(shared.lend())
}
