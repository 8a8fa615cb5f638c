//! Bringing the keys of a pipeline's next requests closer before they are executed.
//!
//! A lookup in a large keyspace waits for memory twice in a row: for its cells in the table, and for the
//! entry. Here the lookups of several requests take each of those steps together, so they wait at the same
//! time. Nothing is decided on what is seen: a request that turns out differently only finds
//! less in the cache.

use std::cell::RefCell;

use protocol::{Limits, Parsed, Parser};
use smallvec::SmallVec;
use storage::table::Ahead;

use crate::session::Session;

/// Requests looked at together: as many cache misses as a core has in flight, about.
const REQUESTS: usize = 16;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Looks at the requests that `bytes` begins with; how many may be executed until it is worth looking again.
pub fn look_ahead(session: &Session, bytes: &[u8], limits: &Limits) -> usize {
    let server = session.server;
    if !server.keyspace.is_large() {
        return usize::MAX;
    }
    let mut hashes: SmallVec<[u64; REQUESTS]> = SmallVec::new();
    let mut requests = 0;
    PARSER.with_borrow_mut(|parser| {
        let mut rest = bytes;
        while requests < REQUESTS {
            match parser.parse(rest, limits) {
                Ok(Parsed::Request { consumed }) => {
                    let args = parser.args(rest);
                    let name = args.get(0).unwrap_or_default();
                    let entry = match session.last_entry {
                        Some(last) if last.name.as_bytes().eq_ignore_ascii_case(name) => Some(last),
                        _ => server.commands.find(name),
                    };
                    let key = entry.and_then(|entry| args.get(entry.command.spec.only_key()?));
                    hashes.extend(key.map(|key| server.keyspace.hash(key)));
                    rest = &rest[consumed..];
                    requests += 1;
                }
                Ok(Parsed::Empty { consumed }) => rest = &rest[consumed..],
                Ok(Parsed::Incomplete) | Err(_) => {
                    *parser = Parser::new();
                    break;
                }
            }
            if rest.is_empty() {
                break;
            }
        }
    });
    if hashes.len() > 1 {
        let db = session.client.db();
        for step in [Ahead::Cells, Ahead::Entry] {
            hashes
                .iter()
                .for_each(|&hash| server.keyspace.prefetch(hash, db, step));
        }
    }
    requests.max(1)
}
