//! How far two replies must agree.

use crate::support::keyspace::{self, Entry};
use crate::support::{Reply, Server, words};

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
    /// In the same order unless a hash table gives it.
    Packed,
    /// In the same order if it is that of the numbers. What is packed otherwise may have come from a
    /// hash table.
    Intset,
    /// Random or the server's own: only what sort of reply it is. Errors are the same.
    Sort,
    /// Random elements: as many, and each one that is there.
    Random,
    /// The same, and they are taken away: both servers are made equal again.
    Popped,
    /// Byte for byte; what was stored may be packed or not as a hash table has given it, and is made equal again.
    Stored,
    /// Bytes that a key takes: the server's own figure. Or nil: whose time has passed is still counted until
    /// it happens to be reclaimed.
    Footprint,
    /// A time left or a time of expiry, in seconds, or several.
    Seconds,
    /// The same in milliseconds.
    Millis,
    /// With times that have passed since something happened.
    Idle,
    /// An iteration to its end.
    Scan,
    /// Byte for byte, but that our error names two policies more.
    Policy,
}

impl Compare {
    /// How to compare the reply, once it is known how the key is encoded.
    pub(super) fn given(self, encoding: &[u8]) -> Compare {
        match self {
            Compare::Packed if !encoding.ends_with(b"hashtable\r\n") => Compare::Same,
            Compare::Intset if encoding.ends_with(b"intset\r\n") => Compare::Same,
            other => other,
        }
    }

    /// Whether two replies agree.
    pub(super) fn is_same(self, ours: &Reply, theirs: &Reply) -> bool {
        if ours == theirs {
            return true;
        }
        match (self, ours, theirs) {
            (Compare::Sorted | Compare::Packed | Compare::Intset, _, _) => {
                deep_sorted(ours) == deep_sorted(theirs)
            }
            (Compare::Random | Compare::Popped, _, _) => is_same_shape(ours, theirs),
            (Compare::Idle, _, _) => is_same_but_for_time(ours, theirs),
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
            (Compare::Seconds | Compare::Millis, Reply::Array(ours), Reply::Array(theirs)) => {
                let mut pairs = ours.iter().zip(theirs);
                ours.len() == theirs.len() && pairs.all(|(ours, theirs)| self.is_same(ours, theirs))
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

/// Whether both are single values, or hold as many elements.
fn is_same_shape(ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Array(ours), Reply::Array(theirs)) | (Reply::Set(ours), Reply::Set(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| is_same_shape(ours, theirs))
        }
        (Reply::Error(_), _) | (_, Reply::Error(_)) => ours == theirs,
        _ => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
    }
}

/// What tells when a consumer was there, and what else is a server's own.
const OWN_FIELDS: &[&str] = &[
    "idle",
    "inactive",
    "seen-time",
    "active-time",
    "radix-tree-nodes",
];

/// Whether two replies about pending entries and consumers agree: the times in them are near.
fn is_same_but_for_time(ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Map(ours), Reply::Map(theirs)) => {
            let flat = |pairs: &[(Reply, Reply)]| -> Vec<Reply> {
                let pairs = pairs.iter().cloned();
                pairs.flat_map(|(field, value)| [field, value]).collect()
            };
            are_same_but_for_time(&flat(ours), &flat(theirs))
        }
        (Reply::Array(ours), Reply::Array(theirs)) => are_same_but_for_time(ours, theirs),
        _ => ours == theirs,
    }
}

fn are_same_but_for_time(ours: &[Reply], theirs: &[Reply]) -> bool {
    // A pending entry: its id, perhaps whose it is, when it was delivered and how often.
    let is_pending = matches!(
        theirs,
        [Reply::Bulk(_), .., Reply::Integer(_), Reply::Integer(_)]
    ) && theirs.len() <= 4;
    let is_time = |at: usize| {
        is_pending && at + 2 == theirs.len()
            || at > 0
                && matches!(&theirs[at - 1], Reply::Bulk(name) if OWN_FIELDS.iter().any(|own| own.as_bytes() == name))
    };
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .enumerate()
            .all(|(at, (ours, theirs))| match (ours, theirs) {
                (Reply::Integer(ours), Reply::Integer(theirs)) if is_time(at) => {
                    (ours - theirs).abs() <= LATENESS_MS
                }
                _ => is_same_but_for_time(ours, theirs),
            })
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

/// The first key whose contents differ, with what they are.
pub(super) fn keyspaces(ours: &Server, theirs: &Server) -> Option<(String, String)> {
    let ours = keyspace::read(&mut ours.connect());
    let theirs = keyspace::read(&mut theirs.connect());
    let name = |at: &(usize, Vec<u8>)| format!("{} of database {}", words::quote(&at.1), at.0);
    for (at, theirs) in &theirs {
        let Some(ours) = ours.get(at) else {
            return Some((format!("{} is missing", name(at)), "it is there".to_owned()));
        };
        if let Some((ours, theirs)) = difference(ours, theirs) {
            return Some((format!("{}: {ours}", name(at)), theirs));
        }
    }
    let more = ours.keys().find(|at| !theirs.contains_key(*at))?;
    Some((format!("{} is there", name(more)), "it is not".to_owned()))
}

/// What two keys hold, if it is not the same.
pub(super) fn difference(ours: &Entry, theirs: &Entry) -> Option<(String, String)> {
    let show = |it: &Entry| {
        let Entry {
            kind,
            value,
            details,
            expires_at_ms,
            encoding,
            ..
        } = it;
        format!("{kind} ({encoding}), expires at {expires_at_ms}\n{value}\n{details}")
    };
    (!entries(ours, theirs)).then(|| (show(ours), show(theirs)))
}

/// Whether two keys hold the same.
fn entries(ours: &Entry, theirs: &Entry) -> bool {
    let is_same_time = ours.expires_at_ms == theirs.expires_at_ms
        || is_near(ours.expires_at_ms, theirs.expires_at_ms);
    is_same_time
        && ours.kind == theirs.kind
        && ours.value == theirs.value
        && (ours.details == theirs.details
            || Compare::Millis.is_same(&ours.details, &theirs.details))
        && ours.encoding == theirs.encoding
}
