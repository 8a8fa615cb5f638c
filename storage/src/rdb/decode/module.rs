//! What modules write: no module is there to read it, but it can be passed.

use super::super::error::Error;
use super::super::format::module;
use super::super::input::Input;

/// The letters of a type's name, six bits each.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NAME_LETTERS: u32 = 9;

/// The name in the id of a module's type; the lowest ten bits are a version.
pub(in super::super) fn name(id: u64) -> String {
    let letters = (0..NAME_LETTERS).rev().map(|place| {
        let index = id >> (10 + 6 * place) & 63;
        char::from(LETTERS[index as usize])
    });
    letters.collect()
}

/// Passes everything up to the end that a module marks.
pub(in super::super) fn skip(input: &mut Input<'_>) -> Result<(), Error> {
    loop {
        match input.length()? {
            module::EOF => return Ok(()),
            module::SINT | module::UINT => drop(input.length()?),
            module::FLOAT => drop(input.array::<4>()?),
            module::DOUBLE => drop(input.array::<8>()?),
            module::STRING => input.skip_string()?,
            _ => return Err(Error::Malformed("Unknown opcode of a module")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_wrote_is_passed() {
        let bytes = b"\x02\x05\x01\x40\x07\x05\x03abc\x05\xc0\x01\x03....\x04........\x00.";
        let mut input = Input::of_bytes(bytes);
        skip(&mut input).expect("all of it");
        assert_eq!(input.byte().expect("what is behind"), b'.');
        assert!(skip(&mut Input::of_bytes(b"\x09")).is_err());
        assert!(skip(&mut Input::of_bytes(&bytes[..10])).is_err());
    }

    #[test]
    fn names_are_nine_letters() {
        assert_eq!(name(0), "AAAAAAAAA");
        assert_eq!(name(u64::MAX), "_________");
        // ReJSON-RL, with version 3.
        let id = b"ReJSON-RL".iter().fold(0, |id: u64, letter| {
            let index = LETTERS.iter().position(|it| it == letter);
            id << 6 | index.expect("a letter") as u64
        });
        assert_eq!(name(id << 10 | 3), "ReJSON-RL");
    }
}
