//! How long one request takes to parse, and one reply to write. Run with `cargo bench -p protocol`.

use std::hint::black_box;
use std::time::Instant;

use protocol::{Encoder, Limits, Output, Parsed, Parser, Request, Version};

const REQUESTS_A_PIPELINE: usize = 64;
const ROUNDS: usize = 50_000;

fn main() {
    let value = [b'x'; 64];
    parse("GET", ["GET", "key:000000012345"].into_iter().collect());
    let set = [&b"SET"[..], b"key:000000012345", &value];
    parse("SET, 64 bytes", set.into_iter().collect());
    let large = [&b"SET"[..], b"key:000000012345", &[b'x'; 4000]];
    parse("SET, 4,000 bytes", large.into_iter().collect());
    write("OK", |reply| reply.ok());
    write("integer 12345", |reply| reply.integer(12_345));
    write("bulk, 64 bytes", |reply| reply.bulk(&value));
    write("double 2.71", |reply| reply.double(2.71));
}

/// Parses pipelines of one request, as a connection does.
fn parse(name: &str, request: Request) {
    let mut pipeline = Vec::new();
    for _ in 0..REQUESTS_A_PIPELINE {
        request.encode(&mut pipeline);
    }
    let (mut parser, limits) = (Parser::new(), Limits::default());
    report("parse", name, || {
        let mut rest = black_box(&pipeline[..]);
        while let Ok(Parsed::Request { consumed }) = parser.parse(rest, &limits) {
            let args = parser.args(rest);
            black_box((args.get(0), args.get(1)));
            rest = &rest[consumed..];
        }
        assert!(rest.is_empty());
    });
}

/// Writes a pipeline's replies into an output that is then written to the client.
fn write(name: &str, reply: impl Fn(&mut Encoder<'_>)) {
    let mut output = Output::new();
    report("write", name, || {
        for _ in 0..REQUESTS_A_PIPELINE {
            reply(&mut Encoder::new(black_box(&mut output), Version::Resp2));
        }
        output.advance(output.len_bytes());
    });
}

/// Prints what one request costs, in the best of several runs.
fn report(verb: &str, name: &str, mut pipeline: impl FnMut()) {
    let mut best_ns = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            pipeline();
        }
        let requests = (ROUNDS * REQUESTS_A_PIPELINE) as f64;
        best_ns = best_ns.min(start.elapsed().as_nanos() as f64 / requests);
    }
    println!("{verb} {name}: {best_ns:.1} ns");
}
