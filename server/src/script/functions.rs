//! The libraries of functions that the server knows, and the interpreter they lie in.
//!
//! Whoever loads, calls or removes functions does so while nothing else runs scripts (`Gates::begin_script`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use mlua::Function as Callback;
use parking_lot::{Mutex, RwLock};

use super::interpreter::Interpreter;
use super::library::{Draft, Function, Library};
use super::register::Patience;

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

/// A library that has run, and is not called yet.
#[derive(Debug)]
pub struct Loaded {
    library: Library,
    callbacks: Vec<Callback>,
}

/// The interpreter for functions, and what each library has registered in it.
#[derive(Debug)]
pub struct Callbacks {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// By the numbers of the libraries, each in the place of its function.
    of_libraries: HashMap<u64, Vec<Callback>>,
}

impl Callbacks {
    /// What a function calls.
    pub fn get(&self, library: &Library, index: usize) -> Option<&Callback> {
        self.of_libraries.get(&library.id)?.get(index)
    }

    fn retain(&mut self, known: &Known) {
        let ids: HashSet<u64> = known.libraries.values().map(|it| it.id).collect();
        self.of_libraries.retain(|id, _| ids.contains(id));
        self.interpreter.collect_garbage();
    }
}

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
    callbacks: Mutex<Option<Callbacks>>,
    last_id: AtomicU64,
    lua_bytes: AtomicUsize,
}

impl Functions {
    /// Runs `work` with the interpreter of functions; `make` makes one where there is none.
    ///
    /// # Errors
    /// Those of both.
    pub fn with_callbacks<R, E>(
        &self,
        make: impl FnOnce() -> Result<Interpreter, E>,
        work: impl FnOnce(&mut Callbacks) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut slot = self.callbacks.lock();
        let callbacks = match &mut *slot {
            Some(callbacks) => callbacks,
            None => slot.insert(Callbacks {
                interpreter: make()?,
                of_libraries: HashMap::new(),
            }),
        };
        let result = work(callbacks);
        self.note_lua_bytes(callbacks);
        result
    }

    /// Runs a library, which is not known by that yet.
    ///
    /// # Errors
    /// The text of the error: see [`Interpreter::load`].
    pub fn run(
        &self,
        callbacks: &Callbacks,
        draft: Draft,
        patience: Patience,
    ) -> Result<Loaded, String> {
        let registered = callbacks.interpreter.load(draft.body(), patience)?;
        let (functions, callbacks) = registered.into_iter().unzip();
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let library = Library {
            id,
            draft,
            functions,
        };
        Ok(Loaded { library, callbacks })
    }

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
    pub fn add(
        &self,
        callbacks: &mut Callbacks,
        loaded: Vec<Loaded>,
        policy: Policy,
    ) -> Result<(), String> {
        let mut coming = Known::default();
        let mut registered = Vec::with_capacity(loaded.len());
        for Loaded { library, callbacks } in loaded {
            let name = &library.draft.name;
            if coming.libraries.contains_key(name) {
                return Err(format!("Library '{name}' already exists"));
            }
            registered.push((library.id, callbacks));
            coming.add(Arc::new(library))?;
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
        // Collecting garbage takes a while: others may look at what is known meanwhile.
        drop(known);
        callbacks.of_libraries.extend(registered);
        callbacks.retain(&self.known.read());
        Ok(())
    }

    /// Forgets a library; whether there was one of that name.
    pub fn delete(&self, name: &[u8]) -> bool {
        let name = String::from_utf8_lossy(name);
        let is_gone = self.known.write().remove(&name);
        self.let_go();
        is_gone
    }

    /// Forgets all libraries, and the interpreter with all that they have left in it.
    pub fn flush(&self) {
        *self.known.write() = Known::default();
        *self.callbacks.lock() = None;
        self.lua_bytes.store(0, Ordering::Relaxed);
    }

    /// Takes from the interpreter what is not known any more.
    fn let_go(&self) {
        if let Some(callbacks) = &mut *self.callbacks.lock() {
            callbacks.retain(&self.known.read());
            self.note_lua_bytes(callbacks);
        }
    }

    fn note_lua_bytes(&self, callbacks: &Callbacks) {
        let lua_bytes = callbacks.interpreter.memory_bytes();
        self.lua_bytes.store(lua_bytes, Ordering::Relaxed);
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

    /// Bytes that the interpreter has allocated.
    pub fn lua_bytes(&self) -> usize {
        self.lua_bytes.load(Ordering::Relaxed)
    }
}
