//! Collections, as an entry holds them.

use super::{Hash, List, Long, Set, Stream, Zset};

/// A collection of any type.
#[derive(Clone, Debug)]
pub enum Object {
    /// A list.
    List(List),
    /// A hash.
    Hash(Hash),
    /// A set.
    Set(Set),
    /// A sorted set.
    Zset(Zset),
    /// A stream.
    Stream(Stream),
}

const _: () = assert!(size_of::<Object>() <= 32);

/// One of the types of [`Object`].
pub trait Collection: Default + Into<Object> {
    /// The name `TYPE` gives.
    const TYPE: &'static str;

    /// The collection, if the object is one of this type.
    fn of(object: &Object) -> Option<&Self>;

    /// The collection, to change in place.
    fn of_mut(object: &mut Object) -> Option<&mut Self>;

    /// Whether a key that holds it goes: it is empty, and not of a type that may be.
    fn is_gone(&self) -> bool;

    /// A moment at which fields of it may have expired, in milliseconds since 1970: only those of hashes do.
    #[inline]
    fn due_ms(&self) -> i64 {
        i64::MAX
    }
}

macro_rules! collections {
    ($($name:ident $text:literal $is_gone:expr $(, $due:expr)?;)*) => {
        $(
            impl From<$name> for Object {
                fn from(collection: $name) -> Object {
                    Object::$name(collection)
                }
            }

            impl Collection for $name {
                const TYPE: &'static str = $text;

                #[inline]
                fn of(object: &Object) -> Option<&$name> {
                    match object {
                        Object::$name(collection) => Some(collection),
                        _ => None,
                    }
                }

                #[inline]
                fn of_mut(object: &mut Object) -> Option<&mut $name> {
                    match object {
                        Object::$name(collection) => Some(collection),
                        _ => None,
                    }
                }

                fn is_gone(&self) -> bool {
                    let is_gone: fn(&$name) -> bool = $is_gone;
                    is_gone(self)
                }

                $(
                    #[inline]
                    fn due_ms(&self) -> i64 {
                        $due(self)
                    }
                )?
            }
        )*

        impl Object {
            /// How many elements.
            pub fn len(&self) -> usize {
                match self {
                    $(Object::$name(collection) => collection.len(),)*
                }
            }

            /// The name `OBJECT ENCODING` gives.
            pub fn encoding(&self) -> &'static str {
                match self {
                    $(Object::$name(collection) => collection.encoding(),)*
                }
            }

            /// The name `TYPE` gives.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Object::$name(_) => $name::TYPE,)*
                }
            }

            /// Bytes beyond the object itself that it holds, in allocator classes. O(1).
            pub fn heap_bytes(&self) -> usize {
                match self {
                    $(Object::$name(collection) => collection.heap_bytes(),)*
                }
            }
        }
    };
}

collections! {
    List "list" List::is_empty;
    Hash "hash" Hash::is_empty, Hash::soonest_ms;
    Set "set" Set::is_empty;
    Zset "zset" Zset::is_empty;
    // A stream that has lost its last entry keeps its groups and its last id.
    Stream "stream" |_| false;
}

impl Object {
    /// See [`Collection::due_ms`].
    #[inline]
    pub fn due_ms(&self) -> i64 {
        match self {
            Object::Hash(hash) => hash.due_ms(),
            _ => i64::MAX,
        }
    }

    /// Whether it has no element; a stream may stay all the same.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What held a value that another has taken the place of.
#[derive(Debug)]
pub enum Spent {
    /// A long string.
    Buffer(Long),
    /// A collection.
    Object(Box<Object>),
}

impl Spent {
    /// Bytes that dropping it gives back.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Spent::Buffer(buffer) => buffer.heap_bytes(),
            Spent::Object(object) => object.heap_bytes(),
        }
    }
}
