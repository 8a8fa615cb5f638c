//! The append-only files: Redis' own tools and servers read them, and damage costs only what is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Server, keyspace, seed, tools, transcript::rewrite};

const AOF: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// Something of everything: databases, times, binary keys, tags, deletions, a transaction.
fn fill(client: &mut Client) {
    let lines = [
        "SET plain value",
        "SET \"\\x00\\xff\\r\\n# \" \"#not a comment\\r\\n\"",
        "SET number 12345",
        "INCRBYFLOAT float 1.1",
        "SET expiring v EX 1000",
        "SET tagged v PX 10000000 TAGS 2 user \"a tag\\r\\nwith a line end\"",
        "SET gone v TAGS 1 dropped",
        "TAGINVALIDATE dropped",
        "SET renamed v TAGS 1 moves",
        "RENAME renamed new",
        "TAGADD plain user x y",
        "TAGREM plain x",
        "MULTI",
        "SET a 1 EX 5000",
        "SET b 2 TAGS 1 user",
        "EXEC",
        "SELECT 9",
        "MSET k1 v1 k2 v2",
        "COPY k1 copied DB 3",
        "APPEND k1 more",
        "GETEX k2 EX 4000",
        "SETRANGE padded 20 x",
        "DEL k1",
        "SELECT 0",
    ];
    for reply in client.pipeline(&lines) {
        assert!(!reply.is_error(), "{reply}");
    }
}

fn appendonlydir(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir")
}

/// The files of the directory whose names contain `part`, in order.
fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|file| file.expect("listed").path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains(part))
        })
        .collect();
    files.sort();
    files
}

fn incremental(server: &Server) -> PathBuf {
    files(&appendonlydir(server), ".incr.aof")
        .pop()
        .expect("an incremental file")
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for file in files(from, "") {
        fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("copied");
    }
}

fn assert_accepted_by_redis(server: &Server) {
    let manifest = appendonlydir(server).join("appendonly.aof.manifest");
    let check = tools::run(
        Command::new("redis-check-aof").arg(&manifest),
        Duration::from_secs(20),
    );
    assert!(check.status.success(), "redis-check-aof: {}", check.output);
    assert!(
        check
            .output
            .contains("All AOF files and manifest are valid"),
        "{}",
        check.output
    );
}

/// Starts a stock Redis on a copy of the files and compares all that it reads.
fn assert_read_by(kind: Kind, server: &Server) {
    let mut ours = keyspace::read(&mut server.connect());
    let stock = Server::start_on(kind, AOF, |dir| {
        copy_directory(&appendonlydir(server), &dir.join("appendonlydir"));
    });
    let mut theirs = keyspace::read(&mut stock.connect());
    for entry in ours.values_mut().chain(theirs.values_mut()) {
        // How a value came about is not in the file: `raw` may come back as `embstr`.
        entry.encoding.clear();
        // Redis has no tags, and it must not stumble over ours.
        entry.tags = crate::support::Reply::Array(Vec::new());
    }
    keyspace::assert_same(&ours, &theirs, &format!("read by {kind:?}"));
}

#[test]
fn redis_reads_the_files_as_written() {
    let server = Server::keytag(AOF);
    fill(&mut server.connect());
    assert_accepted_by_redis(&server);
    assert_read_by(Kind::Stock, &server);
    assert_read_by(Kind::Oracle, &server);
}

#[test]
fn redis_reads_the_files_as_rewritten() {
    for preamble in ["yes", "no"] {
        let flags = [AOF, &["--aof-use-rdb-preamble", preamble]].concat();
        let server = Server::keytag(&flags);
        let mut client = server.connect();
        fill(&mut client);
        rewrite(&mut client);
        assert_accepted_by_redis(&server);
        assert_read_by(Kind::Stock, &server);
        assert_read_by(Kind::Oracle, &server);
        fill(&mut client);
        assert_accepted_by_redis(&server);
        assert_read_by(Kind::Stock, &server);
    }
}

/// Large collections are written in pieces; what changes between two of them comes again from the file behind.
#[test]
fn a_base_of_commands_and_what_follows_are_what_there_is() {
    let flags = [
        "--enable-debug-command",
        "yes",
        "--aof-use-rdb-preamble",
        "no",
    ];
    let mut server = Server::keytag(&[AOF, &flags].concat());
    let mut client = server.connect();
    client.line(
        "EVAL \"for i=1,9000 do \
             redis.call('HSET','hash:'..i%3,'field:'..i,('value:'..i):rep(9)) \
             redis.call('SADD','set:'..i%3,('member:'..i):rep(9)) \
             redis.call('ZADD','zset:'..i%3,i%100,'member:'..i) \
             redis.call('RPUSH','list:'..i%3,'element:'..i) \
             redis.call('XADD','stream:'..i%3,i..'-1','field',i) \
         end\" 0",
    );
    client.line("HPEXPIREAT hash:0 4000000000000 FIELDS 3 field:3 field:3000 field:9000");
    client.line("PEXPIREAT set:0 4000000000000");
    for key in ["list:0", "hash:0", "set:0", "zset:0", "stream:0"] {
        assert_eq!(client.line(&format!("TAGADD {key} a b")).integer(), 2);
    }
    for stream in 0..3 {
        client.line(&format!("XGROUP CREATE stream:{stream} group 0"));
        let read = format!("XREADGROUP GROUP group alice COUNT 2000 STREAMS stream:{stream} >");
        client.line(&read);
        // Pending, and gone.
        (1..60).for_each(|it| {
            client.line(&format!("XDEL stream:{stream} {}-1", it * 90 + stream));
        });
    }
    let mut rng = fastrand::Rng::with_seed(seed());
    for _ in 0..2 {
        // So that many a collection is begun when it is changed.
        client.line("CONFIG SET rdb-key-save-delay 200");
        client.line("BGREWRITEAOF");
        for _ in 0..40 {
            client.line(&change(&mut rng));
        }
        client.line("CONFIG SET rdb-key-save-delay 0");
        let deadline = Instant::now() + Duration::from_secs(60);
        while client.info_number("aof_rewrite_in_progress") == 1 {
            assert!(Instant::now() < deadline, "the rewrite does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(files(&appendonlydir(&server), ".base.aof").len(), 1);
        let there = facts(&mut client);
        let redis = Server::start_on(Kind::Oracle, &[AOF, &flags].concat(), |dir| {
            copy_directory(&appendonlydir(&server), &dir.join("appendonlydir"));
        });
        assert_eq!(facts(&mut redis.connect()), there);
        server.restart();
        client = server.connect();
        assert_eq!(facts(&mut client), there);
        for key in ["list:0", "hash:0", "set:0", "zset:0", "stream:0"] {
            let tags = client.line(&format!("TAGLIST {key}"));
            assert_eq!(tags.items().len(), 2, "{key}");
        }
    }
}

fn change(rng: &mut fastrand::Rng) -> String {
    let (number, element) = (rng.u32(..3), rng.u32(..9_000));
    match rng.u32(..9) {
        0 => format!("HSET hash:{number} field:{element} new"),
        1 => format!(
            "SREM set:{number} {}",
            format!("member:{element}").repeat(9)
        ),
        2 => format!("ZADD zset:{number} 5 member:{element}"),
        3 => format!("LPUSH list:{number} new"),
        4 => format!("XADD stream:{number} * field new"),
        5 => format!("HDEL hash:{number} field:{element}"),
        6 => format!("PEXPIREAT zset:{number} 4000000000000"),
        7 => format!("XACK stream:{number} group {element}-1"),
        _ => format!("COPY set:{number} set:{number}:copy REPLACE"),
    }
}

/// All that a restart must bring back: values, and what is pending where.
fn facts(client: &mut Client) -> String {
    let mut facts = vec![client.line("DEBUG DIGEST").text()];
    for stream in 0..3 {
        facts.push(
            client
                .line(&format!("XPENDING stream:{stream} group"))
                .to_string(),
        );
        let ids = format!("XPENDING stream:{stream} group - + 10000");
        let ids = client.line(&ids);
        facts.extend(ids.items().iter().map(|it| it.items()[0].text()));
    }
    for key in ["hash:0", "set:0", "zset:0", "zset:1", "zset:2"] {
        facts.push(client.line(&format!("PEXPIRETIME {key}")).to_string());
    }
    facts.join(" ")
}

#[test]
fn the_files_are_named_as_redis_names_them() {
    let server = Server::keytag(AOF);
    let mut client = server.connect();
    for (preamble, number, ending) in [("yes", 2, "rdb"), ("no", 3, "aof"), ("yes", 4, "rdb")] {
        client.line(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"));
        fill(&mut client);
        rewrite(&mut client);
        let manifest = fs::read_to_string(appendonlydir(&server).join("appendonly.aof.manifest"));
        let lines = format!(
            "file appendonly.aof.{number}.base.{ending} seq {number} type b\n\
             file appendonly.aof.{number}.incr.aof seq {number} type i\n"
        );
        assert_eq!(manifest.expect("a manifest"), lines);
        let names: Vec<PathBuf> = files(&appendonlydir(&server), "");
        assert_eq!(names.len(), 3, "old files are removed: {names:?}");
    }
}

#[test]
fn the_first_files_are_those_of_redis() {
    for flags in [
        &[][..],
        &["--aof-use-rdb-preamble", "no"],
        &["--aof-timestamp-enabled", "yes"],
        &[
            "--aof-use-rdb-preamble",
            "no",
            "--aof-timestamp-enabled",
            "yes",
        ],
    ] {
        let flags = [AOF, flags].concat();
        let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
            let server = Server::start(kind, &flags);
            let files = files(&appendonlydir(&server), "");
            let read = files.iter().map(|path| {
                let name = path.file_name().expect("a name").to_owned();
                (name, shape(&fs::read(path).expect("readable")))
            });
            read.collect::<Vec<_>>()
        });
        assert_eq!(ours, theirs, "{flags:?}");
        assert_eq!(ours.len(), 3);
    }
}

/// The bytes of a small file without what differs from start to start: times, and the memory in use. Of a snapshot
/// without its version and checksum.
fn shape(bytes: &[u8]) -> String {
    let text = match bytes.starts_with(b"REDIS") {
        false => bytes.escape_ascii().to_string(),
        true => {
            let body = &bytes[9..bytes.len() - 8];
            let field = |name: &[u8]| body.windows(name.len()).position(|it| it == name);
            let places = [&b"ctime"[..], b"used-mem", b"aof-base"].map(field);
            format!("{} bytes, {places:?}", bytes.len())
        }
    };
    text.chars()
        .map(|it| if it.is_ascii_digit() { '0' } else { it })
        .collect()
}

#[test]
fn times_are_written_as_redis_writes_them() {
    let flags = [AOF, &["--aof-timestamp-enabled", "yes"]].concat();
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &flags);
        let mut client = server.connect();
        let lines = [
            "MULTI", "SET a 1", "SET b 1", "EXEC", "SELECT 1", "SET c 1", "SET c 2", "SELECT 0",
        ];
        let seconds = [(); 3].map(|()| {
            let second = next_second(&mut client);
            client.pipeline(&lines);
            second
        });
        next_second(&mut client);
        client.line("CONFIG SET aof-timestamp-enabled no");
        client.line("SET d 1");
        let (requests, times) = outline(&fs::read(incremental(&server)).expect("readable"));
        // What takes longer than its second is behind the time of the next one as well.
        let is_written = |second: &i64| times.contains(second);
        assert!(seconds.iter().all(is_written), "{kind:?}: {times:?}");
        let pairs = requests.iter().zip(&requests[1..]);
        let stamped: Vec<&str> = pairs
            .filter(|(remark, _)| *remark == "#TS")
            .map(|(_, request)| request.as_str())
            .collect();
        let transactions = stamped.iter().filter(|it| **it == "MULTI").count();
        assert_eq!(transactions, 3, "{kind:?}: {requests:?}");
        assert!(!stamped.contains(&"EXEC"), "{kind:?}: {requests:?}");
        assert_eq!(
            requests[requests.len() - 2..],
            ["SELECT", "SET"],
            "{kind:?}"
        );
    }
}

/// Waits until the server's clock begins a second, and gives that.
fn next_second(client: &mut Client) -> i64 {
    let before = keyspace::now_ms(client) / 1000;
    loop {
        let now = keyspace::now_ms(client) / 1000;
        if now > before {
            return now;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The first word of each request and the beginning of each remark of Redis, and the times.
fn outline(bytes: &[u8]) -> (Vec<String>, Vec<i64>) {
    let text = String::from_utf8_lossy(bytes);
    let (mut lines, mut times) = (Vec::new(), Vec::new());
    let mut rest = text.split("\r\n");
    while let Some(line) = rest.next() {
        if let Some(time) = line.strip_prefix("#TS:") {
            lines.push("#TS".to_owned());
            times.push(time.parse().expect("seconds"));
        } else if line.starts_with('*') {
            lines.push(rest.nth(1).expect("a word").to_ascii_uppercase());
        }
    }
    (lines, times)
}

#[test]
fn the_append_only_file_of_redis_is_taken_over_and_given_back() {
    // Without the RDB preamble: this file is plain commands.
    let flags = [AOF, &["--aof-use-rdb-preamble", "no"]].concat();
    let mut redis = Server::start(Kind::Oracle, &flags);
    let mut client = redis.connect();
    for line in [
        "SET k v EX 1000",
        "SELECT 5",
        "MSET a 1 b 2",
        "RENAME a c",
        "INCR b",
        "PEXPIREAT c 99999999999999",
    ] {
        assert!(!client.line(line).is_error(), "{line}");
    }
    let before = keyspace::read(&mut client);
    redis.terminate();
    let mut server = Server::start_on(Kind::Keytag, AOF, |dir| {
        copy_directory(&appendonlydir(&redis), &dir.join("appendonlydir"));
    });
    keyspace::assert_same(
        &before,
        &keyspace::read(&mut server.connect()),
        "taken over",
    );
    assert_eq!(
        server.connect().line("SET more v TAGS 1 t").to_string(),
        "OK"
    );
    assert_read_by(Kind::Oracle, &server);
    server.restart();
    assert_eq!(
        server.connect().line("TAGCARD t").to_string(),
        "(integer) 1"
    );
}

#[test]
fn absolute_times_are_written_for_relative_ones() {
    let server = Server::keytag(AOF);
    let mut client = server.connect();
    for line in [
        "SET k v EX 100",
        "EXPIRE k 200",
        "GETEX k PX 300000",
        "SETEX j 100 v",
        "PSETEX j 100000 v",
    ] {
        assert!(!client.line(line).is_error(), "{line}");
    }
    let text = fs::read(incremental(&server)).expect("readable");
    let text = String::from_utf8_lossy(&text).to_ascii_uppercase();
    for relative in [
        "\r\nEX\r\n",
        "\r\nPX\r\n",
        "\r\nEXPIRE\r\n",
        "SETEX\r\n",
        "\r\nGETEX\r\n",
    ] {
        assert!(
            !text.contains(relative),
            "{relative:?} would mean another time when it is replayed:\n{text}"
        );
    }
}

#[test]
fn what_changes_nothing_is_not_written() {
    let server = Server::keytag(AOF);
    let mut client = server.connect();
    client.line("SET k v");
    let size = || fs::metadata(incremental(&server)).expect("there").len();
    let before = size();
    for line in [
        "SET k w NX",
        "DEL none",
        "EXPIRE none 10",
        "GET k",
        "PERSIST k",
        "MSETNX k 1 j 2",
        "RENAMENX k k",
        "TAGADD none t",
        "TAGREM k t",
        "TAGINVALIDATE t",
    ] {
        client.line(line);
    }
    assert_eq!(
        size(),
        before,
        "{}",
        String::from_utf8_lossy(&fs::read(incremental(&server)).expect("readable"))
    );
}

/// Writes ten keys, damages the last incremental file, starts, and gives what is left.
fn damaged(damage: impl FnOnce(&mut Vec<u8>)) -> (Server, Vec<Vec<u8>>) {
    let mut server = Server::keytag(AOF);
    let mut client = server.connect();
    for index in 0..10 {
        assert_eq!(
            client
                .line(&format!("SET key:{index} value:{index} TAGS 1 t"))
                .to_string(),
            "OK"
        );
    }
    server.kill();
    let path = incremental(&server);
    let mut bytes = fs::read(&path).expect("readable");
    damage(&mut bytes);
    fs::write(&path, bytes).expect("writable");
    server.start_again();
    let keys = keyspace::keys(&mut server.connect());
    (server, keys)
}

#[test]
fn a_flipped_bit_in_a_value_costs_what_was_written_with_it_and_after_it() {
    let (mut server, keys) = damaged(|bytes| {
        let at = find_last(bytes, b"value:8");
        bytes[at + 6] ^= 1;
    });
    assert_eq!(keys.len(), 8, "{keys:?}");
    let mut client = server.connect();
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(*key, format!("key:{index}").into_bytes());
        let value = client.call(&[b"GET", key.as_slice()]);
        assert_eq!(value.text(), format!("value:{index}"));
    }
    assert!(client.info_number("aof_quarantined_bytes") > 0);
    assert_quarantined(&mut server, b"");
}

#[test]
fn a_flipped_bit_stops_the_start_where_damage_is_not_to_be_loaded() {
    let mut server = Server::keytag(AOF);
    fill(&mut server.connect());
    server.terminate();
    let path = incremental(&server);
    let mut bytes = fs::read(&path).expect("readable");
    let at = find_last(&bytes, b"value");
    bytes[at] ^= 0x20;
    fs::write(&path, &bytes).expect("writable");
    let output = start_and_fail_with(&server, &["--aof-load-truncated", "no"]);
    assert!(
        output.contains("Bad file format reading the append only file"),
        "{output}"
    );
    assert_eq!(fs::read(&path).expect("readable"), bytes, "left as it is");
}

/// Written on by a stock Redis after a kill in the middle of a write.
#[test]
fn a_write_that_was_cut_and_continued_by_redis_is_read_again() {
    let mut server = Server::keytag(AOF);
    let mut client = server.connect();
    // Several records in one write.
    let lines: Vec<String> = (0..20).map(|it| format!("SET key:{it} v")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    client.pipeline(&lines);
    server.kill();
    let path = incremental(&server);
    let bytes = fs::read(&path).expect("readable");
    fs::write(&path, &bytes[..bytes.len() - 60]).expect("writable");
    let manifest = appendonlydir(&server).join("appendonly.aof.manifest");
    let fixed = tools::run(
        Command::new("sh")
            .args(["-c", "yes | redis-check-aof --fix \"$0\""])
            .arg(&manifest),
        Duration::from_secs(20),
    );
    assert!(fixed.status.success(), "{}", fixed.output);
    let mut redis = Server::start_on(Kind::Stock, AOF, |dir| {
        copy_directory(&appendonlydir(&server), &dir.join("appendonlydir"));
    });
    let mut client = redis.connect();
    let kept = client.line("DBSIZE").integer();
    assert!(kept >= 18, "{kept} of 20 keys");
    client.line("SET from-redis v");
    let theirs = keyspace::read(&mut client);
    redis.terminate();
    let mut again = Server::start_on(Kind::Keytag, AOF, |dir| {
        copy_directory(&appendonlydir(&redis), &dir.join("appendonlydir"));
    });
    for _ in 0..2 {
        let mut client = again.connect();
        assert_eq!(client.info_number("aof_quarantined_bytes"), 0);
        keyspace::assert_same(&theirs, &keyspace::read(&mut client), "taken back");
        again.restart();
    }
}

/// The damaged part is kept aside, reported, and gone from the file.
fn assert_quarantined(server: &mut Server, expected: &[u8]) {
    let kept = files(&appendonlydir(server), ".damaged.");
    assert_eq!(kept.len(), 1, "one file of damaged bytes: {kept:?}");
    let name = kept[0]
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let kept = fs::read(&kept[0]).expect("readable");
    assert!(kept.ends_with(expected), "it holds what was cut off");
    assert!(
        server.log().contains(&name),
        "the log names it:\n{}",
        server.log()
    );
    // The next start finds nothing to complain about.
    let before = keyspace::read(&mut server.connect());
    server.restart();
    keyspace::assert_same(
        &before,
        &keyspace::read(&mut server.connect()),
        "the next start",
    );
    assert_accepted_by_redis(server);
}

#[test]
fn a_cut_off_tail_costs_the_last_command() {
    let mut rest = Vec::new();
    let (mut server, keys) = damaged(|bytes| {
        let at = find_last(bytes, b"key:9");
        rest = bytes.split_off(at + 2);
    });
    assert_eq!(keys.len(), 9, "{keys:?}");
    assert_quarantined(&mut server, b"ke");
}

#[test]
fn zeros_at_the_end_cost_nothing() {
    let (mut server, keys) = damaged(|bytes| bytes.extend_from_slice(&[0; 4_096]));
    assert_eq!(keys.len(), 10, "{keys:?}");
    assert_quarantined(&mut server, &[0; 4_096]);
}

#[test]
fn a_flipped_bit_in_a_length_costs_what_follows() {
    let (mut server, keys) = damaged(|bytes| {
        let at = find_last(bytes, b"$7\r\nvalue:8");
        bytes[at + 1] ^= 1;
    });
    assert!(keys.len() <= 8, "what is damaged is not loaded: {keys:?}");
    assert!(!keys.is_empty(), "what stands before the damage is");
    assert_quarantined(&mut server, b"");
}

#[test]
fn a_tag_line_that_is_cut_off_does_not_leave_an_untagged_key() {
    let (server, keys) = damaged(|bytes| {
        let end = find_last(bytes, b"\r\n");
        bytes.truncate(end.saturating_sub(3));
    });
    let mut client = server.connect();
    for key in keys {
        let tags = client.call(&[b"TAGLIST", key.as_slice()]);
        assert_eq!(
            tags.items().len(),
            1,
            "{} is there without its tag",
            String::from_utf8_lossy(&key)
        );
    }
}

fn find_last(bytes: &[u8], needle: &[u8]) -> usize {
    bytes
        .windows(needle.len())
        .rposition(|window| window == needle)
        .expect("it was written")
}

#[test]
fn a_file_that_is_no_append_only_file_stops_the_start() {
    let mut server = Server::keytag(AOF);
    fill(&mut server.connect());
    server.terminate();
    let manifest = appendonlydir(&server).join("appendonly.aof.manifest");
    let good = fs::read_to_string(&manifest).expect("a manifest");
    for (bad, complaint) in [
        ("nonsense\n", "Invalid AOF manifest file format"),
        ("file x seq y type z\n", "Invalid AOF manifest file format"),
        ("", "Found an empty AOF manifest"),
        (
            "file ../x seq 1 type i\n",
            "File can't be a path, just a filename",
        ),
    ] {
        fs::write(&manifest, bad).expect("writable");
        let output = start_and_fail(&server);
        assert!(output.contains(complaint), "{bad:?}:\n{output}");
    }
    fs::write(&manifest, good).expect("writable");
    fs::remove_file(incremental(&server)).expect("removable");
    let output = start_and_fail(&server);
    assert!(output.contains("No such file or directory"), "{output}");
}

fn start_and_fail(server: &Server) -> String {
    start_and_fail_with(server, &[])
}

fn start_and_fail_with(server: &Server, flags: &[&str]) -> String {
    let mut command = Command::new(tools::keytag());
    command
        .args(["--port", &server.port().to_string(), "--dir"])
        .arg(server.dir())
        .args(AOF)
        .args(flags);
    let finished = tools::run(&mut command, Duration::from_secs(10));
    assert_eq!(finished.status.code(), Some(1), "{}", finished.output);
    finished.output
}
