//! Prefixes of keys, and the clients that are told of all keys that begin with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::clients::Client;

/// Clients by number.
type Followers = BTreeMap<u64, Arc<Client>>;

/// Followers by prefix. One without any is not there.
#[derive(Debug, Default)]
pub struct Prefixes {
    followers: Mutex<BTreeMap<Box<[u8]>, Followers>>,
    count: AtomicUsize,
}

/// Two prefixes of which one begins with the other.
#[derive(Debug, PartialEq, Eq)]
pub enum Overlap {
    /// A new one with one that the client has.
    WithExisting(Vec<u8>, Vec<u8>),
    /// Two new ones.
    WithAnother(Vec<u8>, Vec<u8>),
}

impl Prefixes {
    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets a client follow more prefixes; none stands for the empty one, all keys.
    pub fn join(&self, client: &Arc<Client>, prefixes: &[&[u8]]) {
        let all: &[&[u8]] = &[b""];
        let prefixes = if prefixes.is_empty() { all } else { prefixes };
        let mut followers = self.followers.lock();
        for prefix in prefixes {
            let own = followers.entry(Box::from(*prefix)).or_default();
            own.insert(client.id, Arc::clone(client));
            client.add_prefix(prefix);
        }
        self.count.store(followers.len(), Ordering::Relaxed);
    }

    /// Lets a client follow none any more.
    pub fn part(&self, client: &Client) {
        let prefixes = client.take_prefixes();
        let mut followers = self.followers.lock();
        for prefix in prefixes {
            let Some(own) = followers.get_mut(&prefix) else {
                continue;
            };
            own.remove(&client.id);
            if own.is_empty() {
                followers.remove(&prefix);
            }
        }
        self.count.store(followers.len(), Ordering::Relaxed);
    }

    /// Hands each prefix with its followers to `tell`.
    pub fn for_each(&self, mut tell: impl FnMut(&[u8], &[&Arc<Client>])) {
        for (prefix, own) in self.followers.lock().iter() {
            tell(prefix, &own.values().collect::<Vec<_>>());
        }
    }
}

/// The first of the wanted prefixes that overlaps with one that there is, or that is wanted behind it.
pub fn overlap(existing: &[Box<[u8]>], wanted: &[&[u8]]) -> Option<Overlap> {
    let overlaps = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    wanted.iter().enumerate().find_map(|(index, new)| {
        if let Some(old) = existing.iter().find(|old| overlaps(old, new)) {
            return Some(Overlap::WithExisting(new.to_vec(), old.to_vec()));
        }
        let mut behind = wanted[index + 1..].iter();
        let other = behind.find(|other| overlaps(new, other))?;
        Some(Overlap::WithAnother(new.to_vec(), other.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_overlap_if_one_begins_with_the_other() {
        let existing: Vec<Box<[u8]>> = vec![Box::from(&b"foo"[..])];
        assert_eq!(overlap(&existing, &[b"bar", b"fo0"]), None);
        for new in [&b"foo"[..], b"f", b"food", b""] {
            let expected = Overlap::WithExisting(new.to_vec(), b"foo".to_vec());
            assert_eq!(overlap(&existing, &[new]), Some(expected));
        }
        let expected = Overlap::WithAnother(b"ab".to_vec(), b"a".to_vec());
        assert_eq!(overlap(&[], &[b"x", b"ab", b"a"]), Some(expected));
    }
}
