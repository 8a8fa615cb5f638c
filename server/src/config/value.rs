//! What an option may hold, how it is read from text, and how it is printed.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::types::{KeyspaceEvents, OutputLimit, OutputLimits, Primary, SavePoint};

/// Why a text is no value of an option, in Redis' words.
pub type Refusal = Cow<'static, str>;

/// The words of an option, each with the number it is kept as.
pub type Words = &'static [(&'static str, i64)];

/// What an option may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// A whole number within bounds, both included.
    Integer { min: i64, max: i64 },
    /// A mode in octal digits, at most `max`.
    Octal { max: i64 },
    /// Bytes, with an optional unit, within bounds.
    Memory { min: u64, max: u64 },
    /// Bytes, or a share of `maxmemory`.
    MemoryOrPercent,
    /// One of some words.
    Words(Words),
    /// Several of some words, each standing for a bit.
    WordSet(Words),
    /// Text up to its first NUL byte, if the check agrees.
    Text(fn(&[u8]) -> Result<(), Refusal>),
    /// Any bytes, if the check agrees.
    Bytes(fn(&[u8]) -> Result<(), Refusal>),
    /// The working directory: setting it goes there.
    Directory,
    /// Characters that stand for event classes.
    KeyspaceEvents,
    /// Pairs of seconds and changes.
    SavePoints,
    /// Class, hard bytes, soft bytes, seconds; for each class.
    OutputLimits,
    /// Addresses to listen on, at most 16.
    Addresses,
    /// Three scores from -2000 to 2000.
    OomScores,
    /// Percentiles from 0 to 100.
    Percentiles,
    /// Host and port, or `no one`.
    Primary,
}

impl Kind {
    /// Whether a line of the file may give several arguments.
    pub fn takes_several(self) -> bool {
        matches!(
            self,
            Self::WordSet(_)
                | Self::SavePoints
                | Self::OutputLimits
                | Self::Addresses
                | Self::OomScores
                | Self::Percentiles
                | Self::Primary
        )
    }
}

/// What an option holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Everything that fits one: whole numbers, sizes, truth (0, 1), words, flags.
    Number(i64),
    /// Text.
    Text(Vec<u8>),
    /// See [`Kind::SavePoints`].
    SavePoints(Vec<SavePoint>),
    /// See [`Kind::OutputLimits`].
    OutputLimits(OutputLimits),
    /// See [`Kind::Addresses`].
    Addresses(Vec<Vec<u8>>),
    /// See [`Kind::OomScores`].
    OomScores([i32; 3]),
    /// See [`Kind::Percentiles`].
    Percentiles(Vec<f64>),
    /// See [`Kind::Primary`].
    Primary(Option<Primary>),
}

impl Kind {
    /// Reads a value from its arguments; `old` is what the option holds now, of which some
    /// arguments change only a part.
    ///
    /// A [`Kind::Directory`] is not entered here: the text is only taken over.
    ///
    /// # Errors
    /// The reason, in Redis' words.
    pub fn parse(self, arguments: &[&[u8]], old: &Value) -> Result<Value, Refusal> {
        match self {
            Self::WordSet(words) => parse_word_set(words, arguments).map(Value::Number),
            Self::SavePoints => parse_save_points(arguments).map(Value::SavePoints),
            Self::OutputLimits => parse_output_limits(arguments, old).map(Value::OutputLimits),
            Self::Addresses => parse_addresses(arguments).map(Value::Addresses),
            Self::OomScores => parse_oom_scores(arguments).map(Value::OomScores),
            Self::Percentiles => parse_percentiles(arguments).map(Value::Percentiles),
            Self::Primary => parse_primary(arguments).map(Value::Primary),
            _ => match arguments {
                [argument] => self.parse_one(argument),
                _ => Err(WRONG_NUMBER_OF_ARGUMENTS.into()),
            },
        }
    }

    fn parse_one(self, argument: &[u8]) -> Result<Value, Refusal> {
        let text = until_nul(argument);
        Ok(match self {
            Self::YesNo => Value::Number(parse_yes_no(text)?),
            Self::Integer { min, max } => Value::Number(parse_integer(argument, min, max)?),
            Self::Octal { max } => Value::Number(parse_octal(text, max)?),
            Self::Memory { min, max } => Value::Number(parse_memory(text, min, max)?),
            Self::MemoryOrPercent => Value::Number(parse_memory_or_percent(text)?),
            Self::Words(words) => Value::Number(parse_word(words, text)?),
            Self::KeyspaceEvents => Value::Number(parse_keyspace_events(text)?),
            Self::Text(check) => {
                check(text)?;
                Value::Text(text.to_vec())
            }
            Self::Bytes(check) => {
                check(argument)?;
                Value::Text(argument.to_vec())
            }
            _ => Value::Text(text.to_vec()),
        })
    }

    /// The value as `CONFIG GET` prints it. Every value of [`Self::parse`] reads back to itself.
    pub fn print(self, value: &Value) -> Vec<u8> {
        match value {
            Value::Number(number) => self.print_number(*number).into_bytes(),
            Value::Text(text) => text.clone(),
            Value::SavePoints(points) => join(points.iter().map(print_save_point)).into_bytes(),
            Value::OutputLimits(limits) => join(
                limits
                    .by_class()
                    .map(|(class, limit)| print_output_limit(class, limit)),
            )
            .into_bytes(),
            Value::Addresses(addresses) => addresses.join(&b' '),
            Value::OomScores(scores) => join(scores.iter()).into_bytes(),
            Value::Percentiles(percentiles) => join(
                percentiles
                    .iter()
                    .map(|percentile| print_percentile(*percentile)),
            )
            .into_bytes(),
            Value::Primary(None) => Vec::new(),
            Value::Primary(Some(primary)) => {
                format!("{} {}", primary.host, primary.port).into_bytes()
            }
        }
    }

    fn print_number(self, number: i64) -> String {
        match self {
            Self::YesNo => if number == 0 { "no" } else { "yes" }.to_owned(),
            Self::Octal { .. } => format!("{number:o}"),
            Self::Memory { .. } => number.cast_unsigned().to_string(),
            Self::MemoryOrPercent if number < 0 => format!("{}%", number.unsigned_abs()),
            Self::Words(words) => print_word(words, number).to_owned(),
            Self::WordSet(words) => print_word_set(words, number),
            Self::KeyspaceEvents => print_keyspace_events(number),
            _ => number.to_string(),
        }
    }
}

const WRONG_NUMBER_OF_ARGUMENTS: &str = "wrong number of arguments";

/// What a C string made of these bytes would be.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// No argument, or the one empty argument that stands for none.
fn are_blank(arguments: &[&[u8]]) -> bool {
    match arguments {
        [] => true,
        [only] => until_nul(only).is_empty(),
        _ => false,
    }
}

fn join(parts: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let mut text = String::new();
    for part in parts {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{part}");
    }
    text
}

fn parse_yes_no(text: &[u8]) -> Result<i64, Refusal> {
    if text.eq_ignore_ascii_case(b"yes") {
        Ok(1)
    } else if text.eq_ignore_ascii_case(b"no") {
        Ok(0)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn out_of_range(min: impl std::fmt::Display, max: impl std::fmt::Display) -> Refusal {
    format!("argument must be between {min} and {max} inclusive").into()
}

fn parse_integer(text: &[u8], min: i64, max: i64) -> Result<i64, Refusal> {
    let number =
        strict_integer(text).ok_or(Refusal::from("argument couldn't be parsed into an integer"))?;
    if number < min || number > max {
        return Err(out_of_range(min, max));
    }
    Ok(number)
}

/// The only spelling of a number: no plus, no leading zero, no space (`string2ll`, util.c).
fn strict_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_canonical = match digits {
        b"0" => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    if !is_canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_octal(text: &[u8], max: i64) -> Result<i64, Refusal> {
    // strtoll takes leading white space, a plus and the empty text (as 0).
    let (number, rest, is_overflow) = leading_integer(text, 8);
    if !rest.is_empty() || is_overflow {
        return Err("argument couldn't be parsed as an octal number".into());
    }
    if number < 0 || number > max {
        return Err(format!("argument must be between 0 and {max:o} inclusive").into());
    }
    Ok(number)
}

/// What C's `strtoll` reads: the number, the rest, and whether the number was cut to fit.
fn leading_integer(text: &[u8], radix: u32) -> (i64, &[u8], bool) {
    let trimmed = text.trim_ascii_start();
    let (is_negative, digits) = match trimmed {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, trimmed),
    };
    let length = digits
        .iter()
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let (digits, rest) = digits.split_at(length);
    if digits.is_empty() {
        return (0, text, false);
    }
    let mut number: Option<i64> = Some(0);
    for byte in digits {
        let digit = i64::from(char::from(*byte).to_digit(radix).unwrap_or(0));
        let digit = if is_negative { -digit } else { digit };
        number = number
            .and_then(|number| number.checked_mul(i64::from(radix)))
            .and_then(|number| number.checked_add(digit));
    }
    let limit = if is_negative { i64::MIN } else { i64::MAX };
    (number.unwrap_or(limit), rest, number.is_none())
}

fn parse_memory(text: &[u8], min: u64, max: u64) -> Result<i64, Refusal> {
    let bytes = memory(text).ok_or(Refusal::from("argument must be a memory value"))?;
    if bytes < min || bytes > max {
        return Err(out_of_range(min, max));
    }
    Ok(bytes.cast_signed())
}

/// Bytes with an optional unit: `k` is 1000, `kb` 1024, and so on to `gb`; letters of either case.
///
/// As in Redis (`memtoull`, util.c) no digits at all are 0, digits past 64 bits are the greatest
/// number, and a unit that overflows wraps around.
pub fn memory(text: &[u8]) -> Option<u64> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(length);
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    if digits.len() >= 128 {
        return None;
    }
    let number = digits.iter().fold(0u64, |number, byte| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(byte - b'0'))
    });
    Some(number.wrapping_mul(factor))
}

/// A share is kept as its negative, so that the two cannot be mistaken.
fn parse_memory_or_percent(text: &[u8]) -> Result<i64, Refusal> {
    const REFUSED: &str = "argument must be a memory or percent value";
    let number = match text.strip_suffix(b"%") {
        Some(digits) => {
            let (percent, rest, is_cut) = leading_integer(digits, 10);
            let is_percent = rest.is_empty() && !is_cut && percent >= 0 && !digits.is_empty();
            if !is_percent {
                return Err(REFUSED.into());
            }
            -percent
        }
        // Past 63 bits the number turns negative and is taken for a share, in Redis too.
        None => memory(text).ok_or(Refusal::from(REFUSED))?.cast_signed(),
    };
    if number < -100 {
        return Err("percentage argument must be less or equal to 100".into());
    }
    Ok(number)
}

fn word_refused(words: Words) -> Refusal {
    let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    format!(
        "argument(s) must be one of the following: {}",
        words.join(", ")
    )
    .into()
}

fn parse_word(words: Words, text: &[u8]) -> Result<i64, Refusal> {
    let found = words
        .iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word.as_bytes()));
    found
        .map(|(_, number)| *number)
        .ok_or_else(|| word_refused(words))
}

fn print_word(words: Words, number: i64) -> &'static str {
    words
        .iter()
        .find(|(_, of_word)| *of_word == number)
        .map_or("", |(word, _)| word)
}

fn parse_word_set(words: Words, arguments: &[&[u8]]) -> Result<i64, Refusal> {
    if arguments.is_empty() {
        return Err(word_refused(words));
    }
    let mut bits = 0;
    for argument in arguments {
        bits |= parse_word(words, until_nul(argument))?;
    }
    if let (Ok(save), Ok(nosave)) = (parse_word(words, b"save"), parse_word(words, b"nosave"))
        && bits & save != 0
        && bits & nosave != 0
    {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(bits)
}

fn print_word_set(words: Words, bits: i64) -> String {
    if bits == 0 {
        return print_word(words, 0).to_owned();
    }
    join(
        words
            .iter()
            .filter(|(_, bit)| bits & bit != 0)
            .map(|(word, _)| word),
    )
}

/// Each event class with its character, in the order Redis prints them.
const EVENT_CLASSES: [(u8, KeyspaceEvents); 11] = [
    (b'g', KeyspaceEvents::GENERIC),
    (b'$', KeyspaceEvents::STRING),
    (b'l', KeyspaceEvents::LIST),
    (b's', KeyspaceEvents::SET),
    (b'h', KeyspaceEvents::HASH),
    (b'z', KeyspaceEvents::ZSET),
    (b'x', KeyspaceEvents::EXPIRED),
    (b'e', KeyspaceEvents::EVICTED),
    (b't', KeyspaceEvents::STREAM),
    (b'd', KeyspaceEvents::MODULE),
    (b'n', KeyspaceEvents::NEW),
];

/// What is printed after the classes, also when those are all there.
const EVENT_CHANNELS: [(u8, KeyspaceEvents); 3] = [
    (b'K', KeyspaceEvents::KEYSPACE),
    (b'E', KeyspaceEvents::KEYEVENT),
    (b'm', KeyspaceEvents::KEY_MISS),
];

fn parse_keyspace_events(text: &[u8]) -> Result<i64, Refusal> {
    let mut events = KeyspaceEvents::empty();
    for &byte in text {
        let known = EVENT_CLASSES
            .iter()
            .chain(&EVENT_CHANNELS)
            .find(|(name, _)| *name == byte);
        events |= match known {
            Some((_, class)) => *class,
            None if byte == b'A' => KeyspaceEvents::ALL,
            None => return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
        };
    }
    Ok(i64::from(events.bits()))
}

fn print_keyspace_events(number: i64) -> String {
    let events = KeyspaceEvents::from_bits_truncate(number.cast_unsigned() as u32);
    let mut text = String::new();
    if events.contains(KeyspaceEvents::ALL) {
        // As in Redis, `n` is lost here.
        text.push('A');
    } else {
        push_classes(&mut text, &EVENT_CLASSES, events);
    }
    push_classes(&mut text, &EVENT_CHANNELS, events);
    text
}

fn push_classes(text: &mut String, classes: &[(u8, KeyspaceEvents)], events: KeyspaceEvents) {
    let present = classes.iter().filter(|(_, class)| events.contains(*class));
    text.extend(present.map(|(name, _)| char::from(*name)));
}

fn parse_save_points(arguments: &[&[u8]]) -> Result<Vec<SavePoint>, Refusal> {
    if are_blank(arguments) {
        return Ok(Vec::new());
    }
    let (pairs, []) = arguments.as_chunks::<2>() else {
        return Err("Invalid save parameters".into());
    };
    let points = pairs
        .iter()
        .map(|[seconds, changes]| save_point(seconds, changes));
    points
        .collect::<Option<_>>()
        .ok_or("Invalid save parameters".into())
}

fn save_point(seconds: &[u8], changes: &[u8]) -> Option<SavePoint> {
    let (seconds, []) = whole_integer(seconds) else {
        return None;
    };
    let (changes, []) = whole_integer(changes) else {
        return None;
    };
    // Redis keeps the changes in 32 bits and cuts what does not fit.
    let is_valid = seconds >= 1 && changes >= 0;
    is_valid.then_some(SavePoint {
        seconds,
        changes: changes as i32,
    })
}

fn whole_integer(text: &[u8]) -> (i64, &[u8]) {
    let (number, rest, _) = leading_integer(until_nul(text), 10);
    (number, rest)
}

fn print_save_point(point: &SavePoint) -> String {
    format!("{} {}", point.seconds, point.changes)
}

impl OutputLimits {
    /// The limits with the names of their classes, in the order they are printed.
    pub fn by_class(&self) -> impl Iterator<Item = (&'static str, OutputLimit)> {
        [
            ("normal", self.normal),
            ("slave", self.replica),
            ("pubsub", self.pubsub),
        ]
        .into_iter()
    }

    fn class_mut(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(&mut self.normal),
            b"slave" | b"replica" => Some(&mut self.replica),
            b"pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }
}

fn parse_output_limits(arguments: &[&[u8]], old: &Value) -> Result<OutputLimits, Refusal> {
    const NO_LIMIT: OutputLimit = OutputLimit {
        hard_bytes: 0,
        soft_bytes: 0,
        soft_seconds: 0,
    };
    let mut limits = match old {
        Value::OutputLimits(limits) => *limits,
        _ => OutputLimits {
            normal: NO_LIMIT,
            replica: NO_LIMIT,
            pubsub: NO_LIMIT,
        },
    };
    let (classes, []) = arguments.as_chunks::<4>() else {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    };
    for [class, hard, soft, seconds] in classes {
        let Some(limit) = limits.class_mut(until_nul(class)) else {
            return Err("Invalid client class specified in buffer limit configuration.".into());
        };
        *limit = output_limit(hard, soft, seconds).ok_or(Refusal::from(
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ))?;
    }
    Ok(limits)
}

fn output_limit(hard: &[u8], soft: &[u8], seconds: &[u8]) -> Option<OutputLimit> {
    let hard_bytes = memory(until_nul(hard))?;
    let soft_bytes = memory(until_nul(soft))?;
    let (seconds, []) = whole_integer(seconds) else {
        return None;
    };
    // 32 bits in Redis too; what does not fit is cut.
    let soft_seconds = seconds as i32;
    (soft_seconds >= 0).then_some(OutputLimit {
        hard_bytes,
        soft_bytes,
        soft_seconds,
    })
}

fn print_output_limit(class: &str, limit: OutputLimit) -> String {
    format!(
        "{class} {} {} {}",
        limit.hard_bytes, limit.soft_bytes, limit.soft_seconds
    )
}

const MAX_ADDRESSES: usize = 16;

fn parse_addresses(arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>, Refusal> {
    if arguments.len() > MAX_ADDRESSES {
        return Err("Too many bind addresses specified.".into());
    }
    if are_blank(arguments) {
        return Ok(Vec::new());
    }
    Ok(arguments
        .iter()
        .map(|address| until_nul(address).to_vec())
        .collect())
}

fn parse_oom_scores(arguments: &[&[u8]]) -> Result<[i32; 3], Refusal> {
    let [first, second, third] = arguments else {
        return Err(WRONG_NUMBER_OF_ARGUMENTS.into());
    };
    let mut scores = [0; 3];
    for (score, argument) in scores.iter_mut().zip([first, second, third]) {
        let (number, rest) = whole_integer(argument);
        if !rest.is_empty() || !(-2000..=2000).contains(&number) {
            return Err(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into(),
            );
        }
        *score = number as i32;
    }
    Ok(scores)
}

fn parse_percentiles(arguments: &[&[u8]]) -> Result<Vec<f64>, Refusal> {
    // Unlike elsewhere a NUL byte is no end here.
    if arguments == [b""] {
        return Ok(Vec::new());
    }
    arguments
        .iter()
        .map(|argument| percentile(argument))
        .collect()
}

fn percentile(argument: &[u8]) -> Result<f64, Refusal> {
    let text = std::str::from_utf8(argument).ok();
    let number: Option<f64> = text.and_then(|text| text.parse().ok());
    match number.filter(|number| !number.is_nan()) {
        None => Err("Invalid latency-tracking-info-percentiles parameters".into()),
        Some(number) if (0.0..=100.0).contains(&number) => Ok(number),
        Some(_) => Err(
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into(),
        ),
    }
}

/// Six digits after the point at most, and no zero at the end.
fn print_percentile(percentile: f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn parse_primary(arguments: &[&[u8]]) -> Result<Option<Primary>, Refusal> {
    let [host, port] = arguments else {
        return Err(WRONG_NUMBER_OF_ARGUMENTS.into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(None);
    }
    let (number, rest) = whole_integer(port);
    let port = u16::try_from(number).ok().filter(|_| rest.is_empty());
    let port = port.ok_or(Refusal::from("Invalid master port"))?;
    Ok(Some(Primary {
        host: String::from_utf8_lossy(until_nul(host)).into_owned(),
        port,
    }))
}

#[cfg(test)]
mod tests;
