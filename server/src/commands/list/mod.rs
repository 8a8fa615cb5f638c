//! The commands of lists.

mod blocking;
mod edit;
mod pop;
mod push;
mod read;
mod relocate;

use std::ops::Range;

use storage::db::Event;
use storage::value::list::End;

use crate::command::{Args, Command, Error, Result, Words};
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    blocking::BLMOVE,
    blocking::BLMPOP,
    blocking::BLPOP,
    blocking::BRPOP,
    blocking::BRPOPLPUSH,
    read::LINDEX,
    edit::LINSERT,
    read::LLEN,
    relocate::LMOVE,
    pop::LMPOP,
    pop::LPOP,
    read::LPOS,
    push::LPUSH,
    push::LPUSHX,
    read::LRANGE,
    edit::LREM,
    edit::LSET,
    edit::LTRIM,
    pop::RPOP,
    relocate::RPOPLPUSH,
    push::RPUSH,
    push::RPUSHX,
];

const LIST: Spec = Spec {
    group: Group::List,
    acl: acl!(LIST),
    ..Spec::EMPTY
};

/// The end that a word of a request names.
fn end(args: &Args<'_>, index: usize) -> Result<End> {
    if args.is(index, "LEFT") {
        return Ok(End::Head);
    }
    if args.is(index, "RIGHT") {
        return Ok(End::Tail);
    }
    Err(Error::Syntax)
}

/// The index of the element at that end.
fn index(end: End) -> i64 {
    match end {
        End::Head => 0,
        End::Tail => -1,
    }
}

fn push_event(end: End) -> Event {
    Event::list(match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    })
}

fn pop_event(end: End) -> Event {
    Event::list(match end {
        End::Head => "lpop",
        End::Tail => "rpop",
    })
}

/// The elements from `start` to `stop`, both included and counted from the tail if negative, of a list of
/// that length.
fn clamp(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_head = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (start, stop) = (from_head(start).max(0), from_head(stop).min(len - 1));
    if start > stop {
        return 0..0;
    }
    start as usize..stop as usize + 1
}

#[cfg(test)]
mod tests {
    use super::clamp;

    #[test]
    fn ranges_are_cut_to_the_list() {
        assert_eq!(clamp(0, -1, 5), 0..5);
        assert_eq!(clamp(-3, -2, 5), 2..4);
        assert_eq!(clamp(1, 100, 5), 1..5);
        assert_eq!(clamp(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(clamp(-100, 0, 5), 0..1);
        for (start, stop, len) in [
            (0, -1, 0),
            (3, 2, 5),
            (-1, -2, 5),
            (5, 9, 5),
            (0, -6, 5),
            (i64::MIN, i64::MIN, 5),
            (i64::MAX, i64::MIN, 5),
        ] {
            assert!(
                clamp(start, stop, len).is_empty(),
                "{start} {stop} of {len}"
            );
        }
    }
}
