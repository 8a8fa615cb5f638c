//! How large the radix tree would be in which Redis keeps the nodes of a stream (`rax.c`).
//!
//! Nothing here depends on it; `XINFO STREAM` tells it, and an operator sees the figures that he knows.

/// The bytes of a key.
const DEPTH: usize = 16;

/// How many nodes a radix tree has with these keys, which come in order and without repetition.
///
/// Each fork is a node and so is the end of each key. What lies between two of these is one more,
/// however long, but for its first byte, which is part of the fork above.
pub(super) fn count_nodes(keys: impl Iterator<Item = u128>) -> usize {
    let mut count = 0;
    // The depths of the forks above the present key, the deepest last.
    let mut forks = Vec::with_capacity(DEPTH);
    let mut previous: Option<u128> = None;
    for key in keys {
        if let Some(before) = previous.replace(key) {
            let depth = ((before ^ key).leading_zeros() / 8) as usize;
            count += end(&forks, Some(depth)) + close(&mut forks, Some(depth));
            if forks.last() != Some(&depth) {
                forks.push(depth);
            }
        }
    }
    match previous {
        Some(_) => count + end(&forks, None) + close(&mut forks, None),
        // An empty tree is its root.
        None => 1,
    }
}

/// The nodes of the end of a key, below the deepest fork: one known before, or the one just found.
fn end(forks: &[usize], found: Option<usize>) -> usize {
    1 + between(forks.last().copied().max(found), DEPTH)
}

/// The nodes of all forks deeper than the one just found, which no later key belongs to.
fn close(forks: &mut Vec<usize>, found: Option<usize>) -> usize {
    let mut count = 0;
    while let Some(deepest) = forks.pop_if(|deepest| Some(*deepest) > found) {
        count += 1 + between(forks.last().copied().max(found), deepest);
    }
    count
}

/// The nodes between a fork, or the root, and what is below it.
fn between(above: Option<usize>, below: usize) -> usize {
    usize::from(above.map_or(0, |above| above + 1) < below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(keys: &[u128]) -> usize {
        count_nodes(keys.iter().copied())
    }

    /// What Redis 7.4.1 says of streams whose nodes have these ids.
    #[test]
    fn forks_ends_and_stretches_are_counted() {
        let id = |ms: u128, seq: u128| ms << 64 | seq;
        let last = id(1 << 56, 1);
        assert_eq!(count(&[]), 1);
        assert_eq!(count(&[5]), 2);
        assert_eq!(count(&[id(1, 1), id(1, 2)]), 4);
        assert_eq!(count(&[id(1, 1), id(1, 2), id(1, 3)]), 5);
        assert_eq!(count(&[id(1, 1), id(1, 256)]), 6);
        assert_eq!(count(&[id(1, 1), id(2, 1)]), 6);
        assert_eq!(count(&[id(1, 1), id(256, 1)]), 6);
        assert_eq!(count(&[id(1, 1), id(1, 2), id(2, 1)]), 8);
        assert_eq!(count(&[id(1, 1), id(1, 257), id(1, 65793)]), 9);
        assert_eq!(count(&[id(1, 0), id(1 << 56, 0)]), 5);
        assert_eq!(count(&[id(1, 1), id(1, 2), id(1 << 56, 0)]), 7);
        let (low, high) = (id(1, 300), id(70_000, 7));
        let many = [
            id(1, 1),
            id(1, 2),
            low,
            low + 1,
            id(5, 0),
            high,
            high + 1,
            last,
        ];
        assert_eq!(count(&many), 21);
    }
}
