//! HyperLogLogs against a model that is an array of registers.

use fastrand::Rng;
use proptest::prelude::*;

use super::*;

/// The default of `hll-sparse-max-bytes`.
const MAX_BYTES: usize = 3000;

fn ranks_of(bytes: &[u8]) -> Vec<u8> {
    let mut registers = Registers::default();
    registers.merge(bytes).expect("sound");
    registers.iter().collect()
}

fn raise_one(bytes: &mut Vec<u8>, index: usize, rank: u8) -> Result<bool, Corrupted> {
    raise(bytes, (index, rank), MAX_BYTES, &mut Place::start())
}

#[test]
fn an_empty_one_is_the_bytes_that_redis_writes() {
    let bytes = empty();
    assert_eq!(bytes, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert_eq!((count(&bytes), cached_count(&bytes)), (Ok(0), Some(0)));
    assert_eq!(decoded(&bytes).as_deref(), Some("Z:16384"));
}

#[test]
fn elements_raise_registers_whatever_the_encoding() {
    let mut model = vec![0; REGISTERS];
    let mut dense = empty();
    assert_eq!(make_dense(&mut dense), Ok(true));
    assert_eq!(make_dense(&mut dense), Ok(false));
    let mut grown = empty();
    let mut long = empty();
    let mut last_sparse = 0;
    for number in 0..20_000_u32 {
        let element = number.to_string();
        let (index, rank) = hash::register(element.as_bytes());
        let is_raised = model[index] < rank;
        model[index] = model[index].max(rank);
        for (bytes, max_bytes) in [
            (&mut dense, 0),
            (&mut grown, MAX_BYTES),
            (&mut long, usize::MAX),
        ] {
            assert_eq!(add(bytes, element.as_bytes(), max_bytes), Ok(is_raised));
        }
        if encoding(&grown) == Some(Encoding::Sparse) {
            assert!(grown.len() <= MAX_BYTES);
            last_sparse = number;
        }
        if number % 997 == 0 {
            for bytes in [&dense, &grown, &long] {
                assert_eq!(ranks_of(bytes), model);
                assert_eq!(count(bytes), count(&dense));
            }
        }
    }
    assert!((500..5_000).contains(&last_sparse), "{last_sparse}");
    assert_eq!(encoding(&grown), Some(Encoding::Dense));
    assert_eq!(encoding(&long), Some(Encoding::Sparse));
    assert_eq!(make_dense(&mut long), Ok(true));
    assert_eq!(long[HEADER_BYTES..], dense[HEADER_BYTES..]);
}

#[test]
fn a_high_rank_makes_it_dense_at_once() {
    let mut bytes = empty();
    assert_eq!(raise_one(&mut bytes, 7, 32), Ok(true));
    assert_eq!(decoded(&bytes).as_deref(), Some("z:7 v:32,1 Z:16376"));
    assert_eq!(raise_one(&mut bytes, 7, 33), Ok(true));
    assert_eq!(encoding(&bytes), Some(Encoding::Dense));
    assert_eq!(ranks_of(&bytes)[..9], [0, 0, 0, 0, 0, 0, 0, 33, 0]);
    assert_eq!(decoded(&bytes), None);
}

#[test]
fn alike_neighbours_are_one_run() {
    let mut bytes = empty();
    for index in [3, 5, 4, 2, 6, 0, 16_383] {
        assert_eq!(raise_one(&mut bytes, index, 2), Ok(true));
    }
    let runs = "v:2,1 z:1 v:2,4 v:2,1 Z:16376 v:2,1";
    assert_eq!(decoded(&bytes).as_deref(), Some(runs));
    assert_eq!(raise_one(&mut bytes, 4, 1), Ok(false));
    assert_eq!(raise_one(&mut bytes, 4, 3), Ok(true));
    let runs = "v:2,1 z:1 v:2,2 v:3,1 v:2,2 Z:16376 v:2,1";
    assert_eq!(decoded(&bytes).as_deref(), Some(runs));
}

#[test]
fn the_last_count_is_kept_until_something_changes() {
    for max_bytes in [MAX_BYTES, 0] {
        let mut bytes = empty();
        add(&mut bytes, b"a", max_bytes).expect("sound");
        mark_stale(&mut bytes);
        assert_eq!(cached_count(&bytes), None);
        cache_count(&mut bytes, 0x0102_0304_0506_0708);
        assert_eq!(cached_count(&bytes), Some(0x0102_0304_0506_0708));
        assert_eq!(bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(count(&bytes), Ok(1));
    }
}

#[test]
fn counts_are_about_right() {
    let mut registers = Registers::default();
    let mut bytes = empty();
    make_dense(&mut bytes).expect("sound");
    for number in 1..=300_000_u64 {
        add(&mut bytes, &number.to_le_bytes(), 0).expect("sound");
        if [100, 1_000, 10_000, 100_000, 300_000].contains(&number) {
            let estimate = count(&bytes).expect("sound") as f64;
            // The standard error is 0.81 %.
            let error = (estimate / number as f64 - 1.0).abs();
            assert!(error < 0.03, "{estimate} instead of {number}");
        }
    }
    registers.merge(&bytes).expect("sound");
    assert_eq!(Ok(registers.count()), count(&bytes));
}

#[test]
fn registers_of_any_height_are_counted_as_redis_does() {
    let count_of = |first: usize, low: u8, high: u8| {
        let ranks = std::array::from_fn(|at| if at < first { low } else { high });
        let mut bytes = empty();
        make_dense(&mut bytes).expect("sound");
        bytes.truncate(HEADER_BYTES);
        dense::push(&mut bytes, &ranks);
        count(&bytes).expect("dense")
    };
    assert_eq!(count_of(0, 0, 0), 0);
    assert_eq!(count_of(0, 0, 1), 23_637);
    assert_eq!(count_of(0, 0, 2), 47_274);
    assert_eq!(count_of(0, 0, 49), 6_653_256_548_922_161_152);
    assert_eq!(count_of(0, 0, 50), 1 << 63);
    assert_eq!(count_of(0, 0, 51), 1 << 63);
    assert_eq!(count_of(0, 0, 63), 1 << 63);
    assert_eq!(count_of(1, 50, 51), 1 << 63);
    assert_eq!(count_of(8_192, 51, 52), 1 << 63);
    assert_eq!(count_of(1, 0, 63), 193_623_433);
    assert_eq!(count_of(16, 0, 51), 12_090_396);
    assert_eq!(count_of(1, 1, 51), 387_270_501);
    assert_eq!(count_of(16_000, 45, 51), 425_702_354_401_662_528);
}

#[test]
fn what_is_no_hyperloglog_is_refused() {
    let mut dense = empty();
    make_dense(&mut dense).expect("sound");
    assert_eq!(dense.len(), 12_304);
    dense.push(0);
    let mut other = empty();
    other[ENCODING_AT] = 2;
    for mut bytes in [
        dense,
        other,
        b"".to_vec(),
        b"HYLL".to_vec(),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0".to_vec(),
        b"hyll\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff".to_vec(),
    ] {
        assert_eq!(encoding(&bytes), None);
        assert_eq!(add(&mut bytes, b"a", MAX_BYTES), Err(Corrupted));
        assert_eq!(count(&bytes), Err(Corrupted));
        assert_eq!(Registers::default().merge(&bytes), Err(Corrupted));
        assert_eq!(make_dense(&mut bytes), Err(Corrupted));
    }
}

#[test]
fn runs_must_be_of_all_registers() {
    let of = |runs: &[u8]| [&empty()[..HEADER_BYTES], runs].concat();
    let both = |bytes: &[u8]| {
        (
            count(bytes).is_ok(),
            Registers::default().merge(bytes).is_ok(),
        )
    };
    assert_eq!(both(&of(b"")), (false, false));
    assert_eq!(both(&of(b"\x7f\xfe")), (false, false));
    assert_eq!(both(&of(b"\x7f\xfe\x00")), (true, true));
    assert_eq!(both(&of(b"\x7f\xff\x00")), (false, false));
    assert_eq!(both(&of(b"\x7f\xfe\x81")), (false, false));
    // Redis looks at what a value would raise, and there is nothing.
    assert_eq!(both(&of(b"\x7f\xff\x80")), (false, true));
    // Half a run: its other byte counts as zero.
    assert_eq!(both(&of(b"\x7e\xff\x40\xfe\x40")), (true, true));
    assert_eq!(add(&mut of(b"\x40"), b"a", MAX_BYTES), Err(Corrupted));
    assert_eq!(raise_one(&mut of(b"\x40"), 0, 1), Err(Corrupted));
}

proptest! {
    #[test]
    fn no_string_makes_it_panic(
        seed: u64, len in 0..400_usize, changes in 0..20_usize, max_bytes in 0..400_usize,
    ) {
        let mut rng = Rng::with_seed(seed);
        let mut bytes = empty();
        bytes.extend((0..len).map(|_| rng.u8(..)));
        if rng.bool() {
            bytes.drain(HEADER_BYTES..HEADER_BYTES + 2);
        }
        if rng.bool() {
            let _ = make_dense(&mut bytes);
        }
        for _ in 0..changes {
            let _ = add(&mut bytes, &rng.u64(..).to_le_bytes(), max_bytes);
            let at = rng.usize(..bytes.len());
            if at != ENCODING_AT {
                bytes[at] = rng.u8(..);
            }
            let _ = count(&bytes);
            let _ = decoded(&bytes);
            let mut registers = Registers::default();
            if registers.merge(&bytes).is_ok() {
                let _ = registers.raise(&mut bytes, max_bytes);
                let _ = registers.count();
            }
        }
    }

    #[test]
    fn unions_are_as_if_one_had_seen_all(seed: u64, few in 1..200_u32, many in 1..3_000_u32) {
        let mut rng = Rng::with_seed(seed);
        let (mut a, mut b, mut all) = (empty(), empty(), empty());
        for _ in 0..few {
            let element = rng.u64(..).to_le_bytes();
            add(&mut a, &element, MAX_BYTES).expect("sound");
            add(&mut all, &element, MAX_BYTES).expect("sound");
        }
        for _ in 0..many {
            let element = rng.u64(..).to_le_bytes();
            add(&mut b, &element, MAX_BYTES).expect("sound");
            add(&mut all, &element, MAX_BYTES).expect("sound");
        }
        let mut registers = Registers::default();
        registers.merge(&a).expect("sound");
        registers.merge(&b).expect("sound");
        prop_assert_eq!(Ok(registers.count()), count(&all));
        // Register by register, each searched from the start, as Redis does: where runs are cut and joined shows.
        let mut slowly = a.clone();
        for (index, rank) in registers.iter().enumerate().filter(|(_, rank)| *rank > 0) {
            raise_one(&mut slowly, index, rank).expect("sound");
        }
        mark_stale(&mut slowly);
        registers.raise(&mut a, MAX_BYTES).expect("sound");
        mark_stale(&mut a);
        prop_assert_eq!(&a, &slowly);
        prop_assert_eq!(ranks_of(&a), ranks_of(&all));
    }
}
