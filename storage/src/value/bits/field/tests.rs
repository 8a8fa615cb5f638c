//! Fields against a model that is a list of bits.

use proptest::prelude::*;

use super::super::tests::bits_of;
use super::*;

proptest! {
    #[test]
    fn fields_hold_what_was_put(
        bytes in prop::collection::vec(any::<u8>(), 20), at in 0..90_u64, is_signed: bool,
        bits in 1..=64_u32, number: i64,
    ) {
        let kind = kind(is_signed, bits);
        let (from, to) = (at as usize, (at + u64::from(kind.bits())) as usize);
        let mut model = bits_of(&bytes);
        prop_assert_eq!(kind.get(&bytes, at), spelled(&model[from..to], is_signed));
        let mut changed = bytes;
        kind.put(&mut changed, at, number);
        let low = (from..to).map(|at| number >> (to - 1 - at) & 1 == 1);
        model.splice(from..to, low.collect::<Vec<_>>());
        prop_assert_eq!(bits_of(&changed), model);
    }

    #[test]
    fn sums_stay_within_their_bits(
        is_signed: bool, bits in 1..=64_u32, old: i64, increment in increments(),
    ) {
        let kind = kind(is_signed, bits);
        let old = kind.from_low_bits(old);
        let sum = i128::from(old) + i128::from(increment);
        let low = if is_signed { -(1_i128 << (kind.bits - 1)) } else { 0 };
        let high = low + (1_i128 << kind.bits) - 1;
        let fits = (low..=high).contains(&sum);
        prop_assert_eq!(
            kind.sum(old, increment, Overflow::Fail).map(i128::from), fits.then_some(sum)
        );
        let nearest = kind.sum(old, increment, Overflow::Saturate).map(i128::from);
        prop_assert_eq!(nearest, Some(sum.clamp(low, high)));
        let wrapped = (sum - low).rem_euclid(high - low + 1) + low;
        prop_assert_eq!(kind.sum(old, increment, Overflow::Wrap).map(i128::from), Some(wrapped));
    }
}

fn increments() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -300..300_i64, Just(i64::MAX), Just(i64::MIN)]
}

fn kind(is_signed: bool, bits: u32) -> Kind {
    Kind {
        is_signed,
        bits: bits.min(if is_signed { 64 } else { 63 }),
    }
}

fn spelled(bits: &[bool], is_signed: bool) -> i64 {
    let raw = bits
        .iter()
        .fold(0_i128, |sum, bit| sum << 1 | i128::from(*bit));
    let number = if is_signed && bits[0] {
        raw - (1 << bits.len())
    } else {
        raw
    };
    i64::try_from(number).expect("at most 64 bits with a sign, 63 without")
}

#[test]
fn only_some_kinds_have_names() {
    for (name, expected) in [
        ("i1", Some((true, 1))),
        ("i64", Some((true, 64))),
        ("u63", Some((false, 63))),
        ("u8\0x", Some((false, 8))),
        ("u64", None),
        ("i65", None),
        ("i0", None),
        ("u-1", None),
        ("u08", None),
        ("u 8", None),
        ("U8", None),
        ("8", None),
        ("u", None),
        ("", None),
        ("u18446744073709551624", None),
    ] {
        let kind = Kind::named(name.as_bytes());
        assert_eq!(kind.map(|it| (it.is_signed, it.bits)), expected, "{name}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_treated_as_by_redis() {
    let set = |name: &str, number| {
        let kind = Kind::named(name.as_bytes()).expect("a kind");
        [Overflow::Wrap, Overflow::Saturate, Overflow::Fail].map(|it| kind.fitted(number, it))
    };
    assert_eq!(set("u8", 300), [Some(44), Some(255), None]);
    assert_eq!(set("u8", -1), [Some(255), Some(255), None]);
    assert_eq!(set("i8", -200), [Some(56), Some(-128), None]);
    assert_eq!(set("i8", i64::MIN), [Some(0), Some(127), None]);
    assert_eq!(
        set("i8", -9223372036854775680),
        [Some(-128), Some(-128), None]
    );
    assert_eq!(
        set("i8", -9223372036854775681),
        [Some(127), Some(127), None]
    );
    assert_eq!(set("i64", i64::MIN), [Some(i64::MIN); 3]);
    assert_eq!(set("u63", i64::MAX), [Some(i64::MAX); 3]);
    assert_eq!(set("i1", 1), [Some(-1), Some(0), None]);
}
