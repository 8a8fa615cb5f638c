//! Registers of 6 bits, one after the other, the lowest bits of the first byte first.

use super::REGISTERS;

/// Bits of a register.
const BITS: usize = 6;
/// What all registers take.
pub(super) const BYTES: usize = REGISTERS * BITS / 8;
/// How many values a register may have.
pub(super) const RANKS: usize = 1 << BITS;

/// How often each value stands in a register.
pub(super) type Histogram = [u32; RANKS];

/// Raises a register if it is lower; whether it was. Where there is no such register, nothing is raised.
pub(super) fn raise(bytes: &mut [u8], index: usize, rank: u8) -> bool {
    let (groups, _) = bytes.as_chunks_mut::<3>();
    let Some(group) = groups.get_mut(index / 4) else {
        return false;
    };
    let mut ranks = unpacked(*group);
    let place = &mut ranks[index % 4];
    if *place >= rank {
        return false;
    }
    *place = rank;
    *group = packed(ranks);
    true
}

/// Four registers lie in three bytes.
fn unpacked([a, b, c]: [u8; 3]) -> [u8; 4] {
    let group = u32::from_le_bytes([a, b, c, 0]);
    [0, 1, 2, 3].map(|at| (group >> (at * BITS)) as u8 % RANKS as u8)
}

fn packed(ranks: [u8; 4]) -> [u8; 3] {
    let group = ranks
        .iter()
        .rev()
        .fold(0, |group, rank| group << BITS | u32::from(*rank));
    let [a, b, c, _] = group.to_le_bytes();
    [a, b, c]
}

/// Writes registers behind what is in `out`.
pub(super) fn push(out: &mut Vec<u8>, ranks: &[u8; REGISTERS]) {
    let (groups, _) = ranks.as_chunks::<4>();
    out.extend(groups.iter().flat_map(|group| packed(*group)));
}

pub(super) fn histogram(bytes: &[u8]) -> Histogram {
    // Of two neighbours with the same value, one need not wait for the other.
    let mut histograms = [[0; RANKS]; 4];
    let (groups, _) = bytes.as_chunks::<3>();
    for group in groups {
        for (histogram, rank) in histograms.iter_mut().zip(unpacked(*group)) {
            histogram[usize::from(rank) % RANKS] += 1;
        }
    }
    std::array::from_fn(|rank| histograms.iter().map(|it| it[rank]).sum())
}

/// Raises `ranks` to these registers.
pub(super) fn merge(bytes: &[u8], ranks: &mut [u8; REGISTERS]) {
    let (groups, _) = bytes.as_chunks::<3>();
    let (places, _) = ranks.as_chunks_mut::<4>();
    for (place, group) in places.iter_mut().zip(groups) {
        let ranks = unpacked(*group);
        for (place, rank) in place.iter_mut().zip(ranks) {
            *place = (*place).max(rank);
        }
    }
}
