//! What is done about replies that are the servers' own choice: iterations go on to their end,
//! random elements are looked up, and taken away from both.

use std::collections::BTreeSet;

use super::compare::Compare;
use super::pair::{Pair, decode};
use crate::support::{Client, Reply};

/// What differs: ours, and theirs.
pub(super) type Difference = (String, String);

/// Checks the replies to a command that both servers have just answered, and makes them equal again.
///
/// # Errors
/// What differs, if something does that should not.
pub(super) fn settle(
    pair: &mut Pair,
    compare: Compare,
    command: &[Vec<u8>],
    (ours, theirs): &(Vec<u8>, Vec<u8>),
) -> Result<(), Difference> {
    let (ours, theirs) = (decode(ours), decode(theirs));
    if ours.is_error() || theirs.is_error() || matches!(theirs, Reply::Nil) {
        return same(&ours, &theirs);
    }
    match compare {
        Compare::Scan => scans_the_same(pair, command, ours, theirs),
        Compare::Random => {
            let held = contents(&mut pair.oracle, &command[1]);
            picked(&ours, &held)
        }
        Compare::Popped => popped(pair, command, &ours, &theirs),
        Compare::Stored => stored(pair, command),
        _ => Ok(()),
    }
}

fn same(ours: &Reply, theirs: &Reply) -> Result<(), Difference> {
    if ours == theirs {
        Ok(())
    } else {
        Err((ours.to_string(), theirs.to_string()))
    }
}

/// Goes on to the end of both iterations: the order is the server's own, the elements are not.
fn scans_the_same(
    pair: &mut Pair,
    command: &[Vec<u8>],
    ours: Reply,
    theirs: Reply,
) -> Result<(), Difference> {
    let is_scan = |name: &str| command[0].eq_ignore_ascii_case(name.as_bytes());
    let at = if is_scan("SCAN") { 1 } else { 2 };
    if command.get(at).is_none_or(|cursor| cursor != b"0") {
        return Ok(());
    }
    let has_values = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"NOVALUES");
    let is_paired = is_scan("ZSCAN") || is_scan("HSCAN") && !command.iter().any(has_values);
    let width = if is_paired { 2 } else { 1 };
    let ours = scan(&mut pair.keytag, command, at, width, ours);
    let theirs = scan(&mut pair.oracle, command, at, width, theirs);
    if ours == theirs {
        Ok(())
    } else {
        Err((format!("{ours:?}"), format!("{theirs:?}")))
    }
}

/// All elements of an iteration whose first reply is here, each once.
fn scan(
    client: &mut Client,
    command: &[Vec<u8>],
    at: usize,
    width: usize,
    mut reply: Reply,
) -> BTreeSet<Vec<Reply>> {
    let mut command = command.to_vec();
    let mut found = BTreeSet::new();
    loop {
        let items = reply.items()[1].items();
        found.extend(items.chunks(width).map(<[Reply]>::to_vec));
        let cursor = reply.items()[0].text();
        if cursor == "0" {
            return found;
        }
        command[at] = cursor.into_bytes();
        reply = client.call(&command);
    }
}

/// The elements of a key, and those with what belongs to them.
struct Contents {
    elements: BTreeSet<Reply>,
    pairs: BTreeSet<(Reply, Reply)>,
}

fn contents(client: &mut Client, key: &[u8]) -> Contents {
    let kind = client.call(&[b"TYPE", key]).text();
    let held = match kind.as_str() {
        "set" => client.call(&[b"SMEMBERS", key]),
        "hash" => client.call(&[b"HGETALL", key]),
        "zset" => client.call(&[&b"ZRANGE"[..], key, b"0", b"-1", b"WITHSCORES"]),
        _ => Reply::Array(Vec::new()),
    };
    let pairs: BTreeSet<(Reply, Reply)> = match &held {
        _ if kind == "set" => BTreeSet::new(),
        Reply::Map(pairs) => pairs.iter().cloned().collect(),
        held => paired(held.items()).collect(),
    };
    let elements = if kind == "set" {
        held.items().iter().cloned().collect()
    } else {
        pairs.iter().map(|(element, _)| element.clone()).collect()
    };
    Contents { elements, pairs }
}

/// Pairs as they are listed: flat in RESP2, each an array of its own in RESP3.
fn paired(items: &[Reply]) -> Box<dyn Iterator<Item = (Reply, Reply)> + '_> {
    let pair = |two: &[Reply]| (two[0].clone(), two[1].clone());
    if matches!(items, [Reply::Array(_), ..]) {
        Box::new(items.iter().map(move |item| pair(item.items())))
    } else {
        Box::new(items.chunks_exact(2).map(pair))
    }
}

/// Whether all that was picked is there.
fn picked(ours: &Reply, held: &Contents) -> Result<(), Difference> {
    let is_there = |items: &[Reply]| items.iter().all(|item| held.elements.contains(item));
    let is_held = match ours {
        Reply::Array(items) if items.iter().any(|item| matches!(item, Reply::Array(_))) => {
            paired(items).all(|pair| held.pairs.contains(&pair))
        }
        Reply::Array(items) | Reply::Set(items) => {
            is_there(items) || paired(items).all(|pair| held.pairs.contains(&pair))
        }
        item => held.elements.contains(item),
    };
    if is_held {
        Ok(())
    } else {
        Err((ours.to_string(), format!("one of {:?}", held.elements)))
    }
}

/// Compares what is left after both have popped elements of their own choice, and takes from each
/// what the other has popped.
fn popped(
    pair: &mut Pair,
    command: &[Vec<u8>],
    ours: &Reply,
    theirs: &Reply,
) -> Result<(), Difference> {
    let key = command[1].as_slice();
    let (our_gone, their_gone) = (elements(ours), elements(theirs));
    let (our_rest, their_rest) = pair.call(&[b"SMEMBERS", key]);
    let whole = |gone: &BTreeSet<Reply>, rest: &Reply| -> (usize, BTreeSet<Reply>) {
        let rest = rest.items();
        let all = gone.iter().chain(rest).cloned().collect();
        (gone.len() + rest.len(), all)
    };
    let (ours, theirs) = (whole(&our_gone, &our_rest), whole(&their_gone, &their_rest));
    if ours != theirs {
        return Err((format!("{ours:?}"), format!("{theirs:?}")));
    }
    let rest: Vec<Reply> = theirs
        .1
        .into_iter()
        .filter(|element| !our_gone.contains(element) && !their_gone.contains(element))
        .collect();
    // Written anew: what is left of a large set is packed or not as the elements happen to be.
    write_anew(pair, key, &rest);
    Ok(())
}

fn write_anew(pair: &mut Pair, key: &[u8], members: &[Reply]) {
    for client in [&mut pair.keytag, &mut pair.oracle] {
        client.call(&[b"DEL", key]);
        for member in members {
            client.call(&[b"SADD", key, bytes(member)]);
        }
    }
}

/// Compares a set that was stored, and how it is encoded unless a hash table has had a hand in that: integers that
/// come first make many of it sooner than integers that come behind a member that is none.
fn stored(pair: &mut Pair, command: &[Vec<u8>]) -> Result<(), Difference> {
    if !command[0].to_ascii_uppercase().ends_with(b"STORE") {
        // Spoiled.
        return Ok(());
    }
    let (key, sources) = (&command[1], &command[2..]);
    let (ours, theirs) = pair.call(&[b"SMEMBERS", key]);
    let members = |reply: &Reply| -> BTreeSet<Reply> { elements(reply) };
    let (ours, theirs) = (members(&ours), members(&theirs));
    if ours != theirs {
        return Err((format!("{ours:?}"), format!("{theirs:?}")));
    }
    let is_many = |client: &mut Client, key: &Vec<u8>| {
        let encoding = client.call(&[&b"OBJECT"[..], b"ENCODING", key]);
        encoding.to_string().contains("hashtable")
    };
    let is_of_many = sources.contains(key)
        || sources
            .iter()
            .any(|source| is_many(&mut pair.oracle, source));
    if !is_of_many {
        let (ours, theirs) = pair.call(&[&b"OBJECT"[..], b"ENCODING", key]);
        return same(&ours, &theirs);
    }
    write_anew(pair, key, &theirs.into_iter().collect::<Vec<_>>());
    Ok(())
}

fn elements(reply: &Reply) -> BTreeSet<Reply> {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items.iter().cloned().collect(),
        item => BTreeSet::from([item.clone()]),
    }
}

fn bytes(reply: &Reply) -> &[u8] {
    match reply {
        Reply::Bulk(bytes) => bytes,
        other => panic!("not a string: {other}"),
    }
}
