//! Snapshots: what is in the file, and when it is written.

pub(crate) mod data;
