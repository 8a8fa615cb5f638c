//! `DEBUG PROTOCOL`: a value of every type there is.

use protocol::Version;

use crate::command::{Args, Ctx, Error, Outcome, Result, Words};

#[expect(
    clippy::approx_constant,
    reason = "it is what Redis answers, and no pi"
)]
const DOUBLE: f64 = 3.141;

pub(super) fn reply(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let version = cx.reply.version();
    let out = cx.reply.encoder();
    match args.word(2)?.to_ascii_lowercase().as_slice() {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.integer(12_345),
        b"double" => out.double(DOUBLE),
        b"bignum" => out.big_number("1234567999999999999999999999999999999"),
        b"null" => out.nil(),
        b"array" => {
            out.array(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"set" => {
            out.set(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"map" => {
            out.map(3);
            for number in 0..3 {
                out.integer(number);
                out.boolean(number == 1);
            }
        }
        b"attrib" => {
            if version == Version::Resp3 {
                out.attribute(1);
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.integer(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if version == Version::Resp2 {
                return Err(Error::NeedsResp3);
            }
            // A push waits until the reply in progress is complete.
            out.bulk(b"Some real reply following the push reply");
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.integer(42);
        }
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        b"verbatim" => out.verbatim("txt", b"This is a verbatim\nstring"),
        _ => return Err(Error::ProtocolType),
    }
    Ok(Outcome::Done)
}
