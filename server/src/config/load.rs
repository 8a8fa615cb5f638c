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

/// A directive that is no option: `rename-command`, `user`.
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
    /// A `loadmodule` line: there are no modules here. Redis logs this, as it does for a module that is
    /// not there.
    Module(Vec<u8>),
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

    /// Whether Redis says it in a line of the log instead of on standard error.
    pub fn is_logged(&self) -> bool {
        matches!(self, Self::Module(_) | Self::Unreadable { .. })
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
            Self::Module(path) => {
                let path = String::from_utf8_lossy(path);
                writeln!(out, "Can't load module from {path}: server aborting")
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

/// What a `save` line does to those before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SaveLines {
    /// The first of all replaces the default, the others add to it.
    Add,
    /// Each replaces what is there: so it is in Redis for what follows an `include` line, until another
    /// file begins. A file that includes one with defaults relies on it.
    Replace,
}

/// Reads configuration texts into a [`Config`].
pub(super) struct Loader<'a> {
    config: &'a Config,
    directives: Directives,
    /// The first module that was asked for.
    module: Option<Vec<u8>>,
    save_lines: SaveLines,
    has_save_points: bool,
    depth: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self {
            config,
            directives: Directives::default(),
            module: None,
            save_lines: SaveLines::Add,
            has_save_points: false,
            depth: 0,
        }
    }

    /// Takes over the lines of a text.
    pub(super) fn load(&mut self, text: &[u8]) -> Result<(), StartupError> {
        self.save_lines = SaveLines::Add;
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = trim(line);
            if !line.is_empty() && !line.starts_with(b"#") {
                self.load_line(Place {
                    line_number: index + 1,
                    line: line.to_vec(),
                })?;
            }
        }
        Ok(())
    }

    fn load_line(&mut self, place: Place) -> Result<(), StartupError> {
        let words = split_line(&place.line);
        let words: Option<Vec<&[u8]>> = words.as_ref().map(|words| words.args().iter().collect());
        let refused = match words.as_deref() {
            None => Err("Unbalanced quotes in configuration line".into()),
            Some([]) => Ok(()),
            Some([name, arguments @ ..]) => match options::find(name) {
                Some(named) => self.assign(named, arguments),
                None => return self.direct(name, arguments, place),
            },
        };
        refused.map_err(|reason: Refusal| StartupError::Line {
            place,
            reason: reason.into(),
        })
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
        let old = self.config.get(options::SAVE);
        self.config.assign(named.id, arguments)?;
        let new = self.config.get(options::SAVE);
        if self.save_lines == SaveLines::Replace {
            return Ok(());
        }
        let has_old = std::mem::replace(&mut self.has_save_points, true);
        // An empty line takes away those before it, too.
        if has_old && !new.is_empty() {
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
        let name = name.to_ascii_lowercase();
        if let (b"include", [pattern]) = (name.as_slice(), arguments) {
            return self.include(pattern);
        }
        match (name.as_slice(), arguments.len()) {
            (b"rename-command", 2) => self.directives.renames.push(directive(place)),
            (b"user", 1..) => self.directives.users.push(directive(place)),
            (b"loadmodule", 1..) => {
                let path = arguments.first().map(|path| path.to_vec());
                self.module = self.module.take().or(path);
            }
            // What older versions knew.
            (
                b"list-max-ziplist-entries" | b"list-max-ziplist-value" | b"lua-replicate-commands",
                1,
            ) => {}
            _ => {
                return Err(StartupError::Line {
                    place,
                    reason: "Bad directive or wrong number of arguments".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Takes over other files. A pattern may match none; a plain name must exist.
    ///
    /// Whether it matched or not, it changes what the `save` lines after it do.
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
        self.save_lines = SaveLines::Replace;
        Ok(())
    }

    /// What was found besides options.
    ///
    /// # Errors
    /// Options that cannot stand together, or a module.
    pub(super) fn finish(self) -> Result<Directives, StartupError> {
        let is_replica = self.config.get(options::REPLICAOF).is_some();
        if self.config.get(options::CLUSTER_ENABLED) && is_replica {
            return Err(StartupError::Conflict(
                "replicaof directive not allowed in cluster mode",
            ));
        }
        match self.module {
            Some(path) => Err(StartupError::Module(path)),
            None => Ok(self.directives),
        }
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

#[cfg(test)]
mod tests;
