//! Whether counting works on this machine.

use storage::value::hll::{self, Registers};

use super::HYPERLOGLOG;
use crate::command::{Args, Command, Ctx, Error, Result};
use crate::spec::{Spec, flags};

pub(super) const PFSELFTEST: Command = Spec {
    name: "PFSELFTEST",
    usage: "",
    summary: "An internal command for testing HyperLogLog values.",
    since: "2.8.9",
    complexity: "N/A",
    flags: flags!(ADMIN | SYSCMD),
    ..HYPERLOGLOG
}
.run(pfselftest);
fn pfselftest(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    match test(&mut fastrand::Rng::new()) {
        Ok(()) => cx.reply.ok(),
        Err(Failure::Registers) => Err(Error::RegistersDiffer),
        Err(Failure::Error) => Err(Error::CountTooFarOff),
    }
}

/// How many elements are counted. No key is locked meanwhile, but other connections of this thread wait.
const ELEMENTS: u64 = 1_000_000;

/// What has gone wrong.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// Two that have seen the same are not the same.
    Registers,
    /// A count is too far from the truth.
    Error,
}

impl From<hll::Corrupted> for Failure {
    fn from(_: hll::Corrupted) -> Failure {
        Failure::Registers
    }
}

/// Counts random elements, sparse and dense, and compares what comes out at every power of ten.
fn test(rng: &mut fastrand::Rng) -> std::result::Result<(), Failure> {
    let (mut dense, mut sparse) = (hll::empty(), hll::empty());
    hll::make_dense(&mut dense)?;
    let (start, mut checkpoint) = (rng.u64(..), 1);
    for seen in 1..=ELEMENTS {
        // Different ones, as an odd factor makes no two of them alike.
        let element = start.wrapping_add(seen.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let element = element.to_ne_bytes();
        let raised = hll::add(&mut dense, &element, 0)?;
        if raised != hll::add(&mut sparse, &element, MAX_BYTES)? {
            return Err(Failure::Registers);
        }
        if seen == checkpoint {
            checkpoint *= 10;
            check(&dense, &sparse, seen)?;
        }
    }
    Ok(())
}

/// As long as one usually may be before it becomes dense.
const MAX_BYTES: usize = 3000;

fn check(dense: &[u8], sparse: &[u8], seen: u64) -> std::result::Result<(), Failure> {
    let (mut a, mut b) = (Registers::default(), Registers::default());
    a.merge(dense)?;
    b.merge(sparse)?;
    let count = hll::count(dense)?;
    if !a.iter().eq(b.iter()) || count != hll::count(sparse)? || count != a.count() {
        return Err(Failure::Registers);
    }
    // Six standard errors, at least one: of few elements one may hide behind another.
    let standard_error = 1.04 / (hll::REGISTERS as f64).sqrt();
    let most = (seen as f64 * standard_error * 6.0).ceil() as u64;
    if count.abs_diff(seen) > most {
        return Err(Failure::Error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_count_is_noticed() {
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(test(&mut rng), Ok(()));
        let (mut dense, mut sparse) = (hll::empty(), hll::empty());
        hll::make_dense(&mut dense).expect("sound");
        assert_eq!(check(&dense, &sparse, 100), Err(Failure::Error));
        hll::add(&mut sparse, b"a", MAX_BYTES).expect("sound");
        assert_eq!(check(&dense, &sparse, 1), Err(Failure::Registers));
    }
}
