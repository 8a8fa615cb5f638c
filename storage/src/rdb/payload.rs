//! What `DUMP` gives, taken back.

use super::crc64::crc64;
use super::decode::{self, Decoded};
use super::error::Error;
use super::format::{DUMP_FOOTER_BYTES, READABLE};
use super::input::Input;
use super::reader::Checksum;
use crate::value::Limits;

/// A value as it was dumped, whole.
pub struct Payload<'p>(Input<'p>);

impl<'p> Payload<'p> {
    /// A payload whose version is known and whose checksum is right, if that matters; none of any other.
    pub fn verified(payload: &'p [u8], checksum: Checksum) -> Option<Payload<'p>> {
        payload_body(payload, checksum).map(|body| Payload(Input::of_bytes(body)))
    }

    /// The value, packed up to these limits. Bytes behind it do not matter, as in Redis.
    ///
    /// # Errors
    /// [`Error`] if it holds none.
    pub fn value(&mut self, limits: &Limits) -> Result<Decoded<'_>, Error> {
        let kind = self.0.byte()?;
        decode::value(kind, &mut self.0, limits)
    }
}

/// What stands before version and checksum of a payload, if both are right.
pub fn payload_body(payload: &[u8], checksum: Checksum) -> Option<&[u8]> {
    let (body, footer) = payload.split_at(payload.len().checked_sub(DUMP_FOOTER_BYTES)?);
    let &[low, high, ref told @ ..] = footer.first_chunk::<DUMP_FOOTER_BYTES>()?;
    let version = u16::from_le_bytes([low, high]);
    let summed = payload.len() - told.len();
    let is_whole = || u64::from_le_bytes(*told) == crc64(&payload[..summed]);
    let is_readable = u32::from(version) <= *READABLE.end();
    (is_readable && (checksum == Checksum::Ignore || is_whole())).then_some(body)
}
