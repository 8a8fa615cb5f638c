//! Elements chosen at random: how many a command asks for, and which they are.

use std::collections::HashSet;
use std::hash::Hash;

use super::{Error, Result};

/// The most elements that one reply holds. Redis knows no bound; a reply of so many is gigabytes long, and built
/// while nobody else gets to the key.
const MOST: usize = 1 << 24;

/// A count as `HRANDFIELD` and its like take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picks {
    /// So many different elements, or all.
    Distinct(usize),
    /// Exactly so many, each of them any.
    Any(usize),
}

/// A collection to choose from: all its elements, where a random one is, and what is at such a place.
pub struct Choice<A, S, G> {
    /// How many elements it has.
    pub len: usize,
    /// Whether choosing one passes over others.
    pub is_packed: bool,
    /// All elements.
    pub all: A,
    /// Where one is, chosen at random.
    pub sample: S,
    /// The element at such a place.
    pub at: G,
}

impl Picks {
    /// What a count asks for: a negative one allows for the same element again.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if there would be too many.
    pub fn of(count: i64) -> Result<Picks> {
        let many = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        match count {
            0.. => Ok(Picks::Distinct(many)),
            _ if many > MOST => Err(Error::ReplyTooLong),
            _ => Ok(Picks::Any(many)),
        }
    }

    /// How many elements are chosen of `len`.
    pub fn count(self, len: usize) -> usize {
        match self {
            Picks::Distinct(count) => count.min(len),
            Picks::Any(_) if len == 0 => 0,
            Picks::Any(count) => count,
        }
    }

    /// Chooses, and hands each to `write`.
    pub fn pick<T, P, A, S, G>(self, choice: Choice<A, S, G>, mut write: impl FnMut(T))
    where
        T: Copy,
        P: Copy + Eq + Hash,
        A: Iterator<Item = T>,
        S: Fn(&mut fastrand::Rng) -> Option<P>,
        G: Fn(P) -> Option<T>,
    {
        let mut rng = fastrand::Rng::new();
        let Choice { len, all, .. } = choice;
        let mut draw = || (choice.sample)(&mut rng);
        match self {
            Picks::Distinct(count) if count >= len => all.for_each(write),
            // So many draws would meet what was drawn before too often.
            Picks::Distinct(count) if choice.is_packed || count > len / 3 => {
                chosen_of(all, count, len).for_each(write);
            }
            Picks::Distinct(count) => {
                let mut seen = HashSet::with_capacity(count);
                while seen.len() < count
                    && let Some(place) = draw()
                {
                    if seen.insert(place) {
                        (choice.at)(place).into_iter().for_each(&mut write);
                    }
                }
            }
            Picks::Any(count) if count > 1 && (choice.is_packed || count > len) => {
                let all: Vec<T> = all.collect();
                let chosen = (0..count).filter_map(|_| rng.choice(&all));
                chosen.copied().for_each(write);
            }
            Picks::Any(count) => {
                let places = (0..count).map_while(|_| draw());
                places.filter_map(choice.at).for_each(write);
            }
        }
    }
}

/// `count` of the `len` elements, each as likely as another, in their order (Knuth's selection sampling,
/// TAOCP 3.4.2, algorithm S).
fn chosen_of<T>(all: impl Iterator<Item = T>, count: usize, len: usize) -> impl Iterator<Item = T> {
    let mut rng = fastrand::Rng::new();
    let (mut wanted, mut left) = (count, len);
    all.filter(move |_| {
        let is_chosen = rng.usize(..left.max(1)) < wanted;
        left = left.saturating_sub(1);
        wanted -= usize::from(is_chosen);
        is_chosen
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn pick(count: i64, len: usize, is_packed: bool) -> Vec<usize> {
        let picks = Picks::of(count).expect("not too many");
        let mut picked = Vec::new();
        let choice = Choice {
            len,
            is_packed,
            all: 0..len,
            sample: |rng: &mut fastrand::Rng| (len > 0).then(|| rng.usize(..len)),
            at: Some,
        };
        picks.pick(choice, |it| picked.push(it));
        assert_eq!(picked.len(), picks.count(len));
        picked
    }

    #[test]
    fn every_way_to_choose_gives_as_many_as_it_says() {
        for is_packed in [false, true] {
            for len in [0, 1, 2, 10, 100] {
                for count in [0, 1, 2, 3, 9, 10, 11, 34, 99, 100, 101, 1_000] {
                    let distinct: BTreeSet<usize> =
                        pick(count, len, is_packed).into_iter().collect();
                    assert_eq!(distinct.len(), len.min(count as usize));
                    let any = pick(-count, len, is_packed);
                    assert!(any.iter().all(|&it| it < len));
                }
            }
        }
    }

    #[test]
    fn each_is_as_likely_as_another() {
        for (count, is_packed) in [(3, false), (3, true), (6, false), (-3, false), (-30, true)] {
            let mut times = [0; 10];
            let rounds = 30_000 / i64::abs(count);
            for _ in 0..rounds {
                pick(count, 10, is_packed)
                    .into_iter()
                    .for_each(|it| times[it] += 1);
            }
            // 3,000 each, and a standard deviation of at most 55.
            assert!(
                times.iter().all(|it| (2_650..3_350).contains(it)),
                "{times:?}"
            );
        }
    }

    #[test]
    fn what_no_memory_holds_is_refused() {
        assert!(Picks::of(-i64::MAX).is_err());
        assert_eq!(Picks::of(i64::MAX).map(|it| it.count(3)).ok(), Some(3));
    }
}
