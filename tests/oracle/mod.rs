//! A long random conversation, held with Keytag and with a real Redis 7.4.1: every reply the same.
//!
//! `KEYTAG_SEED` repeats a conversation, `KEYTAG_COMMANDS` makes it longer, and `KEYTAG_FAMILY=zset`
//! (or several, with commas) keeps it to a subject. What differs by nature (a time left, a random
//! key) is compared as far as it can be; everything else byte for byte. With `KEYTAG_SHRINK=1` a
//! difference is searched for the few commands that are enough for it, which takes a minute or two.

mod compare;
mod conversation;
mod generate;
mod limits;
mod pair;
mod rows;
mod settle;
mod shrink;
mod waiters;

use crate::support::{Kind, is_full_run, seed, setting};
use conversation::Conversation;

#[test]
fn random_commands_are_answered_as_redis_answers_in_resp2() {
    converse(2);
}

#[test]
fn random_commands_are_answered_as_redis_answers_in_resp3() {
    converse(3);
}

fn converse(protocol: u8) {
    let commands = if is_full_run() { 500_000 } else { 20_000 };
    let commands = setting("KEYTAG_COMMANDS", commands);
    // Half of it with clients that wait for keys.
    for has_waiters in [false, true] {
        let families = rows::chosen(has_waiters);
        Conversation::new(Kind::Keytag, seed(), protocol, families).hold(commands / 2);
    }
}

/// What is compared must be what Redis always does: two of them agree, in every family.
#[test]
fn redis_answers_random_commands_as_redis_answers() {
    let commands = setting("KEYTAG_COMMANDS", 5_000);
    let seed = seed();
    for protocol in [2, 3] {
        Conversation::new(Kind::Oracle, seed, protocol, rows::all(true)).hold(commands);
    }
}
