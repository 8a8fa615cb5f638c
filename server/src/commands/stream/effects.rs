//! What the commands of groups put into the log: who has what, as Redis tells it (`streamPropagateXCLAIM` and
//! its like, t_stream.c), so that replaying it needs no clock and no order of readers.

use protocol::number::with_digits;
use storage::value::stream::{Group, Pending, StreamId};

use crate::command::Effects;

/// A group, and where its records go.
pub(super) struct GroupLog<'a> {
    effects: &'a mut Effects,
    is_on: bool,
    key: &'a [u8],
    group: &'a [u8],
}

impl<'a> GroupLog<'a> {
    /// Records of this group take the place of the request.
    pub(super) fn new(
        effects: &'a mut Effects,
        is_on: bool,
        key: &'a [u8],
        group: &'a [u8],
    ) -> GroupLog<'a> {
        effects.forget_request();
        GroupLog {
            effects,
            is_on,
            key,
            group,
        }
    }

    /// That an entry is pending in this way.
    pub(super) fn claim(&mut self, group: &Group, id: StreamId, pending: &Pending) {
        if !self.is_on {
            return;
        }
        let consumer = group.consumer(pending.consumer).name();
        let mut words = |id: &[u8], time: &[u8], count: &[u8], last_id: &[u8]| {
            self.effects.replace([
                b"XCLAIM",
                self.key,
                self.group,
                consumer,
                b"0",
                id,
                b"TIME",
                time,
                b"RETRYCOUNT",
                count,
                b"FORCE",
                b"JUSTID",
                b"LASTID",
                last_id,
            ]);
        };
        id.with_text(|id| {
            with_digits(pending.delivered_ms, |time| {
                with_digits(as_integer(pending.count), |count| {
                    let last_id = group.last_id();
                    last_id.with_text(|last_id| words(id, time, count, last_id));
                });
            });
        });
    }

    /// How far the group has read.
    pub(super) fn position(&mut self, group: &Group) {
        if !self.is_on {
            return;
        }
        let read = group.entries_read().map_or(-1, as_integer).to_string();
        group.last_id().with_text(|id| {
            let words: [&[u8]; 7] = [
                b"XGROUP",
                b"SETID",
                self.key,
                self.group,
                id,
                b"ENTRIESREAD",
                read.as_bytes(),
            ];
            self.effects.replace(words);
        });
    }

    /// That there is a new consumer.
    pub(super) fn consumer(&mut self, name: &[u8]) {
        if self.is_on {
            let words: [&[u8]; 5] = [b"XGROUP", b"CREATECONSUMER", self.key, self.group, name];
            self.effects.replace(words);
        }
    }
}

/// As much of a count as the commands take.
fn as_integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
