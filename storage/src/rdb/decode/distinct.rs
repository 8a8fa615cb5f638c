//! Whether what is packed is there once.

use std::sync::LazyLock;

use hashbrown::HashTable;

use crate::hasher::Hasher;
use crate::value::Listpack;

/// So many are compared each with each.
const FEW: usize = 12;

static HASHER: LazyLock<Hasher> = LazyLock::new(Hasher::default);

/// Whether of each `stride` elements the first is another one.
pub(super) fn are_distinct(packed: &Listpack, stride: usize) -> bool {
    if packed.len() <= FEW * stride {
        return are_few_distinct(packed, stride);
    }
    // Positions, not elements: a listpack may be large, and the element is at hand.
    let hash = |at: u32| packed.get(at as usize).with_bytes(|it| HASHER.hash(it));
    let mut seen: HashTable<u32> = HashTable::new();
    each(packed, stride).all(|at| {
        let is_same = |other: &u32| {
            let other = packed.get(*other as usize);
            packed.get(at as usize).with_bytes(|it| other.is(it))
        };
        let own = hash(at);
        let is_new = seen.find(own, is_same).is_none();
        if is_new {
            seen.insert_unique(own, at, |&at| hash(at));
        }
        is_new
    })
}

fn are_few_distinct(packed: &Listpack, stride: usize) -> bool {
    each(packed, stride).all(|at| {
        let element = packed.get(at as usize);
        let mut later = packed.iter_from(at as usize).skip(stride).step_by(stride);
        !element.with_bytes(|it| later.any(|other| other.is(it)))
    })
}

/// The positions of every `stride`th element.
fn each(packed: &Listpack, stride: usize) -> impl Iterator<Item = u32> {
    let mut items = packed.iter();
    std::iter::from_fn(move || {
        let at = items.position();
        items.nth(stride - 1)?;
        Some(at as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(elements: impl IntoIterator<Item = String>) -> Listpack {
        let mut row = Listpack::new();
        for element in elements {
            row.push_back(element.as_bytes());
        }
        row
    }

    #[test]
    fn an_element_that_is_there_twice_is_found() {
        for count in [1, 2, 10, FEW, FEW + 1, 1000] {
            for make in [|it: usize| it.to_string(), |it: usize| format!("m{it}")] {
                let plain = row((0..count).map(make));
                assert!(are_distinct(&plain, 1));
                for (first, second) in [(0, count), (count - 1, count), (count / 2, count)] {
                    let mut twice = plain.clone();
                    assert_eq!(twice.len(), second);
                    twice.push_back(make(first).as_bytes());
                    assert!(!are_distinct(&twice, 1), "{count} {first}");
                }
                let pairs = row((0..count).flat_map(|it| [make(it), "same".to_owned()]));
                assert!(are_distinct(&pairs, 2));
                let mut twice = pairs.clone();
                twice.push_back(make(0).as_bytes());
                twice.push_back(b"other");
                assert!(!are_distinct(&twice, 2));
            }
        }
        assert!(are_distinct(&Listpack::new(), 2));
    }
}
