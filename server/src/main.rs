//! The keytag server.

fn main() {}
