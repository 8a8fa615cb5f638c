//! From registers to a number.

use super::REGISTERS;
use super::dense::Histogram;

/// The highest rank that an element has.
const HIGHEST: usize = 51;

/// About how many elements it takes to raise registers to these values.
///
/// The estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
/// (arXiv:1702.01284), each step in the order of Redis' `hllCount`, so that the same numbers come out.
/// Registers that are too high for any number give 2⁶³, which is how Redis' conversion fails on x86.
pub(super) fn count(histogram: &Histogram) -> u64 {
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let m = REGISTERS as f64;
    let mut z = m * tau((m - f64::from(histogram[HIGHEST])) / m);
    for registers in histogram[1..HIGHEST].iter().rev() {
        z += f64::from(*registers);
        z *= 0.5;
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    let count = (ALPHA * m * m / z).round();
    if count < i64::MAX as f64 {
        count as u64
    } else {
        1 << 63
    }
}

/// Corrects for registers that nothing has raised; `share` of all are.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (share, 1.0, share);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

/// Corrects for registers that cannot be raised any more; all but `share` are.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
