//! Bits against a model that is a list of them.

use proptest::prelude::*;

use super::*;

pub(super) fn bits_of(bytes: &[u8]) -> Vec<bool> {
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1 == 1));
    bits.collect()
}

/// Strings as bitmaps are: random, or long runs of the same byte with a few others among them.
fn strings() -> impl Strategy<Value = Vec<u8>> {
    let runs = (
        any::<bool>(),
        0..400_usize,
        prop::collection::vec((0..400_usize, any::<u8>()), 0..4),
    );
    let runs = runs.prop_map(|(is_full, len, others)| {
        let mut bytes = vec![if is_full { 0xff } else { 0 }; len];
        for (at, byte) in others {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..40), runs]
}

proptest! {
    #[test]
    fn ones_are_counted_and_found(
        bytes in strings(), start in 0..3_300_u64, len in 0..3_300_u64, bit: bool,
    ) {
        let model = bits_of(&bytes);
        let range = start..start + len;
        let there: Vec<usize> = (0..model.len())
            .filter(|at| range.contains(&(*at as u64)))
            .collect();
        let ones = there.iter().filter(|at| model[**at]).count();
        prop_assert_eq!(count(&bytes, range.clone()), ones as u64);
        let first = there.iter().find(|at| model[**at] == bit);
        prop_assert_eq!(find(&bytes, bit, range), first.map(|at| *at as u64));
        prop_assert_eq!(get(&bytes, start), model.get(start as usize).copied().unwrap_or(false));
    }

    #[test]
    fn one_bit_changes(mut bytes in prop::collection::vec(any::<u8>(), 1..20), at: u64, bit: bool) {
        let mut model = bits_of(&bytes);
        let at = at % model.len() as u64;
        prop_assert_eq!(put(&mut bytes, at, bit), model[at as usize]);
        model[at as usize] = bit;
        prop_assert_eq!(bits_of(&bytes), model);
    }

    #[test]
    fn strings_are_combined_bit_by_bit(a in strings(), b in strings()) {
        let (left, right) = (bits_of(&a), bits_of(&b));
        let longest = left.len().max(right.len());
        let bit = |bits: &[bool], at: usize| bits.get(at).copied().unwrap_or(false);
        for (operation, of) in [
            (Operation::And, (|a, b| a & b) as fn(bool, bool) -> bool),
            (Operation::Or, |a, b| a | b),
            (Operation::Xor, |a, b| a ^ b),
        ] {
            let mut result = a.clone();
            combine(operation, &mut result, &b);
            let expected: Vec<bool> = (0..longest)
                .map(|at| of(bit(&left, at), bit(&right, at)))
                .collect();
            prop_assert_eq!(bits_of(&result), expected);
        }
        let mut result = a;
        invert(&mut result);
        prop_assert_eq!(bits_of(&result), left.iter().map(|bit| !bit).collect::<Vec<_>>());
    }
}

#[test]
fn no_string_is_longer_than_memory() {
    assert_eq!(bytes_for(0), Some(1));
    assert_eq!(bytes_for(8), Some(2));
    assert_eq!(bytes_for(u64::MAX), Some(1 << 61));
}
