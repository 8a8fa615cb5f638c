//! Users in files: the `user` lines of a configuration, and `aclfile`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::rule::{Basis, RuleError, c_text, has_space, with_whole_selectors};
use super::rules::Rules;
use super::{Acl, DEFAULT_USER};
use crate::config::os_reason;

/// Users that lines describe, by name.
pub type Declared = BTreeMap<Box<[u8]>, Rules>;

/// Why a `user` line of a configuration cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The word that Redis names, which is seldom the one in question: it counts rules from the first one, and
    /// words from `user` (`ACLAppendUserForLoading`).
    pub word: Vec<u8>,
    /// What is wrong.
    pub error: RuleError,
}

impl Acl {
    /// Looks whether a `user` line of a configuration can be read, given without its first word. That it speaks
    /// of commands there are is not looked at: that is said when the users are made.
    ///
    /// # Errors
    /// The first thing that is wrong. Redis says that a command is unknown where a selector has no end.
    pub fn check_line(&self, arguments: &[Vec<u8>]) -> Result<(), LineError> {
        let words: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let line = [&[&b"user"[..]], &words[..]].concat();
        let at = |index: usize, error| LineError {
            word: line.get(index).copied().unwrap_or_default().to_vec(),
            error,
        };
        let rules = words.get(1..).unwrap_or_default();
        let rules = with_whole_selectors(rules).map_err(|index| at(index, RuleError::Unknown))?;
        let basis = self.basis(false);
        let mut user = Rules::new(&basis);
        for (index, rule) in rules.iter().enumerate() {
            match user.apply(rule, &basis) {
                Err(error) if error != RuleError::Unknown => return Err(at(index, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the user of a line that [`Acl::check_line`] has let pass.
    ///
    /// # Errors
    /// Why it cannot be, in Redis' words.
    pub fn declare(&self, arguments: &[Vec<u8>], basis: &Basis<'_>) -> Result<(), String> {
        let (name, words) = arguments.split_first().ok_or("A user has a name")?;
        if has_space(name) {
            return Err("Spaces not allowed in ACL usernames".to_owned());
        }
        let shown = String::from_utf8_lossy(name);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let rules = with_whole_selectors(&words)
            .map_err(|_| "Unmatched parenthesis in acl selector".to_owned())?;
        let mut user = Rules::new(basis);
        for rule in rules {
            user.apply(&rule, basis).map_err(|error| {
                let rule = String::from_utf8_lossy(&rule);
                format!("Error loading ACL rule '{rule}' for the user named '{shown}': {error}")
            })?;
        }
        if !user.is_on() {
            tracing::info!(
                "The user '{shown}' is disabled (there is no 'on' modifier in the user description). \
                 Make sure this is not a configuration error."
            );
        }
        match name.as_slice() {
            DEFAULT_USER => self.default_user().set(user),
            name => self.add(name, user),
        }
        Ok(())
    }

    /// Reads an `aclfile`.
    ///
    /// # Errors
    /// All that is wrong with it, in Redis' words. `name` is what it calls the file.
    pub fn read(&self, name: &Path, basis: &Basis<'_>) -> Result<Declared, Vec<u8>> {
        let shown = name.as_os_str().as_encoded_bytes();
        let text = match fs::read(name) {
            Ok(text) => text,
            // Redis opens a directory and finds no line in it.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Vec::new(),
            Err(error) => {
                let reason = os_reason(&error);
                return Err([
                    b"Error loading ACLs, opening file '",
                    shown,
                    format!("': {reason}").as_bytes(),
                ]
                .concat());
            }
        };
        let mut reader = Reader {
            name: shown,
            basis,
            declared: Declared::new(),
            errors: Vec::new(),
        };
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = trim(c_text(line), b" \t\r\n");
            if !line.is_empty() {
                reader.read_line(index + 1, line);
            }
        }
        if reader.errors.is_empty() {
            return Ok(reader.declared);
        }
        reader.errors.extend_from_slice(
            b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
        );
        Err(reader.errors)
    }
}

/// Reads the lines of an `aclfile`, and notes what is wrong with them.
struct Reader<'a> {
    name: &'a [u8],
    basis: &'a Basis<'a>,
    declared: Declared,
    errors: Vec<u8>,
}

impl Reader<'_> {
    /// Single spaces separate the words of a line: two of them have an empty word between them.
    fn read_line(&mut self, number: usize, line: &[u8]) {
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let [b"user", name, rules @ ..] = words.as_slice() else {
            let complaint = " should start with user keyword followed by the username. ";
            return self.complain(number, complaint.as_bytes());
        };
        if has_space(name) {
            self.errors.push(b'\'');
            let complaint = [b": username '", *name, b"' contains invalid characters. "];
            return self.complain(number, &complaint.concat());
        }
        if self.declared.contains_key(*name) {
            let found = format!("' found on line {number}. ");
            let complaint = [b"WARNING: Duplicate user '", *name, found.as_bytes()];
            return self.errors.extend_from_slice(&complaint.concat());
        }
        let mut user = Rules::new(self.basis);
        let Ok(rules) = with_whole_selectors(rules) else {
            self.declared.insert((*name).into(), user);
            return self.complain(number, b": Unmatched parenthesis in selector definition.");
        };
        let mut has_syntax_error = false;
        for rule in &rules {
            let rule = trim(rule, b"\t\r\n");
            let Err(error) = user.apply(rule, self.basis) else {
                continue;
            };
            if error == RuleError::Unknown {
                let complaint = format!("': {error}. ");
                let complaint = [
                    b": Error in applying operation '",
                    c_text(rule),
                    complaint.as_bytes(),
                ];
                self.complain(number, &complaint.concat());
            } else if !has_syntax_error {
                // The first one may have led to the others. The rule is not shown: it may be a password.
                has_syntax_error = true;
                self.complain(number, format!(": {error}. ").as_bytes());
            }
        }
        self.declared.insert((*name).into(), user);
    }

    fn complain(&mut self, number: usize, complaint: &[u8]) {
        let number = format!(":{number}");
        let parts = [self.name, number.as_bytes(), complaint];
        self.errors.extend_from_slice(&parts.concat());
    }
}

/// Writes users into an `aclfile`: it takes the place of the old one when all of it is on disk.
///
/// # Errors
/// What the system says.
pub fn save<'a>(name: &Path, users: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut draft = name.as_os_str().to_owned();
    draft.push(format!(".tmp-{}", std::process::id()));
    let draft = Path::new(&draft);
    let write = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o644);
        let mut file = options.open(draft)?;
        let mut text = Vec::new();
        for user in users {
            text.extend_from_slice(b"user ");
            text.extend_from_slice(user);
            text.push(b'\n');
        }
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(draft, name)?;
        let directory = name.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    };
    let result = write();
    if result.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(draft);
    }
    result
}

fn trim<'a>(text: &'a [u8], outer: &[u8]) -> &'a [u8] {
    let is_inner = |byte: &u8| !outer.contains(byte);
    let start = text.iter().position(is_inner).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(is_inner)
        .map_or(start, |last| last + 1);
    &text[start..end]
}
