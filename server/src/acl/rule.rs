//! What rules stand on, and why one is none.

use std::borrow::Cow;

use super::catalogue::Catalogue;

/// What the meaning of a rule depends on besides the user.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The commands there are.
    pub catalogue: &'a Catalogue,
    /// Whether new users may use all channels (`acl-pubsub-default`).
    pub gives_all_channels: bool,
}

/// Why a rule is refused, in Redis' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// There is no such command or category.
    #[error("Unknown command or category name in ACL")]
    Unknown,
    /// It is no rule.
    #[error("Syntax error")]
    Syntax,
    /// A pattern of keys where all are allowed.
    #[error(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
    )]
    KeysAfterAll,
    /// A pattern of channels where all are allowed.
    #[error(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
    )]
    ChannelsAfterAll,
    /// A password to be taken away that is not there.
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    /// No SHA-256.
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
    )]
    BadHash,
    /// `+config|get|maxmemory`
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgOfSubcommand,
    /// Another `user` line of the same name.
    #[error("Duplicate user found. A user can only be defined once in config files")]
    Duplicate,
}

/// A word up to its first NUL, where Redis' C strings end.
pub fn c_text(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Whether white space or a NUL stands in it: neither can be part of a name or pattern.
pub fn has_space(word: &[u8]) -> bool {
    word.iter()
        .any(|byte| matches!(byte, b' ' | b'\t'..=b'\r' | 0))
}

/// Makes one word of those between `(` and `)`, with single spaces between them.
///
/// # Errors
/// The index of a word that begins with `(` and finds no end.
pub fn with_whole_selectors<'a>(words: &[&'a [u8]]) -> Result<Vec<Cow<'a, [u8]>>, usize> {
    let mut whole: Vec<Cow<'a, [u8]>> = Vec::with_capacity(words.len());
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (index, &word) in words.iter().enumerate() {
        match &mut open {
            None if word.starts_with(b"(") && !word.ends_with(b")") => {
                open = Some((index, word.to_vec()));
            }
            None => whole.push(Cow::Borrowed(word)),
            Some((_, text)) => {
                text.push(b' ');
                // Redis appends it as a C string, but looks at its real end.
                text.extend_from_slice(c_text(word));
                if word.ends_with(b")") {
                    whole.extend(open.take().map(|(_, text)| Cow::Owned(text)));
                }
            }
        }
    }
    match open {
        Some((index, _)) => Err(index),
        None => Ok(whole),
    }
}
