//! HyperLogLogs: estimates of how many different elements have been seen, in at most 12 KiB.
//!
//! They are strings, byte for byte as Redis keeps them (`hyperloglog.c`): a header of 16 bytes, and 16,384 registers of
//! 6 bits, either all of them (dense) or as runs (sparse). The header holds the magic, the encoding, and the
//! last count, with a bit that says whether it is still right. Anybody may write such strings with `SET` or
//! `SETRANGE`, so nothing here trusts them.

mod dense;
mod estimate;
mod hash;
mod sparse;
#[cfg(test)]
mod tests;

use dense::RANKS;
use sparse::{Place, Raised};

/// How many registers there are: 2¹⁴.
pub const REGISTERS: usize = 1 << INDEX_BITS;

/// Bits of an element's hash that choose its register.
const INDEX_BITS: u32 = 14;

const MAGIC: &[u8] = b"HYLL";
const HEADER_BYTES: usize = 16;
/// Where the header says how the registers are encoded.
const ENCODING_AT: usize = 4;
/// Where the header holds the last count, with the lowest byte first.
const COUNT_AT: usize = 8;
/// The highest bit of the last count: it is not right any more.
const STALE: u64 = 1 << 63;

const DENSE: u8 = 0;
const SPARSE: u8 = 1;

/// That the registers of a HyperLogLog make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// How the registers are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 6 bits each, one after the other.
    Dense,
    /// As runs of the same value.
    Sparse,
}

/// How a string encodes registers; `None` if it is no HyperLogLog.
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    let (header, registers) = bytes.split_at_checked(HEADER_BYTES)?;
    match header[ENCODING_AT] {
        _ if !header.starts_with(MAGIC) => None,
        DENSE => (registers.len() == dense::BYTES).then_some(Encoding::Dense),
        SPARSE => Some(Encoding::Sparse),
        _ => None,
    }
}

/// One that has seen nothing.
pub fn empty() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[ENCODING_AT] = SPARSE;
    sparse::push_empty(&mut bytes);
    bytes
}

/// Lets a HyperLogLog see an element; whether that has changed a register.
///
/// `sparse_max_bytes` is how long it may be, header and all, before it becomes dense.
///
/// # Errors
/// [`Corrupted`] if there is no such register, or the string is no HyperLogLog.
pub fn add(
    bytes: &mut Vec<u8>,
    element: &[u8],
    sparse_max_bytes: usize,
) -> Result<bool, Corrupted> {
    let register = hash::register(element);
    raise(bytes, register, sparse_max_bytes, &mut Place::start())
}

/// Raises a register to a rank if it is lower; whether it was. Of a sparse one it is searched from a place on, as
/// [`sparse::raise`] says.
fn raise(
    bytes: &mut Vec<u8>,
    (index, rank): (usize, u8),
    sparse_max_bytes: usize,
    from: &mut Place,
) -> Result<bool, Corrupted> {
    match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, rank)),
        Encoding::Sparse => match sparse::raise(bytes, (index, rank), sparse_max_bytes, from)? {
            Raised::Yes => Ok(true),
            Raised::No => Ok(false),
            Raised::NeedsDense => {
                make_dense(bytes)?;
                Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, rank))
            }
        },
    }
}

/// Makes a sparse one dense; whether it was sparse. A dense one never becomes sparse again.
///
/// # Errors
/// [`Corrupted`] if its runs are not of [`REGISTERS`] registers, or it is no HyperLogLog; it stays as it is.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<bool, Corrupted> {
    if encoding(bytes).ok_or(Corrupted)? == Encoding::Dense {
        return Ok(false);
    }
    let mut registers = Registers::default();
    registers.merge(bytes)?;
    bytes.truncate(HEADER_BYTES);
    bytes[ENCODING_AT] = DENSE;
    bytes.reserve_exact(dense::BYTES);
    dense::push(bytes, &registers.ranks);
    Ok(true)
}

/// The last count, if nothing has changed since.
pub fn cached_count(bytes: &[u8]) -> Option<u64> {
    let count = bytes.get(COUNT_AT..HEADER_BYTES)?.try_into().ok()?;
    Some(u64::from_le_bytes(count)).filter(|count| count & STALE == 0)
}

/// Keeps a count until something changes.
pub fn cache_count(bytes: &mut [u8], count: u64) {
    if let Some(place) = bytes.get_mut(COUNT_AT..HEADER_BYTES) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

/// Says that the last count is not right any more.
pub fn mark_stale(bytes: &mut [u8]) {
    if let Some(last) = bytes.get_mut(HEADER_BYTES - 1) {
        *last |= (STALE >> 56) as u8;
    }
}

/// About how many different elements it has seen, from its registers.
///
/// # Errors
/// [`Corrupted`] if its runs are not of [`REGISTERS`] registers, or it is no HyperLogLog.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupted> {
    let registers = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let histogram = match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => dense::histogram(registers),
        Encoding::Sparse => sparse::histogram(registers)?,
    };
    Ok(estimate::count(&histogram))
}

/// The runs of a sparse one, as `PFDEBUG DECODE` shows them; `None` if it is not sparse.
pub fn decoded(bytes: &[u8]) -> Option<String> {
    let is_sparse = encoding(bytes) == Some(Encoding::Sparse);
    is_sparse.then(|| sparse::decoded(bytes.get(HEADER_BYTES..).unwrap_or_default()))
}

/// The registers of several HyperLogLogs: the highest of each.
pub struct Registers {
    ranks: Box<[u8; REGISTERS]>,
}

impl Default for Registers {
    /// Those of one that has seen nothing.
    fn default() -> Registers {
        Registers {
            ranks: Box::new([0; REGISTERS]),
        }
    }
}

impl Registers {
    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u8> {
        self.ranks.iter().copied()
    }

    /// Adds what a HyperLogLog has seen.
    ///
    /// # Errors
    /// As [`count`], but that runs of values behind the last register are not looked at, as in Redis.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupted> {
        let registers = bytes.get(HEADER_BYTES..).unwrap_or_default();
        match encoding(bytes).ok_or(Corrupted)? {
            Encoding::Dense => dense::merge(registers, &mut self.ranks),
            Encoding::Sparse => sparse::merge(registers, &mut self.ranks)?,
        }
        Ok(())
    }

    /// About how many different elements they have seen together.
    pub fn count(&self) -> u64 {
        let mut histogram = [0; RANKS];
        for rank in self.iter() {
            histogram[usize::from(rank) % RANKS] += 1;
        }
        estimate::count(&histogram)
    }

    /// Raises the registers of a HyperLogLog to these.
    ///
    /// # Errors
    /// As [`add`]; the registers before the one that is missing are raised.
    pub fn raise(&self, bytes: &mut Vec<u8>, sparse_max_bytes: usize) -> Result<(), Corrupted> {
        let mut from = Place::start();
        for register in self.iter().enumerate().filter(|(_, rank)| *rank > 0) {
            if encoding(bytes) == Some(Encoding::Dense) {
                return self.raise_dense(bytes);
            }
            raise(bytes, register, sparse_max_bytes, &mut from)?;
        }
        Ok(())
    }

    /// All at once: each of them lies where it is, whatever becomes of the others.
    fn raise_dense(&self, bytes: &mut Vec<u8>) -> Result<(), Corrupted> {
        let mut registers = Registers {
            ranks: self.ranks.clone(),
        };
        registers.merge(bytes)?;
        bytes.truncate(HEADER_BYTES);
        dense::push(bytes, &registers.ranks);
        Ok(())
    }
}
