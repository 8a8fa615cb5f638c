//! The commands of sorted sets.

mod add;
mod bounds;
mod merge;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod scan;

use protocol::{Encoder, Version};
use storage::value::Item;

use crate::command::Command;
use crate::command::reply::write_item;
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    pop::BZMPOP,
    pop::BZPOPMAX,
    pop::BZPOPMIN,
    add::ZADD,
    read::ZCARD,
    read::ZCOUNT,
    merge::ZDIFF,
    merge::ZDIFFSTORE,
    add::ZINCRBY,
    merge::ZINTER,
    merge::ZINTERCARD,
    merge::ZINTERSTORE,
    read::ZLEXCOUNT,
    pop::ZMPOP,
    read::ZMSCORE,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range::ZRANGE,
    range::ZRANGEBYLEX,
    range::ZRANGEBYSCORE,
    range::ZRANGESTORE,
    read::ZRANK,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    range::ZREVRANGE,
    range::ZREVRANGEBYLEX,
    range::ZREVRANGEBYSCORE,
    read::ZREVRANK,
    scan::ZSCAN,
    read::ZSCORE,
    merge::ZUNION,
    merge::ZUNIONSTORE,
];

const ZSET: Spec = Spec {
    group: Group::SortedSet,
    acl: acl!(SORTEDSET),
    ..Spec::EMPTY
};

/// Whether members are shown with their scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scores {
    Shown,
    Hidden,
}

/// Writes members in order; with scores in pairs, which RESP2 does not nest.
fn write_members<'z>(
    out: &mut Encoder<'_>,
    members: impl ExactSizeIterator<Item = (Item<'z>, f64)>,
    scores: Scores,
) {
    let count = members.len();
    match (scores, out.version()) {
        (Scores::Hidden, _) => {
            out.array(count);
            members.for_each(|(member, _)| write_item(out, member));
        }
        (Scores::Shown, Version::Resp2) => {
            out.array(2 * count);
            write_flat(out, members);
        }
        (Scores::Shown, Version::Resp3) => {
            out.array(count);
            write_nested(out, members);
        }
    }
}

fn write_flat<'z>(out: &mut Encoder<'_>, members: impl Iterator<Item = (Item<'z>, f64)>) {
    for (member, score) in members {
        write_item(out, member);
        out.double(score);
    }
}

fn write_nested<'z>(out: &mut Encoder<'_>, members: impl Iterator<Item = (Item<'z>, f64)>) {
    for (member, score) in members {
        out.array(2);
        write_item(out, member);
        out.double(score);
    }
}
