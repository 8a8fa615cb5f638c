//! Elements chosen at random: how many a command asks for, and which they are.

use std::collections::HashSet;
use std::hash::Hash;

use protocol::Encoder;

use super::{Error, Result};

/// The longest reply of elements that may repeat: a small request could ask for more than there is memory. Redis
/// knows no bound.
const MOST_BYTES: usize = 512 * 1024 * 1024;

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
    pub fn of(count: i64) -> Picks {
        let many = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count < 0 {
            Picks::Any(many)
        } else {
            Picks::Distinct(many)
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

    /// Chooses, and writes each by `write`.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if that is more than may be.
    pub fn pick<T, P, A, S, G>(
        self,
        choice: Choice<A, S, G>,
        out: &mut Encoder<'_>,
        mut write: impl FnMut(&mut Encoder<'_>, T),
    ) -> Result<()>
    where
        T: Copy,
        P: Copy + Eq + Hash,
        A: Iterator<Item = T>,
        S: Fn(&mut fastrand::Rng) -> Option<P>,
        G: Fn(P) -> Option<T>,
    {
        let mut rng = fastrand::Rng::new();
        let Choice { len, mut all, .. } = choice;
        let start = out.mark();
        let mut write = |element| {
            write(out, element);
            match out.output().bytes_since(start) {
                0..MOST_BYTES => Ok(()),
                _ if matches!(self, Picks::Distinct(_)) => Ok(()),
                _ => Err(Error::ReplyTooLong),
            }
        };
        let mut draw = || (choice.sample)(&mut rng);
        match self {
            Picks::Distinct(count) if count >= len => all.try_for_each(write),
            // So many draws would meet what was drawn before too often.
            Picks::Distinct(count) if choice.is_packed || count > len / 3 => {
                chosen_of(all, count, len).try_for_each(write)
            }
            Picks::Distinct(count) => {
                let mut seen = HashSet::with_capacity(count);
                while seen.len() < count
                    && let Some(place) = draw()
                {
                    if seen.insert(place) {
                        (choice.at)(place).map_or(Ok(()), &mut write)?;
                    }
                }
                Ok(())
            }
            Picks::Any(count) if count > 1 && (choice.is_packed || count > len) => {
                let all: Vec<T> = all.collect();
                let chosen = (0..count).map_while(|_| rng.choice(&all));
                chosen.copied().try_for_each(write)
            }
            Picks::Any(count) => {
                let places = (0..count).map_while(|_| draw());
                places.filter_map(choice.at).try_for_each(write)
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

    use bytes::Bytes;
    use protocol::{Output, Version};

    use super::*;

    fn pick(count: i64, len: usize, is_packed: bool) -> Vec<usize> {
        let picks = Picks::of(count);
        let mut output = Output::new();
        let mut picked = Vec::new();
        let choice = Choice {
            len,
            is_packed,
            all: 0..len,
            sample: |rng: &mut fastrand::Rng| (len > 0).then(|| rng.usize(..len)),
            at: Some,
        };
        let out = &mut Encoder::new(&mut output, Version::Resp2);
        let done = picks.pick(choice, out, |_, it| picked.push(it));
        assert!(done.is_ok());
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
        let mut output = Output::new();
        let out = &mut Encoder::new(&mut output, Version::Resp2);
        let long = Bytes::from_static(&[b'x'; 1 << 20]);
        for is_packed in [false, true] {
            let choice = Choice {
                len: 1,
                is_packed,
                all: std::iter::once(0),
                sample: |_: &mut fastrand::Rng| Some(0),
                at: Some,
            };
            // Shared, so that the bytes of it are there only once.
            let count = if is_packed { -1_000 } else { -i64::MAX };
            let done = Picks::of(count).pick(choice, out, |out, _| out.bulk_shared(long.clone()));
            assert!(matches!(done, Err(Error::ReplyTooLong)));
        }
        assert_eq!(Picks::of(i64::MAX).count(3), 3);
    }
}
