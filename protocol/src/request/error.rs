//! What is wrong with bytes that are no request.

use std::fmt;

/// Why the bytes of a client are no request. The client is told, then disconnected.
///
/// [`Display`](fmt::Display) and [`reply_text`](Self::reply_text) give the words Redis 7.4 sends
/// behind `-ERR `; [`log_words`](Self::log_words) those it writes to its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The count behind `*` is no number of at most `i32::MAX`.
    InvalidMultibulkLength,
    /// The length behind `$` is no number, negative, or above `proto-max-bulk-len`.
    InvalidBulkLength,
    /// A word does not begin with `$` but with this byte.
    ExpectedBulk(u8),
    /// An inline request has no end of line within the limit.
    TooBigInline,
    /// The line with the number of words has no end within the limit.
    TooBigMultibulkCount,
    /// The line with the length of a word has no end within the limit.
    TooBigBulkCount,
    /// An inline request opens a quote and does not close it, or goes on right behind one.
    UnbalancedQuotes,
    /// More words than a client may send before it has authenticated.
    UnauthenticatedMultibulkLength,
    /// A longer word than a client may send before it has authenticated.
    UnauthenticatedBulkLength,
}

impl ProtocolError {
    /// The text for the client, to be put behind `-ERR `.
    ///
    /// Bytes, not `str`, because the one that stands where `$` was expected is shown as it came.
    pub fn reply_text(&self) -> Vec<u8> {
        let Self::ExpectedBulk(got) = *self else {
            return self.to_string().into_bytes();
        };
        let mut text = b"Protocol error: expected '$', got '".to_vec();
        text.extend_from_slice(&[printable(got), b'\'']);
        text
    }

    /// What Redis writes to its log between `Protocol error (` and `) from client`.
    pub fn log_words(&self) -> &'static str {
        match self {
            Self::InvalidMultibulkLength => "invalid mbulk count",
            Self::InvalidBulkLength => "invalid bulk length",
            Self::ExpectedBulk(_) => "expected $ but got something else",
            Self::TooBigInline => "too big inline request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::UnbalancedQuotes => "unbalanced quotes in inline request",
            Self::UnauthenticatedMultibulkLength => "unauth mbulk count",
            Self::UnauthenticatedBulkLength => "unauth bulk length",
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::InvalidBulkLength => "invalid bulk length",
            Self::ExpectedBulk(_) => "expected '$'",
            Self::TooBigInline => "too big inline request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
        }
    }
}

/// A line end would end the error reply, so Redis shows a space for it.
fn printable(byte: u8) -> u8 {
    match byte {
        b'\r' | b'\n' => b' ',
        other => other,
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol error: {}", self.words())?;
        match *self {
            Self::ExpectedBulk(got) => write!(f, ", got '{}'", char::from(printable(got))),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_gives_the_words_of_redis() {
        let cases = [
            (
                ProtocolError::InvalidMultibulkLength,
                "invalid multibulk length",
            ),
            (ProtocolError::ExpectedBulk(b'x'), "expected '$', got 'x'"),
            (ProtocolError::ExpectedBulk(b'\r'), "expected '$', got ' '"),
            (
                ProtocolError::UnbalancedQuotes,
                "unbalanced quotes in request",
            ),
        ];
        for (error, words) in cases {
            assert_eq!(error.to_string(), format!("Protocol error: {words}"));
            assert_eq!(error.reply_text(), error.to_string().into_bytes());
        }
    }

    #[test]
    fn a_byte_that_is_no_text_is_shown_as_it_came() {
        let text = ProtocolError::ExpectedBulk(0xff).reply_text();
        assert_eq!(text, b"Protocol error: expected '$', got '\xff'");
    }
}
