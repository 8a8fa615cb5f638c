//! Commands that wait for keys: who is served, with what, in which order.
//!
//! A scene is played with Keytag and with a real Redis, which must say what stands in it:
//!
//! | line | meaning |
//! |---|---|
//! | `a> BLPOP k 0` | the client `a` says so; its reply follows |
//! | `a! BLPOP k 0` | the client `a` says so, and waits |
//! | `a<` | what `a` has waited for follows |
//! | `.` | how many clients wait follows |

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Server, words};

/// Plays a scene, in RESP2 and in RESP3.
fn scene(text: &str) {
    scene_in(&[false, true], text);
}

/// Plays a scene in RESP3 or not.
pub(crate) fn scene_in(protocols: &[bool], text: &str) {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        for &is_resp3 in protocols {
            let mut stage = Stage::new(&server, is_resp3);
            // A scene for both protocols is written in the shapes of RESP2.
            stage.shows_resp2 = protocols.len() > 1;
            stage.control.line("FLUSHALL");
            let played = stage.play(text);
            let written = tidy(text);
            assert_eq!(played, written, "{kind:?}, RESP3 {is_resp3}");
        }
    }
}

/// The lines of a scene without its indent.
fn tidy(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |all, line| all + line + "\n")
}

struct Stage<'s> {
    server: &'s Server,
    is_resp3: bool,
    shows_resp2: bool,
    clients: HashMap<String, Client>,
    control: Client,
}

impl<'s> Stage<'s> {
    fn new(server: &'s Server, is_resp3: bool) -> Stage<'s> {
        Stage {
            server,
            is_resp3,
            shows_resp2: false,
            clients: HashMap::new(),
            control: server.connect(),
        }
    }

    fn client(&mut self, name: &str) -> &mut Client {
        let (server, is_resp3) = (self.server, self.is_resp3);
        self.clients.entry(name.to_owned()).or_insert_with(|| {
            let mut client = if is_resp3 {
                server.connect_resp3()
            } else {
                server.connect()
            };
            client.call(&["CLIENT", "SETNAME", name]);
            client
        })
    }

    fn blocked(&mut self) -> i64 {
        self.control.info_number("blocked_clients")
    }

    /// Waits until so many clients wait.
    fn until_blocked(&mut self, count: i64) {
        let began = Instant::now();
        while self.blocked() != count {
            assert!(began.elapsed() < Duration::from_secs(20), "nobody waits");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What is said, with the replies that came.
    fn play(&mut self, text: &str) -> String {
        let mut out = String::new();
        for line in text.lines().map(str::trim) {
            let name: String = line.chars().take_while(char::is_ascii_alphabetic).collect();
            let rest = &line[name.len()..];
            if line == "." {
                out += &format!(".\n{}\n", self.blocked());
            } else if name.is_empty() || !rest.starts_with(['>', '!', '<']) {
                continue;
            } else {
                out += line;
                out += "\n";
                self.act(&name, rest, &mut out);
            }
        }
        out
    }

    fn act(&mut self, name: &str, said: &str, out: &mut String) {
        let command = words::split(said[1..].trim());
        let shows_resp2 = self.shows_resp2;
        match &said[..1] {
            "!" => {
                let before = self.blocked();
                self.client(name).send(&command);
                self.until_blocked(before + 1);
            }
            sign => {
                let client = self.client(name);
                if sign == ">" {
                    client.send(&command);
                }
                let reply = client.reply();
                // Numbers and pairs have other shapes in RESP3; see the transcripts of their commands.
                let reply = if shows_resp2 { reply.in_resp2() } else { reply }.to_string();
                reply
                    .lines()
                    .for_each(|line| *out += &format!("{}\n", line.trim()));
            }
        }
    }
}

#[test]
fn who_came_first_is_served_first() {
    scene(
        r#"
        a! BLPOP k 0
        b! BLPOP k 0
        c! BRPOP k 0
        .
        3
        d> RPUSH k 1 2 3 4
        (integer) 4
        a<
        1) "k"
        2) "1"
        b<
        1) "k"
        2) "2"
        c<
        1) "k"
        2) "4"
        d> LRANGE k 0 -1
        1) "3"
        .
        0
        "#,
    );
}

#[test]
fn the_key_that_is_named_first_is_taken_from() {
    scene(
        r#"
        a! BLPOP x y z 0
        d> MULTI
        OK
        d> RPUSH z 1
        QUEUED
        d> RPUSH y 2
        QUEUED
        d> EXEC
        1) (integer) 1
        2) (integer) 1
        a<
        1) "y"
        2) "2"
        d> EXISTS y z
        (integer) 1
        "#,
    );
}

#[test]
fn what_comes_and_goes_in_a_transaction_wakes_nobody() {
    scene(
        r#"
        a! BLPOP k 0
        d> MULTI
        OK
        d> RPUSH k 1
        QUEUED
        d> DEL k
        QUEUED
        d> EXEC
        1) (integer) 1
        2) (integer) 1
        .
        1
        d> SET k text
        OK
        .
        1
        d> DEL k
        (integer) 1
        d> LPUSH k 1 2
        (integer) 2
        a<
        1) "k"
        2) "2"
        "#,
    );
}

#[test]
fn an_element_moves_on_to_who_waits_for_it() {
    scene(
        r#"
        a! BLMOVE one two LEFT RIGHT 0
        b! BLMOVE two three LEFT RIGHT 0
        c! BLPOP three 0
        d> RPUSH one x
        (integer) 1
        a<
        "x"
        b<
        "x"
        c<
        1) "three"
        2) "x"
        d> EXISTS one two three
        (integer) 0
        "#,
    );
}

#[test]
fn several_elements_are_popped_or_moved_when_they_come() {
    scene(
        r#"
        a! BLMPOP 0 2 x y RIGHT COUNT 2
        d> RPUSH y 1 2 3
        (integer) 3
        a<
        1) "y"
        2) 1) "3"
        2) "2"
        d> LRANGE y 0 -1
        1) "1"
        b! BRPOPLPUSH p q 0
        d> LPUSH p 1 2
        (integer) 2
        b<
        "1"
        d> LRANGE q 0 -1
        1) "1"
        d> LRANGE p 0 -1
        1) "2"
        "#,
    );
}

#[test]
fn a_list_that_is_moved_within_serves_the_next_one() {
    scene(
        r#"
        a! BLMOVE k k LEFT RIGHT 0
        b! BLPOP k 0
        d> RPUSH k 1 2
        (integer) 2
        a<
        "1"
        b<
        1) "k"
        2) "2"
        d> LRANGE k 0 -1
        1) "1"
        "#,
    );
}

#[test]
fn a_destination_of_another_type_is_an_error_when_the_element_comes() {
    scene(
        r#"
        a! BLMOVE k other LEFT LEFT 0
        d> SET other text
        OK
        .
        1
        d> RPUSH k 1
        (integer) 1
        a<
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        d> LRANGE k 0 -1
        1) "1"
        "#,
    );
}

#[test]
fn a_time_that_is_over_is_answered_with_nothing() {
    scene(
        r#"
        a> BLPOP k 0.01
        (nil)
        a> BLMOVE k l LEFT LEFT 0.01
        (nil)
        a> BLPOP k -1
        (error) ERR timeout is negative
        a> BLPOP k x
        (error) ERR timeout is not a float or out of range
        a> BLPOP k 1e20
        (error) ERR timeout is out of range
        a> RPUSH k 1
        (integer) 1
        a> BLPOP k 0.01
        1) "k"
        2) "1"
        "#,
    );
}

#[test]
fn nothing_waits_inside_a_transaction() {
    scene(
        r#"
        a> MULTI
        OK
        a> BLPOP k 0
        QUEUED
        a> BLMOVE k l LEFT LEFT 0
        QUEUED
        a> EXEC
        1) (nil)
        2) (nil)
        "#,
    );
}

#[test]
fn renaming_and_swapping_bring_keys_too() {
    scene(
        r#"
        a! BLPOP k 0
        d> RPUSH other 1
        (integer) 1
        d> RENAME other k
        OK
        a<
        1) "k"
        2) "1"
        a! BLPOP k 0
        d> SELECT 1
        OK
        d> RPUSH k 2
        (integer) 1
        d> SWAPDB 0 1
        OK
        a<
        1) "k"
        2) "2"
        d> SELECT 0
        OK
        a! BLPOP k 0
        d> RPUSH from 3
        (integer) 1
        d> COPY from k
        (integer) 1
        a<
        1) "k"
        2) "3"
        "#,
    );
}

#[test]
fn a_wait_may_be_ended_from_outside() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut stage = Stage::new(&server, false);
        for (how, expected) in [
            ("TIMEOUT", "(nil)"),
            (
                "ERROR",
                "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK",
            ),
        ] {
            let id = stage.client("a").line("CLIENT ID").to_string();
            let id = id.trim_start_matches("(integer) ");
            stage.client("a").send(&words::split("BLPOP k 0"));
            stage.until_blocked(1);
            let reply = stage.control.line(&format!("CLIENT UNBLOCK {id} {how}"));
            assert_eq!(reply.to_string(), "(integer) 1");
            assert_eq!(stage.client("a").reply().to_string(), expected, "{kind:?}");
            stage.control.line("RPUSH k 1");
            assert_eq!(stage.control.line("LLEN k").to_string(), "(integer) 1");
            stage.control.line("DEL k");
        }
    }
}

#[test]
fn who_hangs_up_gets_nothing() {
    let server = Server::keytag(&[]);
    let mut stage = Stage::new(&server, false);
    for name in ["a", "b"] {
        let before = stage.blocked();
        stage.client(name).send(&words::split("BLPOP k other 0"));
        stage.until_blocked(before + 1);
    }
    stage.clients.remove("a");
    stage.until_blocked(1);
    stage.control.line("RPUSH k 1");
    assert_eq!(
        stage.client("b").reply().to_string(),
        "1) \"k\"\n2) \"1\"",
        "the one who is still there is served"
    );
    assert_eq!(stage.control.info_number("total_blocking_keys"), 0);
}

/// Elements pass through chains of waiting clients on all threads; each arrives once.
#[test]
fn no_element_is_lost_or_served_twice() {
    const WORKERS: usize = 16;
    const ELEMENTS: usize = 4_000;
    let server = Server::keytag(&["--io-threads", "4"]);
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let mut client = server.connect().with_patience(Duration::from_secs(60));
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                loop {
                    // Half of them wait for several keys, the others pass on what they get.
                    let command = if worker % 2 == 0 {
                        format!("BLPOP done:{} done:{} stop 0", worker % 4, (worker + 2) % 4)
                    } else {
                        format!(
                            "BLMOVE todo:{} done:{} LEFT RIGHT 0.2",
                            worker % 3,
                            worker % 4 / 2 * 2
                        )
                    };
                    let reply = client.line(&command).to_string();
                    if reply.contains("stop") {
                        return seen;
                    }
                    if worker % 2 == 0 {
                        let element = reply.lines().last().unwrap_or_default();
                        seen.push(element.trim_start_matches("2) ").to_owned());
                    } else if reply == "(nil)"
                        && client.line("EXISTS stop").to_string() != "(integer) 0"
                    {
                        return seen;
                    }
                }
            })
        })
        .collect();
    let mut producer = server.connect();
    for element in 0..ELEMENTS {
        producer.line(&format!("RPUSH todo:{} {element}", element % 3));
    }
    let began = Instant::now();
    while producer
        .line("EXISTS todo:0 todo:1 todo:2 done:0 done:2")
        .to_string()
        != "(integer) 0"
    {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "elements are left"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    // One for each that waits, and one that stays for the others to see.
    for _ in 0..=WORKERS {
        producer.line("RPUSH stop 1");
    }
    let mut seen: Vec<usize> = workers
        .into_iter()
        .flat_map(|worker| worker.join().expect("no worker panics"))
        .map(|element| element.trim_matches('"').parse().expect("a number"))
        .collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..ELEMENTS));
}

#[test]
fn members_are_popped_from_either_end_when_they_come() {
    scene(
        r#"
        a! BZPOPMIN x z 0
        b! BZPOPMAX z 0
        c! BZMPOP 0 2 x z MIN COUNT 2
        d! BZPOPMIN z 0
        e> ZADD z 1 one 2 two 3 three 4 four
        (integer) 4
        a<
        1) "z"
        2) "one"
        3) "1"
        b<
        1) "z"
        2) "four"
        3) "4"
        c<
        1) "z"
        2) 1) 1) "two"
        2) "2"
        2) 1) "three"
        2) "3"
        .
        1
        e> GEOADD z 0 0 place
        (integer) 1
        d<
        1) "z"
        2) "place"
        3) "3377699720527872"
        e> EXISTS z
        (integer) 0
        "#,
    );
}

#[test]
fn what_is_stored_or_renamed_wakes_who_waits_for_members() {
    scene(
        r#"
        a! BZPOPMIN d 0
        b! BZPOPMIN d 0
        c! BZPOPMIN d 0
        e> ZADD z 1 one
        (integer) 1
        e> ZUNIONSTORE d 1 z
        (integer) 1
        a<
        1) "d"
        2) "one"
        3) "1"
        e> RPUSH d 1
        (integer) 1
        .
        2
        e> COPY z d REPLACE
        (integer) 1
        b<
        1) "d"
        2) "one"
        3) "1"
        e> RENAME z d
        OK
        c<
        1) "d"
        2) "one"
        3) "1"
        "#,
    );
}

#[test]
fn a_list_that_takes_the_place_of_another_value_serves_nobody() {
    scene(
        "
        a! BLPOP b 0
        c> SET b x
        OK
        c> RPUSH l 1 2
        (integer) 2
        c> SORT l STORE b
        (integer) 2
        c> RPUSH b 3
        (integer) 3
        .
        1
        c> RENAME b other
        OK
        c> RENAME other b
        OK
        a<
        1) \"b\"
        2) \"1\"
        c> LRANGE b 0 -1
        1) \"2\"
        2) \"3\"
        ",
    );
}
