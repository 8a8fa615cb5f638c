//! Numbers read and printed as a Redis 7.4.1 did, which was asked for every line of the fixtures.

use protocol::number::{format_f64, parse_f64, parse_long_double};

/// Value, increment and the reply of INCRBYFLOAT.
const INCRBYFLOAT: &str = include_str!("fixtures/incrbyfloat.tsv");
/// The bits of a double, and how ZSCORE printed it. Some are a digit longer than they need be.
const DOUBLES: &str = include_str!("fixtures/doubles.tsv");

fn incremented(value: &str, increment: &str) -> String {
    let value = parse_long_double(value.as_bytes());
    let increment = parse_long_double(increment.as_bytes());
    let (Some(value), Some(increment)) = (value, increment) else {
        return "-ERR value is not a valid float".to_owned();
    };
    let sum = value + increment;
    match sum.is_finite() {
        true => sum.to_string(),
        false => "-ERR increment would produce NaN or Infinity".to_owned(),
    }
}

#[test]
fn sums_are_those_of_incrbyfloat() {
    for line in INCRBYFLOAT.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [value, increment, expected] = fields[..] else {
            panic!("three fields: {line}");
        };
        assert_eq!(
            incremented(value, increment),
            expected,
            "{value} + {increment}"
        );
    }
}

#[test]
fn doubles_are_printed_as_in_zscore() {
    for line in DOUBLES.lines() {
        let (bits, expected) = line.split_once('\t').expect("two fields");
        let number = f64::from_bits(u64::from_str_radix(bits, 16).expect("bits"));
        assert_eq!(format_f64(number).to_string(), expected, "{number:e}");
        assert_eq!(parse_f64(expected.as_bytes()), Some(number));
    }
}
