//! Lists.

/// A list.
#[derive(Clone, Debug, Default)]
pub struct List {}

impl List {
    /// How many elements.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        "listpack"
    }

    /// Bytes beyond the object itself that it holds, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        0
    }
}
