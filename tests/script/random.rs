//! Calls of `cjson`, `cmsgpack`, `struct`, `bit`, `string.format` and `tonumber` made by chance: Redis and Keytag give
//! the same values and the same errors.

use fastrand::Rng;

use super::without_addresses;
use crate::support::{self, Kind, Server, words};

/// Shows a value with the types and the order of what is in it.
const SHOW: &str = "local function show(v, d) local t = type(v) \
    if t == 'table' then if d > 6 then return '..' end local o = {} \
    for k, x in pairs(v) do o[#o + 1] = '[' .. type(k) .. tostring(k) .. ']=' .. show(x, d + 1) end \
    return '{' .. table.concat(o, ',') .. '}' elseif t == 'userdata' then return 'null' \
    elseif t == 'number' then return string.format('%.17g', v) else return t .. tostring(v) end end ";

/// Letters of `struct`, and what is none of them.
const FORMATS: &[char] = &[
    'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I', 'f', 'd', 'x', 's', 'c', ' ', '<', '>', '!', '0',
    '1', '3', '4', '9', 'n',
];
/// What `struct.pack` is given.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "255",
    "256",
    "65535",
    "-32768",
    "2147483648",
    "4294967301",
    "-1099511627776",
    "1.5",
    "-2.7",
    "'abc'",
    "''",
];
/// Functions of `bit`.
const BITS: &[&str] = &[
    "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tobit", "bnot", "bswap",
    "tohex",
];
/// Numbers, as a script writes them.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.5",
    "-0.5",
    "1.5",
    "31",
    "32",
    "33",
    "-8",
    "100",
    "2147483648",
    "-1099511627776",
    "1e300",
    "-1e15",
    "4611686018427387904",
    "5e18",
    "123456.789",
    "1e17",
    "1e21",
    "5e-324",
    "1.7976931348623157e308",
    "-0",
];
/// What `tonumber` is given.
const TEXTS: &[&str] = &[
    "1",
    "0x1F",
    "1e5",
    " 12 ",
    "1e",
    "0x",
    "-0",
    ".5",
    "5.",
    "1_0",
    "1e400",
    "0b1",
    "1 2",
    "",
    "  ",
    "+5",
    "--5",
    "999999999999999999999999999999",
];
/// What stands before the letter of `string.format`.
const WIDTHS: &[&str] = &[
    "", "-", "+", " ", "0", "#", "5", "-8", "08", ".3", "5.2", ".0", "+.4",
];
/// Its letters.
const KINDS: &[&str] = &[
    "d", "i", "o", "x", "X", "e", "E", "f", "g", "G", "u", "c", "q", "s",
];

/// How many rounds of calls there are; a full run takes another seed each time.
const ROUNDS: usize = 300;
const FULL_ROUNDS: usize = 30_000;
/// Calls that are sent before the replies are read.
const BATCH: usize = 200;

fn one_of<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

fn json(rng: &mut Rng, depth: usize) -> String {
    const SCALARS: &[&str] = &[
        "0",
        "1",
        "-1",
        "1.5",
        "1e300",
        "-1e-300",
        "1e15",
        "123456789012345678",
        "0.1",
        "1e14",
        "99999999999999",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "\"é\"",
        "\"\\u0000x\"",
        "\"\\ud83d\\ude00\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "3.0",
    ];
    const KEYS: &[&str] = &["a", "b", "1", "2", "10", "x y", "é", ""];
    let count = rng.usize(..5);
    match rng.usize(..20) {
        0..5 if depth < 4 => {
            let elements: Vec<String> = (0..count).map(|_| json(rng, depth + 1)).collect();
            format!("[{}]", elements.join(", "))
        }
        5..9 if depth < 4 => {
            let mut field = || format!("\"{}\": {}", one_of(rng, KEYS), json(rng, depth + 1));
            let fields: Vec<String> = (0..count).map(|_| field()).collect();
            format!("{{{}}}", fields.join(", "))
        }
        9 => format!("{:e}", (rng.f64() - 0.5) * 10f64.powi(rng.i32(-20..20))),
        _ => one_of(rng, SCALARS).to_owned(),
    }
}

/// Changes, removes and adds some characters.
fn damaged(rng: &mut Rng, text: &str) -> String {
    const STRAY: &[char] = &[
        '[', ']', '{', '}', ',', ':', '"', '\\', '0', '9', 'e', 'E', '+', '-', '.', 't', 'f', 'n',
        ' ', 'u', 'x', 'I', 'N', 'a', '/', '\n', '\u{1}',
    ];
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(..4) {
        let (at, stray) = (rng.usize(..=text.len()), STRAY[rng.usize(..STRAY.len())]);
        match rng.usize(..3) {
            0 if at < text.len() => text[at] = stray,
            1 if at < text.len() => drop(text.remove(at)),
            _ => text.insert(at, stray),
        }
    }
    text.into_iter().collect()
}

fn packed(rng: &mut Rng) -> Vec<u8> {
    let mut byte = || match rng.usize(..6) {
        0 => rng.u8(..),
        1 => rng.u8(..16),
        2 => 0x80 + rng.u8(..4),
        3 => 0x90 + rng.u8(..4),
        4 => 0xa0 + rng.u8(..6),
        _ => 0xc0 + rng.u8(..32),
    };
    let bytes: Vec<u8> = (0..13).map(|_| byte()).collect();
    bytes[..rng.usize(..13)].to_vec()
}

/// The script and the words of a call.
type Call = (String, Vec<Vec<u8>>);

/// One call of each kind.
fn round(rng: &mut Rng) -> Vec<Call> {
    let mut text = json(rng, 0);
    if rng.bool() {
        text = damaged(rng, &text);
    }
    let (text, packed) = (text.into_bytes(), packed(rng));
    let format: String = (0..rng.usize(..7))
        .map(|_| FORMATS[rng.usize(..FORMATS.len())])
        .collect();
    let format = format.into_bytes();
    let data: Vec<u8> = (0..rng.usize(..25)).map(|_| rng.u8(..)).collect();
    let values: String = (0..rng.usize(..6))
        .map(|_| format!(", {}", one_of(rng, VALUES)))
        .collect();
    let (first, second) = (
        one_of(rng, NUMBERS).to_owned(),
        one_of(rng, NUMBERS).to_owned(),
    );
    let [start, limit] = [rng.i32(-1..14), rng.i32(-1..6)].map(|it| it.to_string().into_bytes());
    let shown = |call: &str| format!("{SHOW} return show({{{call}}}, 0)");
    let bits = format!("return bit.{}({first}, {second})", one_of(rng, BITS));
    let printed = format!(
        "return string.format('%{}{}', {first})",
        one_of(rng, WIDTHS),
        one_of(rng, KINDS)
    );
    let passed = format!("redis.call('SET', 'k', {first}) return redis.call('GET', 'k')");
    vec![
        (shown("cjson.decode(ARGV[1])"), vec![text.clone()]),
        (
            "return cjson.encode(cjson.decode(ARGV[1]))".to_owned(),
            vec![text.clone()],
        ),
        (
            "return cmsgpack.pack(cjson.decode(ARGV[1]))".to_owned(),
            vec![text],
        ),
        (shown("cmsgpack.unpack(ARGV[1])"), vec![packed.clone()]),
        (
            shown("cmsgpack.unpack_one(ARGV[1], tonumber(ARGV[2]))"),
            vec![packed.clone(), start.clone()],
        ),
        (
            shown("cmsgpack.unpack_limit(ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))"),
            vec![packed, limit, start],
        ),
        (
            format!("return struct.pack(ARGV[1]{values})"),
            vec![format.clone()],
        ),
        (
            "return struct.size(ARGV[1])".to_owned(),
            vec![format.clone()],
        ),
        (shown("struct.unpack(ARGV[1], ARGV[2])"), vec![format, data]),
        (bits, vec![]),
        (printed, vec![]),
        (passed, vec![]),
        (format!("return {first}"), vec![]),
        (shown("tonumber(ARGV[1])"), vec![one_of(rng, TEXTS).into()]),
    ]
}

#[test]
fn libraries_give_what_they_give_in_redis() {
    let (seed, rounds) = match support::is_full_run() {
        true => (support::seed(), FULL_ROUNDS),
        false => (support::setting("KEYTAG_SEED", 1), ROUNDS),
    };
    let mut rng = Rng::with_seed(seed);
    let mut pair = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let client = server.connect();
        (server, client)
    });
    let mut done = 0;
    while done < rounds {
        let calls: Vec<Call> = (0..BATCH / 14).flat_map(|_| round(&mut rng)).collect();
        done += BATCH / 14;
        let mut requests = Vec::new();
        for (script, words) in &calls {
            let mut request: Vec<&[u8]> = vec![b"EVAL", script.as_bytes(), b"0"];
            request.extend(words.iter().map(Vec::as_slice));
            requests.extend(words::encode(&request));
        }
        let [ours, theirs] = pair.each_mut().map(|(_, client)| {
            client.send_raw(&requests);
            let replies = calls.iter().map(|_| without_addresses(&client.receive()));
            replies.collect::<Vec<_>>()
        });
        for ((script, words), (ours, theirs)) in calls.iter().zip(ours.into_iter().zip(theirs)) {
            // Tables that are keys stand in the order of their addresses.
            if theirs.contains("[tabletable") {
                continue;
            }
            let words: Vec<_> = words
                .iter()
                .map(|word| word.escape_ascii().to_string())
                .collect();
            assert_eq!(ours, theirs, "{script} {words:?}");
        }
    }
}
