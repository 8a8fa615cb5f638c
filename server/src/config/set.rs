//! `CONFIG SET`: several options change together, or none does.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::options::{self, Change, Named, OptionId};
use super::types::Origin;
use super::value::{Kind, Refusal, Value, until_nul};
use super::{Config, os_reason};

/// Under which circumstances options are set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Where the connection comes from.
    pub origin: Origin,
    /// Whether data is being loaded.
    pub is_loading: bool,
}

/// Why options were not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// There is no option of this name.
    Unknown(Vec<u8>),
    /// Not while data is loaded.
    Loading,
    /// The option of this name refused, for this reason.
    Refused(Vec<u8>, String),
}

impl SetError {
    /// The reply, with its code; `show` makes text of a name as it was sent, which need not be UTF-8.
    pub fn text(&self, show: impl Fn(&[u8]) -> String) -> String {
        match self {
            Self::Unknown(name) => format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                show(name)
            ),
            Self::Loading => "LOADING Redis is loading the dataset in memory".to_owned(),
            Self::Refused(name, reason) => format!(
                "ERR CONFIG SET failed (possibly related to argument '{}') - {reason}",
                show(name)
            ),
        }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text(|name| String::from_utf8_lossy(name).into_owned()))
    }
}

impl std::error::Error for SetError {}

/// Makes new values happen; see [`Config::set`].
pub type Apply<'a> = &'a mut dyn FnMut(&[OptionId]) -> Result<(), (OptionId, String)>;

impl Config {
    /// Sets options, names and values by turns; tells which changed.
    ///
    /// Once all are valid and in place, `apply` is called with those that changed, if any did. It makes
    /// them happen; if it cannot, it names the option and the reason, and all options are what they were
    /// (what `apply` did by then, it undoes itself).
    ///
    /// # Errors
    /// The first that Redis would name: of all names, one that is unknown, cannot change at run time, is
    /// protected, must not change while loading, or is named twice; then of all values, one that its
    /// option refuses; then what `apply` refused.
    pub fn set(
        &self,
        pairs: &[(&[u8], &[u8])],
        setting: Setting,
        apply: Apply<'_>,
    ) -> Result<Vec<OptionId>, SetError> {
        let _changing = self.changing.lock();
        let named = self.settable(pairs, setting)?;
        let mut replaced: Vec<(Named, Value)> = Vec::new();
        let result = self.set_all(&named, pairs, &mut replaced).and_then(|()| {
            let changed = self.changed(&replaced);
            self.apply(&named, &changed, apply)?;
            Ok(changed)
        });
        if result.is_err() {
            for (named, old) in replaced.into_iter().rev() {
                self.roll_back(named.id, old);
            }
        }
        result
    }

    /// Finds the options and refuses those that cannot be set now.
    fn settable(&self, pairs: &[(&[u8], &[u8])], setting: Setting) -> Result<Vec<Named>, SetError> {
        let mut all: Vec<Named> = Vec::new();
        for (name, _) in pairs {
            let Some(named) = options::find(name) else {
                return Err(SetError::Unknown(until_nul(name).to_vec()));
            };
            let spec = named.id.spec();
            if spec.change == Change::AtStart {
                return Err(refused(name, "can't set immutable config"));
            }
            if spec.traits.is_protected && !self.allows_protected(setting.origin) {
                return Err(refused(name, "can't set protected config"));
            }
            if spec.traits.denies_loading && setting.is_loading {
                return Err(SetError::Loading);
            }
            // An alias beside its option is no duplicate: the later value stays.
            if all.iter().any(|other| other.name == named.name) {
                return Err(refused(name, "duplicate parameter"));
            }
            all.push(named);
        }
        Ok(all)
    }

    fn allows_protected(&self, origin: Origin) -> bool {
        self.get(options::ENABLE_PROTECTED_CONFIGS).allows(origin)
    }

    fn set_all(
        &self,
        named: &[Named],
        pairs: &[(&[u8], &[u8])],
        replaced: &mut Vec<(Named, Value)>,
    ) -> Result<(), SetError> {
        for (&named, (_, text)) in named.iter().zip(pairs) {
            let old = self.load(named.id);
            let arguments = match named.id.spec().kind.takes_several() {
                true => words_of(text),
                false => vec![*text],
            };
            self.assign(named.id, &arguments)
                .map_err(|reason| refused(named.name.as_bytes(), reason))?;
            replaced.push((named, old));
        }
        Ok(())
    }

    /// Those of the replaced that hold something else now.
    fn changed(&self, replaced: &[(Named, Value)]) -> Vec<OptionId> {
        let mut changed: Vec<OptionId> = Vec::new();
        for (named, old) in replaced {
            if !changed.contains(&named.id) && self.load(named.id) != *old {
                changed.push(named.id);
            }
        }
        changed
    }

    fn apply(
        &self,
        named: &[Named],
        changed: &[OptionId],
        apply: Apply<'_>,
    ) -> Result<(), SetError> {
        if changed.is_empty() {
            return Ok(());
        }
        apply(changed).map_err(|(id, reason)| {
            let name = named
                .iter()
                .find(|named| named.id == id)
                .map_or(id.spec().name, |it| it.name);
            refused(name.as_bytes(), reason)
        })
    }

    /// Reads a value and puts it in place; the working directory is entered.
    ///
    /// # Errors
    /// The reason, in Redis' words; then nothing has changed.
    pub(super) fn assign(&self, id: OptionId, arguments: &[&[u8]]) -> Result<(), Refusal> {
        let spec = id.spec();
        let value = match (spec.kind.parse(arguments, &self.load(id))?, spec.clamp) {
            (Value::Text(dir), _) if matches!(spec.kind, Kind::Directory) => enter(&dir)?,
            (Value::Number(number), Some((min, max))) => Value::Number(number.clamp(min, max)),
            (value, _) => value,
        };
        self.store(id, value);
        Ok(())
    }

    fn roll_back(&self, id: OptionId, old: Value) {
        if let (Kind::Directory, Value::Text(dir)) = (id.spec().kind, &old) {
            // It was the working directory a moment ago. If it is gone by now there is no way back,
            // and the option tells where the server is.
            if enter(dir).is_err() {
                return;
            }
        }
        self.store(id, old);
    }
}

/// A name is shown as it was written while names are looked at, and as the table has it later on.
fn refused(name: &[u8], reason: impl Into<String>) -> SetError {
    SetError::Refused(until_nul(name).to_vec(), reason.into())
}

/// What single spaces separate: two of them have an empty word between them. No text has no words.
fn words_of(text: &[u8]) -> Vec<&[u8]> {
    match text {
        b"" => Vec::new(),
        text => text.split(|&byte| byte == b' ').collect(),
    }
}

/// Goes to a directory; gives its full path.
fn enter(dir: &[u8]) -> Result<Value, Refusal> {
    let dir = Path::new(std::ffi::OsStr::from_bytes(dir));
    std::env::set_current_dir(dir).map_err(|error| Refusal::from(os_reason(&error)))?;
    let path = std::env::current_dir().map_err(|error| Refusal::from(os_reason(&error)))?;
    Ok(Value::Text(path.into_os_string().into_encoded_bytes()))
}

#[cfg(test)]
mod tests;
