//! Files as nobody has written them: cut, changed and made up. What is right in them is read, the rest is refused
//! or moved aside, and no memory is taken for what they only claim.
//!
//! `KEYTAG_FULL=1` looks at every bit where otherwise some are drawn, and lets each of the random campaigns run for ten
//! minutes. `KEYTAG_SEED` begins a campaign with the round of that seed.

mod campaign;
mod damage;
mod exercise;
mod fuzz;
mod mutate;

/// As in the server, so that what is allocated can be counted.
#[global_allocator]
static ALLOCATOR: storage::memory::CountingAllocator = storage::memory::CountingAllocator;
