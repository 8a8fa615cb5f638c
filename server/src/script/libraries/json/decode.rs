//! JSON as Lua values.

use mlua::{Lua, Table, Value};

use super::super::Fault;
use super::{MOST_DEPTH, NULL, Settings};

type Checked<T> = std::result::Result<T, Fault>;

/// The value that a JSON text stands for.
pub fn decode(lua: &Lua, text: &[u8], settings: Settings) -> Checked<Value> {
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err(Fault::text("JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut decoder = Decoder {
        lua,
        text,
        at: 0,
        depth: 0,
        settings,
    };
    let first = decoder.token();
    let value = decoder.value(first)?;
    let (token, at) = decoder.token();
    match token {
        Token::End => Ok(value),
        other => Err(expected("the end", &other, at)),
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Text(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Error(what) => what,
        }
    }
}

fn expected(what: &str, found: &Token, at: usize) -> Fault {
    Fault::Text(format!(
        "Expected {what} but found {} at character {}",
        found.name(),
        at + 1
    ))
}

struct Decoder<'t> {
    lua: &'t Lua,
    text: &'t [u8],
    at: usize,
    depth: usize,
    settings: Settings,
}

impl Decoder<'_> {
    /// The next token and where it stands.
    fn token(&mut self) -> (Token, usize) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let start = self.at;
        let Some(&byte) = self.text.get(start) else {
            return (Token::End, start);
        };
        let single = match byte {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => return self.string(),
            b'+' | b'-' | b'0'..=b'9' => return (self.number(), start),
            _ => return (self.word(), start),
        };
        self.at += 1;
        (single, start)
    }

    fn word(&mut self) -> Token {
        let rest = &self.text[self.at..];
        for (word, token) in [
            (&b"true"[..], Token::Boolean(true)),
            (b"false", Token::Boolean(false)),
            (b"null", Token::Null),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return token;
            }
        }
        let is_number = rest.len() >= 3
            && (rest[..3].eq_ignore_ascii_case(b"inf") || rest[..3].eq_ignore_ascii_case(b"nan"));
        if is_number && self.settings.decode_invalid {
            return self.number();
        }
        Token::Error("invalid token")
    }

    /// A number as C reads it: hexadecimal ones, `inf` and `nan` too, if these are allowed.
    fn number(&mut self) -> Token {
        let rest = &self.text[self.at..];
        let length = number_length(rest);
        let text = &rest[..length];
        let unsigned = text
            .strip_prefix(b"-")
            .or(text.strip_prefix(b"+"))
            .unwrap_or(text);
        let is_plain = unsigned.first().is_some_and(u8::is_ascii_digit)
            && !(unsigned.len() > 1
                && unsigned[0] == b'0'
                && unsigned[1] != b'.'
                && unsigned[1] != b'e'
                && unsigned[1] != b'E');
        if !is_plain && !self.settings.decode_invalid {
            return Token::Error("invalid number");
        }
        let text = text.strip_prefix(b"+").unwrap_or(text);
        match protocol::number::parse_f64(text).or_else(|| self.as_in_c(text)) {
            Some(number) => {
                self.at += length;
                Token::Number(number)
            }
            None => Token::Error("invalid number"),
        }
    }

    /// A number that C reads and others do not, such as a hexadecimal one: so does Lua.
    fn as_in_c(&self, text: &[u8]) -> Option<f64> {
        let text = self.lua.create_string(text).ok()?;
        self.lua.coerce_number(Value::String(text)).ok()?
    }

    /// The string that begins here; an error stands where it is wrong.
    fn string(&mut self) -> (Token, usize) {
        let start = self.at;
        let mut out = Vec::new();
        let mut at = start + 1;
        loop {
            match self.text.get(at) {
                None => return (Token::Error("unexpected end of string"), at),
                Some(b'"') => break,
                Some(b'\\') => match self.escape(at, &mut out) {
                    Ok(length) => at += length,
                    Err(error) => return error,
                },
                Some(&byte) => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        (Token::Text(out), start)
    }

    fn escape(&self, at: usize, out: &mut Vec<u8>) -> Result<usize, (Token, usize)> {
        let plain = match self.text.get(at + 1) {
            Some(b'"') => b'"',
            Some(b'\\') => b'\\',
            Some(b'/') => b'/',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let unit = self.unicode(at);
                return match unit {
                    Some((letter, length)) => {
                        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                        Ok(length)
                    }
                    None => Err((Token::Error("invalid unicode escape code"), at)),
                };
            }
            _ => return Err((Token::Error("invalid escape code"), at)),
        };
        out.push(plain);
        Ok(2)
    }

    /// The letter of `\uXXXX`, or of two such that are a pair, and how long that is.
    fn unicode(&self, at: usize) -> Option<(char, usize)> {
        let unit = |at: usize| {
            let digits = self.text.get(at + 2..at + 6)?;
            let is_escape = self.text.get(at..at + 2)? == b"\\u";
            let digits = std::str::from_utf8(digits).ok()?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            (is_escape && is_hex).then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let high = unit(at)?;
        if !(0xD800..0xE000).contains(&high) {
            return Some((char::from_u32(high)?, 6));
        }
        let low = unit(at + 6).filter(|low| (0xDC00..0xE000).contains(low))?;
        if high >= 0xDC00 {
            return None;
        }
        let letter = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        Some((char::from_u32(letter)?, 12))
    }

    fn value(&mut self, (token, at): (Token, usize)) -> Checked<Value> {
        Ok(match token {
            Token::Text(text) => Value::String(self.lua.create_string(text)?),
            Token::Number(number) => Value::Number(number),
            Token::Boolean(is_true) => Value::Boolean(is_true),
            Token::Null => NULL,
            Token::ObjectBegin => Value::Table(self.nested(at, Decoder::object)?),
            Token::ArrayBegin => Value::Table(self.nested(at, Decoder::array)?),
            other => return Err(expected("value", &other, at)),
        })
    }

    fn nested(&mut self, at: usize, read: fn(&mut Self) -> Checked<Table>) -> Checked<Table> {
        self.depth += 1;
        if self.depth > self.settings.decode_depth.min(MOST_DEPTH) {
            return Err(Fault::Text(format!(
                "Found too many nested data structures ({}) at character {}",
                self.depth,
                at + 1
            )));
        }
        let table = read(self)?;
        self.depth -= 1;
        Ok(table)
    }

    fn object(&mut self) -> Checked<Table> {
        let object = self.lua.create_table()?;
        let mut next = self.token();
        if next.0 == Token::ObjectEnd {
            return Ok(object);
        }
        loop {
            let (Token::Text(key), _) = next else {
                return Err(expected("object key string", &next.0, next.1));
            };
            let colon = self.token();
            if colon.0 != Token::Colon {
                return Err(expected("colon", &colon.0, colon.1));
            }
            let first = self.token();
            let value = self.value(first)?;
            object.raw_set(self.lua.create_string(key)?, value)?;
            match self.token() {
                (Token::ObjectEnd, _) => return Ok(object),
                (Token::Comma, _) => next = self.token(),
                (other, at) => return Err(expected("comma or object end", &other, at)),
            }
        }
    }

    fn array(&mut self) -> Checked<Table> {
        let array = self.lua.create_table()?;
        let mut next = self.token();
        if next.0 == Token::ArrayEnd {
            return Ok(array);
        }
        for index in 1.. {
            let value = self.value(next)?;
            array.raw_set(index, value)?;
            match self.token() {
                (Token::ArrayEnd, _) => break,
                (Token::Comma, _) => next = self.token(),
                (other, at) => return Err(expected("comma or array end", &other, at)),
            }
        }
        Ok(array)
    }
}

/// How much of a text C's `strtod` reads.
fn number_length(text: &[u8]) -> usize {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let rest = &text[sign..];
    let starts =
        |word: &[u8]| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word);
    if starts(b"infinity") {
        return sign + 8;
    }
    if starts(b"inf") || starts(b"nan") {
        return sign + 3;
    }
    let count = |from: usize, is_digit: fn(&u8) -> bool| {
        let rest = rest.get(from..).unwrap_or_default();
        rest.iter().take_while(|it| is_digit(it)).count()
    };
    let digits = |from: usize| count(from, u8::is_ascii_digit);
    if starts(b"0x") {
        let hex = |from: usize| count(from, u8::is_ascii_hexdigit);
        let whole = hex(2);
        let mut length = 2 + whole;
        if rest.get(length) == Some(&b'.') && whole + hex(length + 1) > 0 {
            length += 1 + hex(length + 1);
        }
        if length == 2 {
            return sign + 1;
        }
        if matches!(rest.get(length), Some(b'p' | b'P')) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        return sign + length;
    }
    let mut length = digits(0);
    if rest.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(rest.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    sign + length
}
