//! Users made by chance: Redis and Keytag say the same of them, and let them do the same.

use fastrand::Rng;

use crate::support::{self, Client, Kind, Reply, Server};

const USERS: &[&str] = &["u", "v", "default"];

const WHOLE: &[&str] = &[
    "on",
    "off",
    "OFF",
    "nopass",
    "resetpass",
    "reset",
    "clearselectors",
    "sanitize-payload",
    "skip-sanitize-payload",
    "allkeys",
    "resetkeys",
    "allchannels",
    "resetchannels",
    "allcommands",
    "nocommands",
    "+@all",
    "-@all",
    "~*",
    "&*",
    "+@ALL",
    "()",
    ")",
    "",
    "nosuch",
    "%RX~a",
    "%RR~a",
    "!abc",
    "#abc",
    "+@nosuch",
    "-nosuch",
    "~a b",
    "&a\tb",
    "+config|",
    "+select|",
    "-select|0",
    "+client|id|x",
    "(on)",
    "(~* ~a)",
    "+",
    "-",
    "~",
    "&",
];

const PATTERNS: &[&str] = &["a", "b", "k*", "?", "[ab]", "*a", "**", "k\\*", "", "A"];

const KEYS: &[&str] = &["a", "b", "k1", "k*", "ba", "A", "", "0", "1"];

const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "SortedSet",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// A rule, one in a few of them none.
fn rule(rng: &mut Rng, commands: &[Vec<String>]) -> String {
    let pick = |rng: &mut Rng, words: &[&str]| words[rng.usize(..words.len())].to_owned();
    match rng.usize(..16) {
        0..3 => pick(rng, WHOLE),
        3 => format!("{}{}", pick(rng, &[">", "<"]), pick(rng, &["p", "q", ""])),
        4..7 => {
            let sign = pick(rng, &["~", "%R~", "%W~", "%rw~", "%WR~", "%R", "~"]);
            format!("{sign}{}", pick(rng, PATTERNS)).replace("%Rk", "%Rw~k")
        }
        7 => format!("&{}", pick(rng, PATTERNS)),
        8..11 => format!("{}@{}", pick(rng, &["+", "-"]), pick(rng, CATEGORIES)),
        11 => {
            let command = &commands[rng.usize(..commands.len())][0];
            format!("+{command}|{}", pick(rng, &["a", "b", "get", "HELP", "0"]))
        }
        12 => {
            let inner: Vec<String> = (0..rng.usize(..4)).map(|_| rule(rng, commands)).collect();
            format!("({})", inner.join(" "))
        }
        13 => pick(rng, &["(", "(+get", "~a)", "+get)"]),
        _ => {
            let command = commands[rng.usize(..commands.len())].join("|");
            let sign = pick(rng, &["+", "-"]);
            format!(
                "{sign}{}",
                if rng.bool() {
                    command.to_uppercase()
                } else {
                    command
                }
            )
        }
    }
}

/// A request of a command, right or wrong, as words for `ACL DRYRUN`.
fn request(rng: &mut Rng, command: &[String], arity: i64) -> Vec<String> {
    let mut words = command.to_vec();
    let least = usize::try_from(arity.abs()).expect("small");
    let more = if arity < 0 || rng.u8(..20) == 0 {
        rng.usize(..4)
    } else {
        0
    };
    while words.len() < least + more {
        words.push(KEYS[rng.usize(..KEYS.len())].to_owned());
    }
    words
}

/// The commands and subcommands that both servers have, each with its arity.
fn common_commands(clients: &mut [Client; 2]) -> Vec<(Vec<String>, i64)> {
    let [ours, theirs] = clients.each_mut().map(|client| {
        let list = client.line("COMMAND LIST");
        list.items().iter().map(Reply::text).collect::<Vec<_>>()
    });
    let common = ours.into_iter().filter(|name| theirs.contains(name));
    common
        .map(|name| {
            let info = clients[1].call(&["COMMAND", "INFO", &name]);
            let arity = info.items()[0].items()[1].integer();
            (name.split('|').map(str::to_owned).collect(), arity)
        })
        .collect()
}

fn both(clients: &mut [Client; 2], words: &[String]) -> Reply {
    let [ours, theirs] = clients.each_mut().map(|client| client.call(words));
    assert_eq!(ours, theirs, "{words:?}");
    ours
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn users_made_by_chance_are_the_same_in_redis() {
    let mut rng = Rng::with_seed(support::seed());
    let servers = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, &[]));
    let mut clients = [&servers[0], &servers[1]].map(Server::connect);
    // Whoever asks must not be what is asked about.
    for client in &mut clients {
        assert_eq!(
            client
                .line("ACL SETUSER root on nopass +@all ~* &*")
                .to_string(),
            "OK"
        );
        assert_eq!(client.line("AUTH root x").to_string(), "OK");
    }
    let commands = common_commands(&mut clients);
    let names: Vec<Vec<String>> = commands.iter().map(|(name, _)| name.clone()).collect();
    let rounds = if support::is_full_run() { 20_000 } else { 700 };
    let mut refused = 0;
    for _ in 0..rounds {
        let user = USERS[rng.usize(..USERS.len())];
        let mut setuser = words(["ACL", "SETUSER", user]);
        // Few at once, so that most are taken as a whole.
        setuser.extend((0..1 + rng.usize(..3)).map(|_| rule(&mut rng, &names)));
        refused += usize::from(both(&mut clients, &setuser).is_error());
        both(&mut clients, &words(["ACL", "GETUSER", user]));
        both(&mut clients, &words(["ACL", "LIST"]));
        for _ in 0..8 {
            let (command, arity) = &commands[rng.usize(..commands.len())];
            let mut dryrun = words(["ACL", "DRYRUN", user]);
            dryrun.extend(request(&mut rng, command, *arity));
            both(&mut clients, &dryrun);
        }
        for password in ["p", ""] {
            both(&mut clients, &words(["AUTH", user, password]));
            both(&mut clients, &words(["AUTH", "root", "x"]));
        }
        if rng.u8(..20) == 0 {
            both(&mut clients, &words(["ACL", "SETUSER", user, "reset"]));
        }
    }
    assert!(
        refused > rounds / 20 && refused < rounds / 2,
        "{refused} of {rounds}"
    );
}
