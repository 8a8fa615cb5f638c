//! `DEBUG`: looking inside, and making happen what otherwise rarely does.

mod digest;
mod protocol;
mod reload;
mod tables;

use std::sync::atomic::Ordering;
use std::time::Duration;

use storage::db::{Expiry, NewTags};
use storage::entry::Entry;
use storage::evict::idle_ms;
use storage::glob;
use storage::rdb::draft::Compression;
use storage::rdb::encode::dump;
use storage::rdb::format::{DUMP_FOOTER_BYTES, kind};
use storage::value::list::Node;
use storage::value::{List, Object, Str, Value};

use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::config::{Scope, options, value};
use crate::spec::{Group, Locks, Spec, flags};

/// The family.
pub const COMMANDS: &[Command] = &[DEBUG];

const DEBUG: Command = Spec {
    name: "DEBUG",
    usage: "arity -2;",
    summary: "A container for debugging commands.",
    since: "1.0.0",
    complexity: "Depends on subcommand.",
    group: Group::Server,
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED | SYSCMD),
    locks: Locks::All,
    ..Spec::EMPTY
}
.run(debug);

/// A subcommand: its name, the words it takes (all of them, `DEBUG` included), and what it does.
struct Subcommand {
    name: &'static str,
    words: std::ops::RangeInclusive<usize>,
    run: fn(&mut Ctx<'_>, &Args<'_>) -> Result,
}

const fn sub(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&mut Ctx<'_>, &Args<'_>) -> Result,
) -> Subcommand {
    Subcommand {
        name,
        words: least..=most,
        run,
    }
}

const ANY: usize = usize::MAX;

const SUBCOMMANDS: &[Subcommand] = &[
    sub("AOF-FLUSH-SLEEP", 3, 3, delay_log),
    sub("ASSERT", 2, ANY, |_, _| {
        end_by_panic("ASSERTION FAILED: DEBUG ASSERT called")
    }),
    sub("CHANGE-REPL-ID", 2, 2, change_repl_id),
    sub("CONFIG-REWRITE-FORCE-ALL", 2, 2, rewrite_config),
    sub("DICT-RESIZING", 3, 3, accept),
    sub("DIGEST", 2, 2, digest),
    sub("DIGEST-VALUE", 2, ANY, digest_values),
    sub("ERROR", 3, 3, error),
    sub("HELP", 2, 2, help),
    sub("HTSTATS", 3, ANY, tables::of_database),
    sub("HTSTATS-KEY", 3, ANY, tables::of_key),
    sub("LISTPACK", 3, 3, |cx, args| {
        dump_structure(cx, args, "listpack", Error::NotListpack)
    }),
    sub("LOADAOF", 2, ANY, reload::of_log),
    sub("LOG", 3, 3, log),
    sub("OBJECT", 3, 3, object),
    sub("OOM", 2, ANY, |_, _| {
        end_by_panic("Redis aborting for OUT OF MEMORY. Allocating 9223372036854775807 bytes!")
    }),
    sub("PANIC", 2, ANY, |_, _| end_by_panic("DEBUG PANIC called")),
    sub("PAUSE-CRON", 3, 3, pause_cron),
    sub("POPULATE", 3, 5, populate),
    sub("PROTOCOL", 3, 3, protocol::reply),
    sub("QUICKLIST", 3, 4, |cx, args| {
        dump_structure(cx, args, "quicklist", Error::NotQuicklist)
    }),
    sub("QUICKLIST-PACKED-THRESHOLD", 3, 3, packed_threshold),
    sub("RELOAD", 2, ANY, reload::of_snapshot),
    sub("REPLYBUFFER", 4, 4, reply_buffer),
    sub("SEGFAULT", 2, ANY, |_, _| end_by_signal()),
    sub("SET-ACTIVE-EXPIRE", 3, 3, set_active_expire),
    sub("SET-DISABLE-DENY-SCRIPTS", 3, 3, let_scripts_debug),
    sub("SET-SKIP-CHECKSUM-VALIDATION", 3, 3, skip_checksums),
    sub("SLEEP", 3, 3, sleep),
    sub("STRINGMATCH-TEST", 2, 2, match_strings),
];

fn debug(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(1)?;
    let found = SUBCOMMANDS
        .iter()
        .find(|it| it.name.as_bytes().eq_ignore_ascii_case(name) && it.words.contains(&args.len()));
    match found {
        Some(subcommand) => (subcommand.run)(cx, args),
        None => Err(Error::subcommand_syntax(args, "DEBUG")),
    }
}

/// Takes note of nothing: what the subcommand tunes does not exist here.
fn accept(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.ok()
}

/// Only the writer of the log waits, where in Redis all do.
fn delay_log(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let micros = leading_integer(args.word(2)?).min(LONGEST_DELAY_US);
    let delay = &cx.server.persist.write_delay_us;
    delay.store(micros.unsigned_abs(), Ordering::Relaxed);
    cx.reply.ok()
}

/// Within what the end of the server waits for the log.
const LONGEST_DELAY_US: i64 = 1_000_000;

fn skip_checksums(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_on = leading_integer(args.word(2)?) != 0;
    cx.server.settings.skip_checksums(is_on);
    cx.reply.ok()
}

/// Redis lets scripts call every command then.
fn let_scripts_debug(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_on = leading_integer(args.word(2)?) != 0;
    cx.server.settings.let_scripts_debug(is_on);
    cx.reply.ok()
}

fn change_repl_id(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    tracing::info!("Changing replication IDs after receiving DEBUG change-repl-id");
    cx.server.replication.change_id();
    cx.reply.ok()
}

fn rewrite_config(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    match cx.server.rewrite_config(Scope::All) {
        Ok(()) => cx.reply.ok(),
        Err(error) => {
            let text = error.to_string();
            let reason = text.trim_start_matches("ERR ");
            Err(Error::Text(format!(
                "ERR CONFIG-REWRITE-FORCE-ALL failed: {reason}"
            )))
        }
    }
}

fn digest(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let digest = digest::of_everything(&mut cx.db);
    cx.reply.simple(&digest.to_string())
}

fn digest_values(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let keys = args.from(2);
    let digests: Vec<String> = keys
        .iter()
        .map(|key| digest::of_value(cx.db.peek(key)).to_string())
        .collect();
    let out = cx.reply.array(digests.len());
    digests.iter().for_each(|digest| out.simple(digest));
    Ok(Outcome::Done)
}

/// An error of the client's choice; it counts as none.
fn error(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let text = args.word(2)?.to_vec();
    cx.reply.encoder().error(text);
    Ok(Outcome::Done)
}

/// Redis writes the structure of a value in that encoding to its standard output, which nobody sees here.
fn dump_structure(cx: &mut Ctx<'_>, args: &Args<'_>, encoding: &str, other: Error) -> Result {
    let entry = cx.db.peek(args.key(2)?).ok_or(Error::NoSuchKey)?;
    if entry.encoding() != encoding {
        return Err(other);
    }
    let name = encoding[..1].to_ascii_uppercase() + &encoding[1..];
    cx.reply
        .simple(&format!("{name} structure printed on stdout"))
}

fn log(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(args.word(2)?));
    cx.reply.ok()
}

fn object(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let shares_integers = cx.server.settings.shares_integers();
    let is_lfu = cx.server.settings.policy().is_lfu();
    let (clock, now_ms) = (cx.db.clock(), cx.now_ms());
    let entry = cx.db.peek(args.key(2)?).ok_or(Error::NoSuchKey)?;
    let value = entry.string();
    let compression = cx.server.settings.compression();
    let is_shared = shares_integers && matches!(value, Some(Str::Int(0..10_000)));
    let idle_ms = if is_lfu {
        0
    } else {
        idle_ms(entry.access(), clock)
    };
    let lru = ((now_ms - idle_ms.cast_signed()) / 1000) & 0xff_ffff;
    let mut text = format!(
        "Value at:{entry:p} refcount:{} encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        if is_shared { i32::MAX } else { 1 },
        entry.encoding(),
        serialized_bytes(entry, compression),
        if is_lfu {
            i64::from(entry.access() & 0xff_ffff)
        } else {
            lru
        },
        idle_ms / 1000,
    );
    if let Some(Object::List(list)) = entry.object() {
        describe_nodes(list, &mut text);
    }
    cx.reply.simple(&text)
}

fn describe_nodes(list: &List, text: &mut String) {
    let Some((fill, depth)) = list.node_limits() else {
        return;
    };
    let nodes = list.nodes().len();
    let average = list.len() as f64 / nodes as f64;
    let bytes: usize = list.nodes().map(Node::size_bytes).sum();
    text.push_str(&format!(
        " ql_nodes:{nodes} ql_avg_node:{average:.2} ql_listpack_max:{fill} ql_compressed:{} \
         ql_uncompressed_size:{bytes}",
        u8::from(depth > 0),
    ));
}

/// How long the value is in a snapshot, as Redis counts: without the time when the first field of a hash expires.
fn serialized_bytes(entry: &Entry, compression: Compression) -> usize {
    const TYPE_BYTES: usize = 1;
    const EXPIRY_BYTES: usize = 8;
    let dumped = dump(entry, compression);
    let begins_with_expiry = matches!(
        dumped.first(),
        Some(&(kind::HASH_METADATA | kind::HASH_LISTPACK_EX))
    );
    let uncounted = if begins_with_expiry { EXPIRY_BYTES } else { 0 };
    dumped.len() - TYPE_BYTES - DUMP_FOOTER_BYTES - uncounted
}

fn pause_cron(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.server
        .cron_is_paused
        .store(leading_integer(args.word(2)?) != 0, Ordering::Relaxed);
    cx.reply.ok()
}

/// As C's `atoi`: the digits at the start, or 0.
fn leading_integer(text: &[u8]) -> i64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits])
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// More keys than this no table can hold.
const MOST_KEYS: i64 = u32::MAX as i64;

/// Makes keys `prefix:0`, `prefix:1`, … that hold `value:0` and so on, cut or filled with zeros to a size;
/// keys that are there stay. Neither logged nor counted as changes, as in Redis.
fn populate(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args.non_negative(2)?;
    let prefix = if args.len() > 3 {
        args.word(3)?
    } else {
        b"key"
    };
    let size = if args.len() > 4 {
        args.non_negative(4)?
    } else {
        0
    };
    let limit = cx.server.settings.config.get(options::PROTO_MAX_BULK_LEN);
    if count > MOST_KEYS || size.unsigned_abs() > limit {
        return Err(Error::PopulateTooLarge);
    }
    let dirty = cx.db.changes.dirty;
    for number in 0..count {
        let key = [prefix, b":", number.to_string().as_bytes()].concat();
        if cx.db.peek(&key).is_some() {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        if size > 0 {
            value.resize(size as usize, 0);
        }
        cx.db.put(
            &key,
            Value::Bytes(&value),
            Expiry::Clear,
            NewTags::Clear,
            POPULATED,
        );
    }
    cx.db.changes.dirty = dirty;
    cx.reply.ok()
}

const POPULATED: storage::db::Event = storage::db::Event::string("set");

/// The highest threshold that Redis takes (`quicklistSetPackedThreshold`).
const MOST_PACKED_BYTES: u64 = (1 << 32) - (1 << 20);

fn packed_threshold(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let threshold = value::memory(args.word(2)?);
    let threshold = threshold.filter(|bytes| *bytes <= MOST_PACKED_BYTES);
    let threshold = threshold.ok_or(Error::PackedThreshold)?;
    cx.server
        .settings
        .set_list_packed_threshold(threshold as usize);
    cx.reply.ok()
}

fn reply_buffer(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.is(2, "PEAK-RESET-TIME") {
        if !args.is(3, "NEVER") && !args.is(3, "RESET") {
            args.integer(3)?;
        }
        return cx.reply.ok();
    }
    if args.is(2, "RESIZING") {
        return cx.reply.ok();
    }
    Err(Error::subcommand_syntax(args, "DEBUG"))
}

fn set_active_expire(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_on = leading_integer(args.word(2)?) != 0;
    cx.server.expires_actively.store(is_on, Ordering::Relaxed);
    cx.reply.ok()
}

/// No command of anybody runs meanwhile.
fn sleep(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let seconds = leading_seconds(args.word(2)?);
    cx.server
        .gates
        .stop_the_world(|| std::thread::sleep(seconds));
    cx.reply.ok()
}

/// As C's `strtod`: the number at the start, or 0; and no time that is negative or no number.
fn leading_seconds(text: &[u8]) -> Duration {
    let text = std::str::from_utf8(text).unwrap_or_default().trim_start();
    let number = (0..=text.len())
        .rev()
        .find_map(|end| text.get(..end)?.parse::<f64>().ok());
    let seconds = number.filter(|seconds| seconds.is_finite()).unwrap_or(0.0);
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}

/// Matches random strings with random patterns.
fn match_strings(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let mut rng = fastrand::Rng::new();
    let mut random = |most: usize| -> Vec<u8> {
        let length = rng.usize(..most);
        (0..length)
            .map(|_| rng.choice(b"*?[]^-\\ab\0\xff".iter().copied()).unwrap_or(0))
            .collect()
    };
    for _ in 0..10_000 {
        glob::matches(&random(16), &random(16), glob::Case::Sensitive);
    }
    cx.reply
        .simple("Apparently Redis did not crash: test passed")
}

/// Ends the process as a failed assertion would.
fn end_by_panic(reason: &str) -> ! {
    tracing::warn!("=== REDIS BUG REPORT START: Cut & paste starting from here ===");
    tracing::warn!("Guru Meditation: {reason}");
    tracing::warn!("=== REDIS BUG REPORT END. Make sure to include from START to END. ===");
    std::process::abort()
}

/// Ends the process as an access to memory that is not there would.
fn end_by_signal() -> ! {
    tracing::warn!("=== REDIS BUG REPORT START: Cut & paste starting from here ===");
    tracing::warn!(
        "Redis {} crashed by signal: 11",
        crate::config::REDIS_VERSION
    );
    tracing::warn!("=== REDIS BUG REPORT END. Make sure to include from START to END. ===");
    // The first only takes away the handler with which the standard library looks for stack overflows.
    for _ in 0..2 {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSEGV);
    }
    std::process::abort()
}

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "DEBUG",
        &[
            "AOF-FLUSH-SLEEP <microsec>",
            "    Server will sleep before flushing the AOF, this is used for testing.",
            "ASSERT",
            "    Crash by assertion failed.",
            "CHANGE-REPL-ID",
            "    Change the replication IDs of the instance.",
            "    Dangerous: should be used only for testing the replication subsystem.",
            "CONFIG-REWRITE-FORCE-ALL",
            "    Like CONFIG REWRITE but writes all configuration options, including",
            "    keywords not listed in original configuration file or default values.",
            "DIGEST",
            "    Output a hex signature representing the current DB content.",
            "DIGEST-VALUE <key> [<key> ...]",
            "    Output a hex signature of the values of all the specified keys.",
            "ERROR <string>",
            "    Return a Redis protocol error with <string> as message. Useful for clients",
            "    unit tests to simulate Redis errors.",
            "LOG <message>",
            "    Write <message> to the server log.",
            "HTSTATS <dbid> [full]",
            "    Return hash table statistics of the specified Redis database.",
            "HTSTATS-KEY <key> [full]",
            "    Like HTSTATS but for the hash table stored at <key>'s value.",
            "LOADAOF",
            "    Flush the AOF buffers on disk and reload the AOF in memory.",
            "OBJECT <key>",
            "    Show low level info about `key` and associated value.",
            "OOM",
            "    Crash the server simulating an out-of-memory error.",
            "PANIC",
            "    Crash the server simulating a panic.",
            "POPULATE <count> [<prefix>] [<size>]",
            "    Create <count> string keys named key:<num>. If <prefix> is specified then",
            "    it is used instead of the 'key' prefix. These are not propagated to",
            "    replicas. Cluster slots are not respected so keys not belonging to the",
            "    current node can be created in cluster mode.",
            "PROTOCOL <type>",
            "    Reply with a test value of the specified type. <type> can be: string,",
            "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
            "    true, false.",
            "RELOAD [option ...]",
            "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
            "    * MERGE: conflicting keys will be loaded from RDB.",
            "    * NOFLUSH: the existing database will not be removed before load, but",
            "      conflicting keys will end it with an error.",
            "    * NOSAVE: the database will be loaded from an existing RDB file.",
            "SEGFAULT",
            "    Crash the server with sigsegv.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Setting it to 0 disables expiring keys (and hash-fields) in background ",
            "    when they are not accessed (otherwise the Redis behavior). Setting it",
            "    to 1 reenables back the default.",
            "QUICKLIST-PACKED-THRESHOLD <size>",
            "    Sets the threshold for elements to be inserted as plain vs packed nodes",
            "    Default value is 1GB, allows values up to 4GB. Setting to 0 restores to default.",
            "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
            "    Enables or disables checksum checks for RDB files and RESTORE's payload.",
            "SLEEP <seconds>",
            "    Stop the server for <seconds>. Decimals allowed.",
            "STRINGMATCH-TEST",
            "    Run a fuzz tester against the stringmatchlen() function.",
            "LISTPACK <key>",
            "    Show low level info about the listpack encoding of <key>.",
            "QUICKLIST <key> [<0|1>]",
            "    Show low level info about the quicklist encoding of <key>.",
            "    The optional argument (0 by default) sets the level of detail",
            "PAUSE-CRON <0|1>",
            "    Stop periodic cron job processing.",
            "REPLYBUFFER PEAK-RESET-TIME <NEVER||RESET|time>",
            "    Sets the time (in milliseconds) to wait between client reply buffer peak resets.",
            "    In case NEVER is provided the last observed peak will never be reset",
            "    In case RESET is provided the peak reset time will be restored to the default value",
            "REPLYBUFFER RESIZING <0|1>",
            "    Enable or disable the reply buffer resize cron job",
            "DICT-RESIZING <0|1>",
            "    Enable or disable the main dict and expire dict resizing.",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_far_as_they_go() {
        for (text, seconds) in [
            ("0.25", 0.25),
            ("1e-3x", 0.001),
            (" 2", 2.0),
            ("-1", 0.0),
            ("a", 0.0),
            ("nan", 0.0),
            ("inf", 0.0),
            ("", 0.0),
        ] {
            assert_eq!(
                leading_seconds(text.as_bytes()),
                Duration::from_secs_f64(seconds),
                "{text:?}"
            );
        }
        assert_eq!(
            (
                leading_integer(b"1x"),
                leading_integer(b"x"),
                leading_integer(b"")
            ),
            (1, 0, 0)
        );
    }
}
