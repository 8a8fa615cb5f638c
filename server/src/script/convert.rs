//! Values of Lua as replies, as Redis converts them (`script_lua.c`).

pub use lua::IS_COUNTED;
use mlua::{Table, Value};
use protocol::{Encoder, Version};

/// Nested deeper than this, a reply is cut off.
const MOST_DEPTH: usize = 100;

/// Errors in a reply.
#[derive(Debug, Default)]
pub struct Failures {
    /// Whether there is one.
    pub is_any: bool,
    /// Texts of those that are not in the statistics yet.
    pub uncounted: Vec<Vec<u8>>,
}

impl Failures {
    fn write(&mut self, text: Vec<u8>, is_counted: bool, out: &mut Encoder<'_>) {
        self.is_any = true;
        out.error(&text);
        if !is_counted {
            self.uncounted.push(text);
        }
    }
}

/// Writes a Lua value as a reply and gives the errors in it. Booleans depend on what the script has asked for with
/// `redis.setresp`.
pub fn write(value: &Value, script_version: Version, out: &mut Encoder<'_>) -> Failures {
    let mut writer = Writer {
        script_version,
        failures: Failures::default(),
    };
    writer.value(value, out, 0);
    writer.failures
}

/// The whole number that C takes a double for: the lowest one for what is too large, or no number.
pub fn integer(number: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    match number {
        number if (-END..END).contains(&number) => number as i64,
        _ => i64::MIN,
    }
}

/// The same without a sign, as compilers do it on x86: what is beyond 2^64 is nothing.
pub fn unsigned(number: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    match number >= HALF {
        true => integer(number - HALF).cast_unsigned() ^ (1 << 63),
        false => integer(number).cast_unsigned(),
    }
}

struct Writer {
    script_version: Version,
    failures: Failures,
}

impl Writer {
    fn value(&mut self, value: &Value, out: &mut Encoder<'_>, depth: usize) {
        if depth >= MOST_DEPTH {
            let text = b"ERR reached lua stack limit".to_vec();
            return self.failures.write(text, false, out);
        }
        match value {
            Value::String(text) => out.bulk(&text.as_bytes()),
            Value::Boolean(is_true) if self.script_version == Version::Resp3 => {
                out.boolean(*is_true);
            }
            Value::Boolean(true) => out.integer(1),
            Value::Integer(number) => out.integer(*number),
            Value::Number(number) => out.integer(integer(*number)),
            Value::Table(table) => self.table(table, out, depth),
            _ => out.nil(),
        }
    }

    fn table(&mut self, table: &Table, out: &mut Encoder<'_>, depth: usize) {
        let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
        if let Value::String(text) = field("err") {
            let text = one_line(&text.as_bytes());
            return self.failures.write(text, is_counted(table), out);
        }
        if let Value::String(text) = field("ok") {
            return out.simple(one_line(&text.as_bytes()));
        }
        if let Value::Number(double) = number(&field("double")) {
            return out.double(double);
        }
        if let Value::Table(map) = field("map") {
            return self.map(&map, out, depth);
        }
        if let Value::Table(set) = field("set") {
            return self.set(&set, out, depth);
        }
        if let Value::String(digits) = field("big_number") {
            return out.big_number(&one_line_text(&digits.as_bytes()));
        }
        if let Value::Table(verbatim) = field("verbatim_string")
            && let (Ok(Value::String(format)), Ok(Value::String(text))) =
                (verbatim.raw_get("format"), verbatim.raw_get("string"))
        {
            return out.verbatim(&format.to_string_lossy(), &text.as_bytes());
        }
        self.array(table, out, depth);
    }

    fn array(&mut self, table: &Table, out: &mut Encoder<'_>, depth: usize) {
        let start = out.mark();
        let mut count = 0;
        loop {
            let element = table.raw_get::<Value>(count + 1).unwrap_or(Value::Nil);
            if element.is_nil() {
                break;
            }
            self.value(&element, out, depth + 1);
            count += 1;
        }
        out.array_at(start, count);
    }

    fn map(&mut self, map: &Table, out: &mut Encoder<'_>, depth: usize) {
        let start = out.mark();
        let mut count = 0;
        for (key, value) in map.pairs::<Value, Value>().flatten() {
            self.value(&key, out, depth + 1);
            self.value(&value, out, depth + 1);
            count += 1;
        }
        out.map_at(start, count);
    }

    fn set(&mut self, set: &Table, out: &mut Encoder<'_>, depth: usize) {
        let start = out.mark();
        let mut count = 0;
        for (member, _) in set.pairs::<Value, Value>().flatten() {
            self.value(&member, out, depth + 1);
            count += 1;
        }
        out.set_at(start, count);
    }
}

/// Whether the statistics have an error already that a script was given as a table.
pub fn is_counted(error: &Table) -> bool {
    matches!(error.raw_get(IS_COUNTED), Ok(Value::Boolean(true)))
}

fn number(value: &Value) -> Value {
    match value {
        Value::Integer(number) => Value::Number(*number as f64),
        other => other.clone(),
    }
}

/// The text of an error reply: the first word is its code, so a script's own `-` before it is dropped.
pub fn error_text(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    one_line(text)
}

/// A status or error is one line: line ends become spaces.
pub fn one_line(text: &[u8]) -> Vec<u8> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut text = text.to_vec();
    while text.last().is_some_and(is_end) {
        text.pop();
    }
    text.iter_mut()
        .filter(|byte| is_end(byte))
        .for_each(|byte| *byte = b' ');
    text
}

fn one_line_text(text: &[u8]) -> String {
    String::from_utf8_lossy(&one_line(text)).into_owned()
}
