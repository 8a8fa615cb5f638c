//! A reply as a tree, decoded from RESP2 or RESP3 and printed as redis-cli prints it.
//!
//! `redis-protocol` decodes maps and sets into hash tables; here their order matters, because the
//! order is part of what is compared.

use super::words::quote;

/// One reply. Text is kept as bytes, doubles and big numbers as they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reply {
    Status(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    Double(Vec<u8>),
    Boolean(bool),
    /// With its three-letter format.
    Verbatim(Vec<u8>, Vec<u8>),
    BigNumber(Vec<u8>),
    /// Attributes and the reply that they belong to.
    Attributed(Vec<(Reply, Reply)>, Box<Reply>),
}

/// Bytes that are no reply.
#[derive(Debug)]
pub(crate) struct Malformed(pub(crate) String);

type Parsed<T> = Result<Option<(T, usize)>, Malformed>;

impl Reply {
    /// The first reply in `bytes` and its length; `None` if it is not complete yet.
    pub(crate) fn parse(bytes: &[u8]) -> Parsed<Reply> {
        let Some((line, used)) = line(bytes) else {
            return Ok(None);
        };
        let malformed = || {
            Malformed(format!(
                "malformed reply: {}",
                quote(&bytes[..bytes.len().min(200)])
            ))
        };
        let (Some(&kind), text) = (line.first(), line.get(1..).unwrap_or_default()) else {
            return Err(malformed());
        };
        let number = || -> Result<i64, Malformed> {
            std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(malformed)
        };
        let reply = match kind {
            b'+' => Reply::Status(text.to_vec()),
            b'-' => Reply::Error(text.to_vec()),
            b':' => Reply::Integer(number()?),
            b',' => Reply::Double(text.to_vec()),
            b'(' => Reply::BigNumber(text.to_vec()),
            b'_' if text.is_empty() => Reply::Nil,
            b'#' if text == b"t" => Reply::Boolean(true),
            b'#' if text == b"f" => Reply::Boolean(false),
            b'$' | b'*' if text == b"-1" => Reply::Nil,
            b'$' | b'=' | b'!' => {
                let length = usize::try_from(number()?).map_err(|_| malformed())?;
                let Some(text) = bytes.get(used..used + length + 2) else {
                    return Ok(None);
                };
                let text = text.strip_suffix(b"\r\n").ok_or_else(malformed)?;
                return Ok(Some((
                    long(kind, text).ok_or_else(malformed)?,
                    used + length + 2,
                )));
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let count = usize::try_from(number()?).map_err(|_| malformed())?;
                return aggregate(kind, count, bytes, used);
            }
            _ => return Err(malformed()),
        };
        Ok(Some((reply, used)))
    }

    /// The reply as RESP2 would have said it: maps flat, sets as arrays, doubles as text.
    pub(crate) fn in_resp2(self) -> Reply {
        match self {
            Reply::Map(pairs) => Reply::Array(
                pairs
                    .into_iter()
                    .flat_map(|(key, value)| [key.in_resp2(), value.in_resp2()])
                    .collect(),
            ),
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
                Reply::Array(items.into_iter().map(Reply::in_resp2).collect())
            }
            Reply::Double(text) | Reply::Verbatim(_, text) | Reply::BigNumber(text) => {
                Reply::Bulk(text)
            }
            Reply::Boolean(is_true) => Reply::Integer(i64::from(is_true)),
            Reply::Attributed(_, reply) => reply.in_resp2(),
            other => other,
        }
    }

    /// The reply with the elements of its outermost array, set or map sorted.
    pub(crate) fn sorted(self) -> Reply {
        match self {
            Reply::Array(mut items) => {
                items.sort();
                Reply::Array(items)
            }
            Reply::Set(mut items) => {
                items.sort();
                Reply::Set(items)
            }
            Reply::Map(mut pairs) => {
                pairs.sort();
                Reply::Map(pairs)
            }
            other => other,
        }
    }

    /// The number of an integer reply.
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Reply::Integer(number) => *number,
            other => panic!("not an integer: {other}"),
        }
    }

    /// The text of a string or status.
    pub(crate) fn text(&self) -> String {
        match self {
            Reply::Bulk(text) | Reply::Status(text) | Reply::Verbatim(_, text) => {
                String::from_utf8_lossy(text).into_owned()
            }
            other => panic!("not a string: {other}"),
        }
    }

    /// The elements of an array, set or push.
    pub(crate) fn items(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items,
            other => panic!("not an array: {other}"),
        }
    }

    /// Whether it is an error.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }

    fn render(&self, indent: usize, out: &mut String) {
        let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        match self {
            Reply::Status(text) | Reply::Verbatim(_, text) => out.push_str(&lossy(text)),
            Reply::Error(text) => out.push_str(&format!("(error) {}", lossy(text))),
            Reply::Integer(number) => out.push_str(&format!("(integer) {number}")),
            Reply::Double(text) => out.push_str(&format!("(double) {}", lossy(text))),
            Reply::BigNumber(text) => out.push_str(&format!("(big number) {}", lossy(text))),
            Reply::Boolean(is_true) => out.push_str(if *is_true { "(true)" } else { "(false)" }),
            Reply::Bulk(text) => out.push_str(&quote(text)),
            Reply::Nil => out.push_str("(nil)"),
            Reply::Array(items) => render_items(items, ("array", ')'), indent, out),
            Reply::Set(items) => render_items(items, ("set", '~'), indent, out),
            Reply::Push(items) => render_items(items, ("push", ')'), indent, out),
            Reply::Map(pairs) => render_pairs(pairs, '#', indent, out),
            Reply::Attributed(pairs, reply) => {
                render_pairs(pairs, '|', indent, out);
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                reply.render(indent, out);
            }
        }
    }
}

fn render_items(items: &[Reply], (name, mark): (&str, char), indent: usize, out: &mut String) {
    if items.is_empty() {
        out.push_str(&format!("(empty {name})"));
    }
    let width = items.len().to_string().len();
    for (index, item) in items.iter().enumerate() {
        start_line(index, indent, out);
        out.push_str(&format!("{:>width$}{mark} ", index + 1));
        item.render(indent + width + 2, out);
    }
}

fn render_pairs(pairs: &[(Reply, Reply)], mark: char, indent: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty hash)");
    }
    let width = pairs.len().to_string().len();
    for (index, (key, value)) in pairs.iter().enumerate() {
        start_line(index, indent, out);
        out.push_str(&format!("{:>width$}{mark} ", index + 1));
        key.render(indent + width + 2, out);
        out.push_str(" => ");
        value.render(indent + width + 2, out);
    }
}

fn start_line(index: usize, indent: usize, out: &mut String) {
    if index > 0 {
        out.push('\n');
        out.push_str(&" ".repeat(indent));
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.render(0, &mut text);
        formatter.write_str(&text)
    }
}

fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], end + 2))
}

fn long(kind: u8, text: &[u8]) -> Option<Reply> {
    Some(match kind {
        b'$' => Reply::Bulk(text.to_vec()),
        b'!' => Reply::Error(text.to_vec()),
        _ => {
            let (format, text) = text.split_at_checked(4)?;
            Reply::Verbatim(format[..3].to_vec(), text.to_vec())
        }
    })
}

fn aggregate(kind: u8, count: usize, bytes: &[u8], mut used: usize) -> Parsed<Reply> {
    let children = if matches!(kind, b'%' | b'|') {
        count * 2
    } else {
        count
    };
    let mut items = Vec::new();
    for _ in 0..children {
        let Some((item, length)) = Reply::parse(&bytes[used..])? else {
            return Ok(None);
        };
        used += length;
        items.push(item);
    }
    let reply = match kind {
        b'*' => Reply::Array(items),
        b'~' => Reply::Set(items),
        b'>' => Reply::Push(items),
        b'%' => Reply::Map(pairs(items)),
        _ => {
            let Some((reply, length)) = Reply::parse(&bytes[used..])? else {
                return Ok(None);
            };
            used += length;
            Reply::Attributed(pairs(items), Box::new(reply))
        }
    };
    Ok(Some((reply, used)))
}

fn pairs(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

#[test]
fn a_reply_is_printed_as_redis_cli_prints_it() {
    let bytes = b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n%1\r\n+k\r\n,1.5\r\n";
    let (reply, used) = Reply::parse(bytes).unwrap().unwrap();
    assert_eq!(used, bytes.len());
    assert_eq!(
        reply.to_string(),
        "1) (integer) 1\n2) 1) \"a\"\n   2) (nil)\n3) 1# k => (double) 1.5"
    );
    assert_eq!(
        reply.in_resp2().items()[2].items()[1].to_string(),
        "\"1.5\""
    );
}

#[test]
fn a_reply_that_is_cut_off_is_incomplete() {
    let bytes = b"%1\r\n$1\r\na\r\n~2\r\n#t\r\n_\r\n";
    for end in 0..bytes.len() {
        assert!(
            Reply::parse(&bytes[..end]).unwrap().is_none(),
            "cut at {end}"
        );
    }
    assert!(Reply::parse(bytes).unwrap().is_some());
    assert!(Reply::parse(b"?\r\n").is_err() && Reply::parse(b"$x\r\n").is_err());
}
