//! Libraries: what a text says of itself in its first line, and the functions it has registered.

use std::sync::Arc;

use super::source::ScriptFlags;

/// What is said of a name that cannot be one, a function's too.
pub const BAD_NAME: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at \
    least one character long";

/// A library whose first line has been read, and which has not been loaded yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// As it was sent.
    pub text: Arc<[u8]>,
    /// Where the Lua begins.
    body_at: usize,
}

impl Draft {
    /// Reads the first line of a text: `#!lua name=…`.
    ///
    /// # Errors
    /// The text of the error, in the order in which Redis looks (`functionsCreateWithLibraryCode`, functions.c).
    pub fn parse(text: &[u8]) -> Result<Draft, String> {
        if !text.starts_with(b"#!") {
            return Err("Missing library metadata".to_owned());
        }
        let end = text.iter().position(|&byte| byte == b'\n');
        let words = end.and_then(|end| protocol::split_line(&text[..end]));
        let (Some(end), Some(words)) = (end, words) else {
            return Err("Invalid library metadata".to_owned());
        };
        let mut words = words
            .args()
            .iter()
            .map(|word| String::from_utf8_lossy(word));
        let engine = words.next().unwrap_or_default();
        let name = name_of(words)?.ok_or("Library name was not given")?;
        if !is_name(name.as_bytes()) {
            return Err(BAD_NAME.to_owned());
        }
        let engine = engine.strip_prefix("#!").unwrap_or_default();
        if !engine.eq_ignore_ascii_case("lua") {
            return Err(format!("Engine '{engine}' not found"));
        }
        Ok(Draft {
            name,
            text: text.into(),
            // The line end stays, so that lines are counted from the first one.
            body_at: end,
        })
    }

    /// The Lua.
    pub fn body(&self) -> &[u8] {
        &self.text[self.body_at..]
    }
}

/// The name among the words behind the engine.
fn name_of<W: AsRef<str>>(words: impl Iterator<Item = W>) -> Result<Option<String>, String> {
    const PREFIX: &str = "name=";
    let mut name = None;
    for word in words {
        let word = word.as_ref();
        let given = word.split_at_checked(PREFIX.len());
        match given.filter(|(prefix, _)| prefix.eq_ignore_ascii_case(PREFIX)) {
            Some(_) if name.is_some() => {
                return Err(
                    "Invalid metadata value, name argument was given multiple times".to_owned(),
                );
            }
            Some((_, given)) => name = Some(given.to_owned()),
            None => return Err(format!("Invalid metadata value given: {word}")),
        }
    }
    Ok(name)
}

/// Whether a library or function may be called that.
pub fn is_name(name: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && name.iter().all(fits)
}

/// A function of a library.
#[derive(Clone, Debug)]
pub struct Function {
    /// What it is called by, in any case.
    pub name: String,
    /// What it says it is for.
    pub description: Option<Vec<u8>>,
    /// What it says it does.
    pub flags: ScriptFlags,
}

/// A library that has been loaded.
#[derive(Debug)]
pub struct Library {
    /// Another one for each text that is loaded: interpreters know by it what they hold.
    pub id: u64,
    /// Name and text.
    pub draft: Draft,
    /// In the order in which they were registered.
    pub functions: Vec<Function>,
}
