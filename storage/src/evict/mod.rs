//! Which key goes when memory is short: the eight policies of Redis, and GDSF.
//!
//! An entry keeps a word about its past (`access`) and nothing else; what it deserves is computed when
//! it is looked at (`worth`). Each round looks at some entries that lie together (`candidate`) and
//! keeps the best of many rounds (`pool`). A few bytes about what has gone (`ghost`) help keys that come
//! back, and tell how to judge (`tuning`).

mod access;
pub(crate) mod candidate;
pub(crate) mod ghost;
mod pool;
mod tuning;
pub(crate) mod worth;

pub(crate) use access::FIRST_INFLATION;
pub use access::{Access, Clock, Past, TICK_MS, idle_ms};
pub use pool::Pool;

/// What is evicted.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which keys go.
    pub policy: Policy,
    /// `maxmemory-samples`: a quarter of the keys looked at for each that goes.
    pub samples: usize,
    /// How accesses are recorded.
    pub access: Access,
}

/// `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Only keys with an expiry, least recently used first.
    VolatileLru,
    /// Only keys with an expiry, least frequently used first.
    VolatileLfu,
    /// Only keys with an expiry, any.
    VolatileRandom,
    /// Only keys with an expiry, soonest to expire first.
    VolatileTtl,
    /// Least recently used first.
    AllkeysLru,
    /// Least frequently used first.
    AllkeysLfu,
    /// Any key.
    AllkeysRandom,
    /// Only keys with an expiry, least frequently used for their size first.
    VolatileGdsf,
    /// Least frequently used for their size first.
    AllkeysGdsf,
    /// None: writes that need memory are refused.
    NoEviction,
}

impl Policy {
    /// Whether the access clock counts accesses instead of their time.
    pub fn is_lfu(self) -> bool {
        matches!(self, Policy::VolatileLfu | Policy::AllkeysLfu)
    }

    /// Whether the access clock holds the time of the last access and decides.
    pub fn is_lru(self) -> bool {
        matches!(self, Policy::VolatileLru | Policy::AllkeysLru)
    }

    /// Whether it is the frequency for the size that decides.
    pub fn is_gdsf(self) -> bool {
        matches!(self, Policy::VolatileGdsf | Policy::AllkeysGdsf)
    }

    /// Whether only keys with an expiry may go.
    pub fn is_volatile(self) -> bool {
        use Policy::{VolatileGdsf, VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
        matches!(
            self,
            VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl | VolatileGdsf
        )
    }
}

#[cfg(test)]
mod tests;
