//! What is not said, because the answer cannot be compared or would take for ever.

/// Whether a command cannot be compared: its effect depends on the moment, its reply on which commands
/// a server has, or it has several replies. Or it asks for too much.
pub(in crate::oracle) fn is_unfit(command: &[Vec<u8>]) -> bool {
    let lists_all = match name(command).as_slice() {
        b"COMMAND" => command.len() == 1 || is(command, 1, "INFO") && command.len() == 2,
        b"CONFIG" => is(command, 1, "GET") && command.iter().any(|pattern| pattern == b"*"),
        _ => false,
    };
    lists_all
        || waits_for_ever(command)
        || expires_soon(command)
        || times_out_soon(command)
        || is_huge(command)
        || names_by_clock(command)
        || mixes_scores(command)
        || leaves_unsorted(command)
        || name(command).ends_with(b"SUBSCRIBE") && command.len() > 2
}

fn name(command: &[Vec<u8>]) -> Vec<u8> {
    command[0].to_ascii_uppercase()
}

fn is(command: &[Vec<u8>], at: usize, word: &str) -> bool {
    command.get(at).is_some_and(|found| is_word(found, word))
}

fn is_word(found: &[u8], word: &str) -> bool {
    found.eq_ignore_ascii_case(word.as_bytes())
}

fn number(arg: &[u8]) -> Option<i64> {
    std::str::from_utf8(arg).ok()?.parse().ok()
}

/// Whether a command asks for options: a hash table gives their order, and a spoiled `CONFIG SET`
/// may be one.
pub(in crate::oracle) fn asks_for_options(command: &[Vec<u8>]) -> bool {
    is(command, 0, "CONFIG") && is(command, 1, "GET")
}

/// Whether a command may fail to authenticate.
///
/// Redis 7.4.1 drops that error reply when another reply waits to be sent (`addAuthErrReply` in
/// `acl.c`), as in EXEC or in a pipeline: the client loses count. Nobody can rely on that, so it is
/// not asked for.
pub(in crate::oracle) fn authenticates(command: &[Vec<u8>]) -> bool {
    matches!(name(command).as_slice(), b"AUTH" | b"HELLO")
}

/// Whether a command takes random elements away.
pub(in crate::oracle) fn picks_for_good(command: &[Vec<u8>]) -> bool {
    name(command) == b"SPOP"
}

/// Whether a command may sort numbers.
///
/// Redis 7.4.1 reads `errno` after `strtod` without having cleared it (`sort.c`): once a command has
/// read a number out of range, numbers cannot be sorted until another one clears it.
pub(in crate::oracle) fn sorts(command: &[Vec<u8>]) -> bool {
    matches!(name(command).as_slice(), b"SORT" | b"SORT_RO")
}

/// Whether a command may wait for a key.
pub(in crate::oracle) fn blocks(command: &[Vec<u8>]) -> bool {
    match name(command).as_slice() {
        b"BLPOP" | b"BRPOP" | b"BLMOVE" | b"BRPOPLPUSH" | b"BLMPOP" => true,
        b"BZPOPMIN" | b"BZPOPMAX" | b"BZMPOP" => true,
        b"XREAD" | b"XREADGROUP" => (1..command.len()).any(|at| is(command, at, "BLOCK")),
        _ => false,
    }
}

/// Whether a waiting command would give up while the conversation goes on.
fn times_out_soon(command: &[Vec<u8>]) -> bool {
    let is_soon = |at: usize| {
        let text = command
            .get(at)
            .and_then(|arg| std::str::from_utf8(arg).ok());
        let seconds: Option<f64> = text.and_then(|text| text.parse().ok());
        seconds.is_some_and(|seconds| seconds > 0.0 && seconds < 999.0)
    };
    match name(command).as_slice() {
        b"BLMPOP" | b"BZMPOP" => is_soon(1),
        b"XREAD" | b"XREADGROUP" => (1..command.len()).any(|at| {
            let millis = number(&command[at]);
            is(command, at - 1, "BLOCK") && millis.is_some_and(|it| (1..999_999).contains(&it))
        }),
        _ => blocks(command) && is_soon(command.len() - 1),
    }
}

/// Whether the reply or the value would have many megabytes.
fn is_huge(command: &[Vec<u8>]) -> bool {
    let any = |from: i64, to: i64| {
        command.iter().any(|arg| {
            let arg = arg.strip_prefix(b"#").unwrap_or(arg);
            number(arg).is_some_and(|number| (from..=to).contains(&number))
        })
    };
    match name(command).as_slice() {
        b"SRANDMEMBER" | b"HRANDFIELD" | b"ZRANDMEMBER" | b"SPOP" => any(i64::MIN + 1, -10_000),
        b"SETBIT" | b"BITFIELD" => any(100_000, i64::from(u32::MAX)),
        _ => false,
    }
}

/// Whether SORT is told by a pattern that names no key to leave the order to a hash table, other than
/// by the word that is meant for it.
fn leaves_unsorted(command: &[Vec<u8>]) -> bool {
    let is_pattern = |pattern: &Vec<u8>| pattern.contains(&b'*') || is_word(pattern, "nosort");
    sorts(command)
        && (1..command.len()).any(|at| is(command, at - 1, "BY") && !is_pattern(&command[at]))
}

/// Whether members of a key that is asked for ranges of members would get different scores.
fn mixes_scores(command: &[Vec<u8>]) -> bool {
    let is_zero = |score: &Vec<u8>| matches!(score.as_slice(), b"0" | b"-0");
    name(command) == b"ZADD"
        && command.get(1).is_some_and(|key| key.starts_with(b"lex:"))
        && !command.iter().skip(2).step_by(2).all(is_zero)
}

/// Whether a new entry of a stream would be named by the clock.
fn names_by_clock(command: &[Vec<u8>]) -> bool {
    name(command) == b"XADD" && command.iter().any(|arg| arg == b"*")
}

/// Whether a command waits for replicas that will never come.
fn waits_for_ever(command: &[Vec<u8>]) -> bool {
    let counts = match name(command).as_slice() {
        b"WAIT" => 1..2,
        b"WAITAOF" => 2..3,
        _ => return false,
    };
    command
        .get(counts)
        .is_some_and(|counts| counts.iter().any(|count| count != b"0"))
}

/// Whether a command sets a time that would run out while the conversation goes on.
fn expires_soon(command: &[Vec<u8>]) -> bool {
    let is_soon = |at: usize| {
        let number = command.get(at).and_then(|arg| number(arg));
        number.is_some_and(|number| (1..100_000).contains(&number))
    };
    let by_name = match name(command).as_slice() {
        b"EXPIRE" | b"SETEX" | b"HEXPIRE" => {
            command.get(2).is_some_and(|arg| arg.len() < 3) && is_soon(2)
        }
        b"PEXPIRE" | b"PSETEX" | b"HPEXPIRE" => is_soon(2),
        _ => false,
    };
    by_name
        || (1..command.len()).any(|at| match command[at - 1].to_ascii_uppercase().as_slice() {
            b"PX" => is_soon(at),
            b"EX" => command[at].len() < 3 && is_soon(at),
            _ => false,
        })
}
