//! `math.random` of scripts: for a seed, the numbers that Redis gives. There is one row of them for all that a server
//! runs.
//!
//! *Source:* `rand.c` of Redis, the linear congruential generator of `lrand48`.

use parking_lot::Mutex;

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const STATE_MASK: u64 = (1 << 48) - 1;
/// One more than the largest number.
const RANGE: f64 = 2_147_483_647.0;

/// The generator, which begins as that of Redis does.
static RANDOM: Mutex<Random> = Mutex::new(Random(0x1234_ABCD_330E));

/// The next number of the row, from 0 up to 1, without it.
pub fn fraction() -> f64 {
    RANDOM.lock().fraction()
}

/// Begins the row of a seed.
pub fn seed(seed: i32) {
    *RANDOM.lock() = Random::seeded(seed);
}

#[derive(Debug)]
struct Random(u64);

impl Random {
    /// As seeded by `srand48`.
    fn seeded(seed: i32) -> Random {
        Random(u64::from(seed.cast_unsigned()) << 16 | 0x330E)
    }

    fn fraction(&mut self) -> f64 {
        self.0 = (self.0.wrapping_mul(MULTIPLIER) + INCREMENT) & STATE_MASK;
        let number = (self.0 >> 17) as f64;
        (number % RANGE) / RANGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_are_those_of_redis() {
        let mut random = Random::seeded(5);
        assert_eq!(format!("{:.14}", random.fraction()), "0.52483957937213");
        assert_eq!(format!("{:.14}", random.fraction()), "0.27285430173988");
        assert_eq!(format!("{:.14}", fraction()), "0.39646477363839");
    }
}
