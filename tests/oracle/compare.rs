//! How far two replies must agree.

use crate::support::Reply;
use crate::support::keyspace::Entry;

/// Absolute times of the conversation are multiples of this, and no relative one is: they tell
/// each other apart in the replies.
pub(super) const ROUND_MS: i64 = 1_000_000;

/// How much later the second server may have had a command, in milliseconds.
const LATENESS_MS: i64 = 1_000;

/// How the replies of a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// Byte for byte.
    Same,
    /// The elements in any order, on every level: keys, options, subcommands.
    Sorted,
    /// Random or the server's own: only what sort of reply it is. Errors are the same.
    Sort,
    /// Bytes that a key takes: the server's own figure. Or nil: whose time has passed is still counted until
    /// it happens to be reclaimed.
    Footprint,
    /// A time left or a time of expiry, in seconds.
    Seconds,
    /// The same in milliseconds.
    Millis,
    /// An iteration to its end.
    Scan,
    /// Byte for byte, but that our error names two policies more.
    Policy,
}

impl Compare {
    /// Whether two replies agree.
    pub(super) fn is_same(self, ours: &Reply, theirs: &Reply) -> bool {
        if ours == theirs {
            return true;
        }
        match (self, ours, theirs) {
            (Compare::Sorted, _, _) => deep_sorted(ours) == deep_sorted(theirs),
            (Compare::Sort | Compare::Scan, _, _) => {
                !ours.is_error() && std::mem::discriminant(ours) == std::mem::discriminant(theirs)
            }
            (Compare::Footprint, _, _) => {
                let is_footprint = |it: &Reply| matches!(it, Reply::Integer(_) | Reply::Nil);
                is_footprint(ours) && is_footprint(theirs)
            }
            (Compare::Policy, Reply::Error(ours), Reply::Error(theirs)) => {
                ours.strip_suffix(b", volatile-gdsf, allkeys-gdsf") == Some(&theirs[..])
            }
            (Compare::Seconds, Reply::Integer(ours), Reply::Integer(theirs)) => {
                is_near(*ours * 1_000, *theirs * 1_000)
            }
            (Compare::Millis, Reply::Integer(ours), Reply::Integer(theirs)) => {
                is_near(*ours, *theirs)
            }
            _ => false,
        }
    }
}

fn deep_sorted(reply: &Reply) -> Reply {
    let sorted = |items: &[Reply]| {
        let mut items: Vec<Reply> = items.iter().map(deep_sorted).collect();
        items.sort();
        items
    };
    match reply {
        Reply::Array(items) => Reply::Array(sorted(items)),
        Reply::Set(items) => Reply::Set(sorted(items)),
        Reply::Map(pairs) => {
            let mut pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| (deep_sorted(key), deep_sorted(value)))
                .collect();
            pairs.sort();
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

fn is_near(ours_ms: i64, theirs_ms: i64) -> bool {
    let is_absolute = ours_ms % ROUND_MS == 0 || theirs_ms % ROUND_MS == 0;
    ours_ms > 0 && theirs_ms > 0 && !is_absolute && (ours_ms - theirs_ms).abs() <= LATENESS_MS
}

/// Whether the replies of a transaction agree, each compared in its own way; says which does not.
pub(super) fn all(compares: &[Compare], ours: &Reply, theirs: &Reply) -> bool {
    let (Reply::Array(ours), Reply::Array(theirs)) = (ours, theirs) else {
        return ours == theirs;
    };
    let differing = compares
        .iter()
        .zip(ours.iter().zip(theirs))
        .position(|(compare, (ours, theirs))| !compare.is_same(ours, theirs));
    if let Some(at) = differing {
        println!(
            "reply {at} of EXEC, compared as {:?}\n{:?}\n--- Redis:\n{:?}",
            compares[at], ours[at], theirs[at]
        );
    }
    differing.is_none() && ours.len() == theirs.len() && compares.len() == theirs.len()
}

/// Whether two keys hold the same.
pub(super) fn entries(ours: &Entry, theirs: &Entry) -> bool {
    let is_same_time = ours.expires_at_ms == theirs.expires_at_ms
        || is_near(ours.expires_at_ms, theirs.expires_at_ms);
    is_same_time
        && ours.kind == theirs.kind
        && ours.value == theirs.value
        && ours.encoding == theirs.encoding
}
