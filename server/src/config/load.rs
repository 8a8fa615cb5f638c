//! Reading configuration text: files, standard input, and what flags are turned into.

use std::fmt;
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use protocol::split_line;

use super::options::{self, Named};
use super::value::{Kind, Refusal, Value};
use super::{Config, REDIS_VERSION, os_reason};

/// Where a directive stood, so that who understands it can complain about it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the line, from 1.
    pub line_number: usize,
    /// The line without white space around it.
    pub line: Vec<u8>,
}

/// A directive that is no option: `rename-command`, `user`, `loadmodule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Where it stood.
    pub place: Place,
    /// What follows its name.
    pub arguments: Vec<Vec<u8>>,
}

/// All directives that are no options, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `rename-command <old> <new>`: two arguments each; an empty new name takes the command away.
    pub renames: Vec<Directive>,
    /// `user <name> [rule …]`: at least one argument each.
    pub users: Vec<Directive>,
    /// `loadmodule <path> [argument …]`: at least one argument each.
    pub modules: Vec<Directive>,
}

/// Why the server does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupError {
    /// A line that means nothing, or whose value is refused.
    Line {
        /// The line.
        place: Place,
        /// The reason, in Redis' words.
        reason: String,
    },
    /// Options that cannot stand together.
    Conflict(&'static str),
    /// The text that explains the command line.
    Usage(String),
    /// A file that cannot be read. Redis logs this at warning level on standard output instead of
    /// writing to standard error.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl StartupError {
    /// The complaint about a directive that only its owner understands.
    pub fn at(directive: &Directive, reason: impl Into<String>) -> Self {
        Self::Line {
            place: directive.place.clone(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for StartupError {
    /// The text with its line ends, as Redis writes it; what is no UTF-8 is replaced.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { place, reason } => {
                writeln!(
                    out,
                    "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***"
                )?;
                writeln!(
                    out,
                    "Reading the configuration file, at line {}",
                    place.line_number
                )?;
                writeln!(out, ">>> '{}'", String::from_utf8_lossy(&place.line))?;
                writeln!(out, "{reason}")
            }
            Self::Conflict(reason) => {
                writeln!(
                    out,
                    "\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***"
                )?;
                writeln!(out, "{reason}")
            }
            Self::Usage(text) => out.write_str(text),
            Self::Unreadable { path, reason } => writeln!(
                out,
                "Fatal error, can't open config file '{}': {reason}",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StartupError {}

/// How deep files may include each other.
///
/// Redis has no bound and ends with a full stack when a file includes itself.
const MAX_INCLUDE_DEPTH: usize = 64;

/// Reads configuration texts into a [`Config`].
pub(super) struct Loader<'a> {
    config: &'a Config,
    directives: Directives,
    /// Whether a `save` line was read; the first one replaces the default, the others add to it.
    has_save_points: bool,
    depth: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self {
            config,
            directives: Directives::default(),
            has_save_points: false,
            depth: 0,
        }
    }

    /// Takes over the lines of a text.
    pub(super) fn load(&mut self, text: &[u8]) -> Result<(), StartupError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = trim(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let place = || Place {
                line_number: index + 1,
                line: line.to_vec(),
            };
            let refuse = |reason: Refusal| StartupError::Line {
                place: place(),
                reason: reason.into(),
            };
            let Some(words) = split_line(line) else {
                return Err(refuse("Unbalanced quotes in configuration line".into()));
            };
            let words: Vec<&[u8]> = words.args().iter().collect();
            let [name, arguments @ ..] = words.as_slice() else {
                continue;
            };
            match options::find(name) {
                Some(named) => self.assign(named, arguments).map_err(refuse)?,
                None => self.direct(name, arguments, place())?,
            }
        }
        Ok(())
    }

    fn assign(&mut self, named: Named, arguments: &[&[u8]]) -> Result<(), Refusal> {
        let kind = named.id.spec().kind;
        if !kind.takes_several() && arguments.len() != 1 {
            return Err("wrong number of arguments".into());
        }
        // One quoted argument may hold them all, as the command line has it: `--save "900 1"`.
        let split = match arguments {
            [all] if kind.takes_several() && !all.is_empty() => split_line(all),
            _ => None,
        };
        let arguments: Vec<&[u8]> = match &split {
            Some(words) => words.args().iter().collect(),
            None => arguments.to_vec(),
        };
        if matches!(kind, Kind::SavePoints) {
            return self.add_save_points(named, &arguments);
        }
        self.config.assign(named.id, &arguments)
    }

    fn add_save_points(&mut self, named: Named, arguments: &[&[u8]]) -> Result<(), Refusal> {
        let old = std::mem::replace(&mut self.has_save_points, true)
            .then(|| self.config.get(options::SAVE))
            .unwrap_or_default();
        self.config.assign(named.id, arguments)?;
        let new = self.config.get(options::SAVE);
        if !new.is_empty() {
            self.config
                .store(named.id, Value::SavePoints([old, new].concat()));
        }
        Ok(())
    }

    /// Takes over a line whose name is no option.
    fn direct(
        &mut self,
        name: &[u8],
        arguments: &[&[u8]],
        place: Place,
    ) -> Result<(), StartupError> {
        let directive = |place| Directive {
            place,
            arguments: arguments.iter().map(|argument| argument.to_vec()).collect(),
        };
        match (name.to_ascii_lowercase().as_slice(), arguments.len()) {
            (b"include", 1) => self.include(arguments[0]),
            (b"rename-command", 2) => Ok(self.directives.renames.push(directive(place))),
            (b"user", 1..) => Ok(self.directives.users.push(directive(place))),
            (b"loadmodule", 1..) => Ok(self.directives.modules.push(directive(place))),
            // What older versions knew.
            (
                b"list-max-ziplist-entries" | b"list-max-ziplist-value" | b"lua-replicate-commands",
                1,
            ) => Ok(()),
            _ => Err(StartupError::Line {
                place,
                reason: "Bad directive or wrong number of arguments".to_owned(),
            }),
        }
    }

    /// Takes over other files. A pattern may match none; a plain name must exist.
    fn include(&mut self, pattern: &[u8]) -> Result<(), StartupError> {
        let pattern = Path::new(std::ffi::OsStr::from_bytes(pattern));
        if self.depth == MAX_INCLUDE_DEPTH {
            let reason = "Too many levels of included files".to_owned();
            return Err(StartupError::Unreadable {
                path: pattern.to_owned(),
                reason,
            });
        }
        for path in super::paths::expand(pattern) {
            let text = read_file(&path)?;
            self.depth += 1;
            let result = self.load(&text);
            self.depth -= 1;
            result?;
        }
        Ok(())
    }

    /// What was found besides options.
    ///
    /// # Errors
    /// Options that cannot stand together.
    pub(super) fn finish(self) -> Result<Directives, StartupError> {
        let is_replica = self.config.get(options::REPLICAOF).is_some();
        if self.config.get(options::CLUSTER_ENABLED) && is_replica {
            return Err(StartupError::Conflict(
                "replicaof directive not allowed in cluster mode",
            ));
        }
        Ok(self.directives)
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let is_inner = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r');
    let start = line.iter().position(is_inner).unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(is_inner)
        .map_or(start, |last| last + 1);
    line.get(start..end).unwrap_or_default()
}

/// The text of a file, without what follows a NUL on its line.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, StartupError> {
    match std::fs::read(path) {
        Ok(text) => Ok(cut_at_nuls(text)),
        // Redis opens a directory and finds no line in it.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(Vec::new()),
        Err(error) => Err(StartupError::Unreadable {
            path: path.to_owned(),
            reason: os_reason(&error),
        }),
    }
}

/// The text of standard input, as [`read_file`].
pub(super) fn read_standard_input() -> Result<Vec<u8>, StartupError> {
    let mut text = Vec::new();
    match io::stdin().lock().read_to_end(&mut text) {
        Ok(_) => Ok(cut_at_nuls(text)),
        Err(error) => Err(StartupError::Unreadable {
            path: PathBuf::from(std::ffi::OsString::from_vec(b"-".to_vec())),
            reason: os_reason(&error),
        }),
    }
}

/// As Redis reads lines with `fgets` and joins them as C strings: a NUL hides the rest of its line and
/// the line's end.
fn cut_at_nuls(text: Vec<u8>) -> Vec<u8> {
    if !text.contains(&0) {
        return text;
    }
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines
        .flat_map(|line| line.iter().copied().take_while(|&byte| byte != 0))
        .collect()
}
