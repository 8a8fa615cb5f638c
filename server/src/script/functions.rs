//! The libraries of functions that the server knows.
//!
//! What runs lies in the interpreters of the threads. Each loads a library when it first needs it, and lets those
//! go that are here no longer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;

use super::library::{Draft, Function, Library};

/// What becomes of libraries that are there already when others are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All of them go.
    Flush,
    /// They stay; one of the same name is an error.
    Append,
    /// They stay, but for those of the same name.
    Replace,
}

/// A library that has run, and what it has registered.
pub type Loaded = (Draft, Vec<Function>);

#[derive(Clone, Debug, Default)]
struct Known {
    libraries: BTreeMap<String, Arc<Library>>,
    /// By their names in lower case: the library, and which of its functions.
    functions: HashMap<String, (Arc<Library>, usize)>,
}

impl Known {
    /// Adds a library whose name is free.
    ///
    /// # Errors
    /// The text of the error, if another library has a function of the same name.
    fn add(&mut self, library: Arc<Library>) -> Result<(), String> {
        let names = library.functions.iter();
        let mut lower = names.map(|function| (function, function.name.to_ascii_lowercase()));
        if let Some((function, _)) = lower.find(|(_, name)| self.functions.contains_key(name)) {
            return Err(format!("Function {} already exists", function.name));
        }
        for (index, function) in library.functions.iter().enumerate() {
            // Of two that differ only in case the first is the one to be called.
            let name = function.name.to_ascii_lowercase();
            let place = (Arc::clone(&library), index);
            self.functions.entry(name).or_insert(place);
        }
        let name = library.draft.name.clone();
        self.libraries.insert(name, library);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some(gone) = self.libraries.remove(name) else {
            return false;
        };
        self.functions.retain(|_, (it, _)| it.id != gone.id);
        true
    }
}

/// The libraries that the server knows.
#[derive(Debug, Default)]
pub struct Functions {
    known: RwLock<Known>,
    generation: AtomicU64,
    last_id: AtomicU64,
    lua_bytes: AtomicUsize,
}

impl Functions {
    /// The library with a function of that name, and which of its functions that is.
    pub fn find(&self, name: &[u8]) -> Option<(Arc<Library>, usize)> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        self.known.read().functions.get(&name).cloned()
    }

    /// Whether there is a library of that name.
    pub fn has_library(&self, name: &str) -> bool {
        self.known.read().libraries.contains_key(name)
    }

    /// All libraries, ordered by name.
    pub fn libraries(&self) -> Vec<Arc<Library>> {
        self.known.read().libraries.values().cloned().collect()
    }

    /// The texts of all libraries: what a snapshot keeps of them.
    pub fn texts(&self) -> Vec<Arc<[u8]>> {
        let known = self.known.read();
        let libraries = known.libraries.values();
        libraries.map(|it| Arc::clone(&it.draft.text)).collect()
    }

    /// Adds libraries, all or none of them.
    ///
    /// # Errors
    /// The text of the error, if a name is taken.
    pub fn add(&self, loaded: Vec<Loaded>, policy: Policy) -> Result<(), String> {
        let mut coming = Known::default();
        for (draft, functions) in loaded {
            if coming.libraries.contains_key(&draft.name) {
                return Err(format!("Library '{}' already exists", draft.name));
            }
            let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
            coming.add(Arc::new(Library {
                id,
                draft,
                functions,
            }))?;
        }
        let mut known = self.known.write();
        let mut merged = match policy {
            Policy::Flush => Known::default(),
            Policy::Append | Policy::Replace => known.clone(),
        };
        for name in coming.libraries.keys() {
            if merged.remove(name) && policy == Policy::Append {
                return Err(format!("Library {name} already exists"));
            }
        }
        let mut libraries = coming.libraries.into_values();
        libraries.try_for_each(|library| merged.add(library))?;
        *known = merged;
        self.note_change();
        Ok(())
    }

    /// Forgets a library; whether there was one of that name.
    pub fn delete(&self, name: &[u8]) -> bool {
        let name = String::from_utf8_lossy(name);
        let is_gone = self.known.write().remove(&name);
        self.note_change();
        is_gone
    }

    /// Forgets all libraries.
    pub fn flush(&self) {
        *self.known.write() = Known::default();
        self.note_change();
    }

    fn note_change(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Another number whenever a library has come or gone.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// How many libraries and functions there are.
    pub fn counts(&self) -> (usize, usize) {
        let known = self.known.read();
        let functions = known.libraries.values().map(|it| it.functions.len()).sum();
        (known.libraries.len(), functions)
    }

    /// About how many bytes all libraries take beside the interpreters.
    pub fn text_bytes(&self) -> usize {
        let known = self.known.read();
        let of_library = |it: &Arc<Library>| {
            let functions = it.functions.iter().map(|function| {
                let description = function.description.as_ref().map_or(0, Vec::len);
                size_of::<Function>() + 2 * function.name.len() + description
            });
            size_of::<Library>() + it.draft.text.len() + functions.sum::<usize>()
        };
        known.libraries.values().map(of_library).sum()
    }

    /// Bytes that all interpreters with libraries have allocated.
    pub fn lua_bytes(&self) -> usize {
        self.lua_bytes.load(Ordering::Relaxed)
    }

    /// Corrects the above by what one interpreter has grown or shrunk.
    pub fn note_lua_bytes(&self, before: usize, after: usize) {
        self.lua_bytes
            .fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }
}
