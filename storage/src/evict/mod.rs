//! Which key goes when memory is short: the eight policies of Redis.

mod access;
pub(crate) mod candidate;
mod pool;

pub use access::{Access, lfu_counter};
pub use pool::Pool;

/// What is evicted.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which keys go.
    pub policy: Policy,
    /// Keys looked at for each that goes.
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

    /// Whether only keys with an expiry may go.
    pub fn is_volatile(self) -> bool {
        use Policy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
        matches!(
            self,
            VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl
        )
    }

    /// Whether any candidate is as good as another.
    pub fn is_random(self) -> bool {
        matches!(self, Policy::VolatileRandom | Policy::AllkeysRandom)
    }
}
