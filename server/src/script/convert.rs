//! Between replies and Lua values, both ways, as Redis converts them (`script_lua.c`).

use mlua::{Lua, Result, Table, Value};
use protocol::{Encoder, Version};

/// Nested deeper than this, a reply is cut off.
const MOST_DEPTH: usize = 100;
/// The field of an error's table that says that the error has been counted.
pub const IS_COUNTED: &str = "ignore_error_stats_update";

/// The Lua value of a reply, as a script gets it from `redis.call`. An error becomes a table with the text in `err`.
///
/// `bytes` is one whole reply of this server's own encoder.
///
/// # Errors
/// If Lua has no memory.
pub fn to_lua(lua: &Lua, bytes: &[u8]) -> Result<Value> {
    Decoder { lua, rest: bytes }.value()
}

struct Decoder<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// The sign of the next line and what follows it.
    fn line(&mut self) -> (u8, &'a [u8]) {
        let end = self.rest.iter().position(|&byte| byte == b'\r');
        let end = end.unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        match line {
            [sign, text @ ..] => (*sign, text),
            [] => (b'_', line),
        }
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let bytes = self.rest.get(..length).unwrap_or_default();
        self.rest = self.rest.get(length + 2..).unwrap_or_default();
        bytes
    }

    fn string(&self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn value(&mut self) -> Result<Value> {
        let (sign, text) = self.line();
        let number = || protocol::number::parse_i64(text).unwrap_or(0);
        let count = usize::try_from(number());
        match (sign, count) {
            (b':', _) => Ok(Value::Number(number() as f64)),
            (b'+', _) => self.labelled("ok", text),
            (b'-', _) => self.labelled("err", text),
            // No value of RESP2 is `false`, that of RESP3 is `nil`.
            (b'$' | b'*', Err(_)) => Ok(Value::Boolean(false)),
            (b'$', Ok(length)) => {
                let bytes = self.bytes(length);
                self.string(bytes)
            }
            (b'*' | b'>', Ok(count)) => self.array(count).map(Value::Table),
            (b'%', Ok(count)) => {
                let map = self.lua.create_table()?;
                for _ in 0..count {
                    let (key, value) = (self.value()?, self.value()?);
                    map.raw_set(key, value)?;
                }
                self.wrapped("map", Value::Table(map))
            }
            (b'~', Ok(count)) => {
                let set = self.lua.create_table()?;
                for _ in 0..count {
                    set.raw_set(self.value()?, true)?;
                }
                self.wrapped("set", Value::Table(set))
            }
            (b'#', _) => Ok(Value::Boolean(text == b"t")),
            (b',', _) => {
                let double = protocol::number::parse_f64(text).unwrap_or(f64::NAN);
                self.wrapped("double", Value::Number(double))
            }
            (b'(', _) => self.labelled("big_number", text),
            (b'=', Ok(length)) => self.verbatim(length),
            _ => Ok(Value::Nil),
        }
    }

    fn array(&mut self, count: usize) -> Result<Table> {
        let array = self.lua.create_table_with_capacity(count.min(1 << 16), 0)?;
        for index in 1..=count {
            let value = self.value()?;
            array.raw_set(index, value)?;
        }
        Ok(array)
    }

    fn verbatim(&mut self, length: usize) -> Result<Value> {
        let bytes = self.bytes(length);
        let (format, text) = bytes.split_at(bytes.len().min(3));
        let inner = self.lua.create_table()?;
        inner.raw_set("format", self.string(format)?)?;
        inner.raw_set("string", self.string(text.get(1..).unwrap_or_default())?)?;
        self.wrapped("verbatim_string", Value::Table(inner))
    }

    fn labelled(&self, label: &str, text: &[u8]) -> Result<Value> {
        self.wrapped(label, self.string(text)?)
    }

    fn wrapped(&self, label: &str, value: Value) -> Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(label, value)?;
        if label == "err" {
            table.raw_set(IS_COUNTED, true)?;
        }
        Ok(Value::Table(table))
    }
}

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
            Value::Number(number) => out.integer(*number as i64),
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
