//! `struct`: values in the layouts of C.

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::{Fault, Outcome, add, bytes, number, one};
use crate::script::convert::{integer, unsigned};

/// The widest integer.
const MOST_INTEGER_BYTES: usize = 32;
/// What `!` alone aligns to.
const NATURAL_ALIGNMENT: usize = 8;

/// The functions of `struct`.
pub fn library(lua: &Lua) -> Result<Table> {
    let library = lua.create_table()?;
    add(lua, &library, "pack", pack)?;
    add(lua, &library, "unpack", unpack)?;
    add(lua, &library, "size", |_, values| size(values))?;
    Ok(library)
}

type Checked<T> = std::result::Result<T, Fault>;

/// What a format asks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Integer {
        size: usize,
        is_signed: bool,
    },
    Float,
    Double,
    /// So many characters; as many as the last integer says if 0.
    Chars(usize),
    /// A string with a NUL behind it.
    Text,
    Padding,
}

/// A format on the way.
struct Format<'f> {
    rest: &'f [u8],
    /// Letters and digits that mean nothing are no errors.
    is_lenient: bool,
    is_little: bool,
    alignment: usize,
}

impl<'f> Format<'f> {
    fn new(text: &'f [u8]) -> Format<'f> {
        Format {
            rest: text,
            is_lenient: false,
            is_little: cfg!(target_endian = "little"),
            alignment: 1,
        }
    }

    fn digits(&mut self) -> Checked<Option<usize>> {
        let count = self
            .rest
            .iter()
            .take_while(|it| it.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        if count == 0 {
            return Ok(None);
        }
        let number = digits.iter().try_fold(0usize, |number, digit| {
            number
                .checked_mul(10)?
                .checked_add(usize::from(digit - b'0'))
        });
        match number.filter(|&number| number <= i32::MAX as usize) {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::text("integral size overflow")),
        }
    }

    /// The next field, and its size if it is fixed.
    fn next(&mut self) -> Checked<Option<(Field, usize)>> {
        while let Some((&option, rest)) = self.rest.split_first() {
            self.rest = rest;
            let integer = |size, is_signed| Ok(Some((Field::Integer { size, is_signed }, size)));
            return match option {
                b'b' => integer(1, true),
                b'B' => integer(1, false),
                b'h' => integer(2, true),
                b'H' => integer(2, false),
                b'l' => integer(8, true),
                b'L' | b'T' => integer(8, false),
                b'i' | b'I' => {
                    let size = self.integer_size()?;
                    integer(size, option == b'i')
                }
                b'f' => Ok(Some((Field::Float, 4))),
                b'd' => Ok(Some((Field::Double, 8))),
                b'x' => Ok(Some((Field::Padding, 1))),
                b's' => Ok(Some((Field::Text, 0))),
                b'c' => {
                    let count = self.digits()?.unwrap_or(1);
                    Ok(Some((Field::Chars(count), count)))
                }
                b' ' => continue,
                b'>' => {
                    self.is_little = false;
                    continue;
                }
                b'<' => {
                    self.is_little = true;
                    continue;
                }
                b'!' => {
                    self.alignment = self.digits()?.unwrap_or(NATURAL_ALIGNMENT);
                    if !self.alignment.is_power_of_two() {
                        let text = format!("alignment {} is not a power of 2", self.alignment);
                        return Err(Fault::Text(text));
                    }
                    continue;
                }
                other if self.is_lenient && other.is_ascii_alphanumeric() => continue,
                other => {
                    let what = format!("invalid format option '{}'", char::from(other));
                    Err(Fault::argument(1, &what))
                }
            };
        }
        Ok(None)
    }

    fn integer_size(&mut self) -> Checked<usize> {
        match self.digits()?.unwrap_or(4) {
            size if size > MOST_INTEGER_BYTES => Err(Fault::Text(format!(
                "integral size {size} is larger than limit of {MOST_INTEGER_BYTES}"
            ))),
            size => Ok(size),
        }
    }

    /// How many bytes lie between `at` and the next field of that size.
    fn gap(&self, field: Field, size: usize, at: usize) -> usize {
        let is_aligned = !matches!(field, Field::Chars(_) | Field::Text | Field::Padding);
        if !is_aligned || size == 0 {
            return 0;
        }
        // Of sizes that are no powers of two it makes something odd, as in Redis.
        let alignment = size.min(self.alignment);
        let mask = alignment - 1;
        alignment.wrapping_sub(at & mask) & mask
    }
}

fn put_integer(number: f64, size: usize, is_little: bool, out: &mut Vec<u8>) {
    let number = match number < 0.0 {
        true => integer(number).cast_unsigned(),
        false => unsigned(number),
    };
    let mut wide = number.to_le_bytes().to_vec();
    wide.resize(size.max(8), 0);
    wide.truncate(size);
    if !is_little {
        wide.reverse();
    }
    out.extend_from_slice(&wide);
}

fn get_integer(bytes: &[u8], is_signed: bool, is_little: bool) -> f64 {
    let low = |index: usize| {
        let at = if is_little {
            index
        } else {
            bytes.len() - 1 - index
        };
        u64::from(bytes[at])
    };
    let size = bytes.len();
    let number = (0..size.min(8)).fold(0u64, |number, index| number | low(index) << (8 * index));
    // What C does on x86: the shift goes by the lowest six bits of what it is told, which is seen beyond 8 bytes.
    let sign = u64::MAX.wrapping_shl((8 * size as u32).wrapping_sub(1));
    match is_signed {
        true if number & sign != 0 => (number | sign).cast_signed() as f64,
        true => number.cast_signed() as f64,
        false => number as f64,
    }
}

fn pack(lua: &Lua, values: &[Value]) -> Outcome {
    let text = bytes(values, 1)?;
    let mut format = Format::new(&text);
    let mut out = Vec::new();
    let mut index = 2;
    while let Some((field, size)) = format.next()? {
        out.resize(out.len() + format.gap(field, size, out.len()), 0);
        match field {
            Field::Padding => {
                out.push(0);
                continue;
            }
            Field::Integer { size, .. } => {
                let number = number_or_nil(values, index)?;
                put_integer(number, size, format.is_little, &mut out);
            }
            Field::Float => {
                let number = number_or_nil(values, index)? as f32;
                put_bytes(&number.to_le_bytes(), format.is_little, &mut out);
            }
            Field::Double => {
                let number = number_or_nil(values, index)?;
                put_bytes(&number.to_le_bytes(), format.is_little, &mut out);
            }
            Field::Chars(count) => {
                let chars = text_or_nil(values, index)?;
                let count = if count == 0 { chars.len() } else { count };
                let Some(part) = chars.get(..count) else {
                    return Err(Fault::argument(index + 1, "string too short"));
                };
                out.extend_from_slice(part);
            }
            Field::Text => {
                out.extend_from_slice(&text_or_nil(values, index)?);
                out.push(0);
            }
        }
        index += 1;
    }
    one(Value::String(lua.create_string(out)?))
}

/// What is missing is said to be nil here, as Redis' library has pushed one behind its arguments.
fn number_or_nil(values: &[Value], index: usize) -> Checked<f64> {
    if index > values.len() {
        return Err(Fault::argument(index, "number expected, got nil"));
    }
    number(values, index)
}

/// As [`number_or_nil`].
fn text_or_nil(values: &[Value], index: usize) -> Checked<Vec<u8>> {
    if index > values.len() {
        return Err(Fault::argument(index, "string expected, got nil"));
    }
    bytes(values, index)
}

fn put_bytes(little: &[u8], is_little: bool, out: &mut Vec<u8>) {
    if is_little {
        out.extend_from_slice(little);
    } else {
        out.extend(little.iter().rev());
    }
}

fn unpack(lua: &Lua, values: &[Value]) -> Outcome {
    let (text, data) = (bytes(values, 1)?, bytes(values, 2)?);
    let mut at = match values.get(2) {
        None | Some(Value::Nil) => 0,
        Some(_) => {
            let start = number(values, 3)?;
            if start < 1.0 {
                let what = "offset must be 1 or greater";
                return Err(Fault::argument(3, what));
            }
            start as usize - 1
        }
    };
    let mut format = Format::new(&text);
    let mut results: Vec<Value> = Vec::new();
    while let Some((field, size)) = format.next()? {
        at = at.saturating_add(format.gap(field, size, at));
        let take = |count: usize| {
            let end = at.checked_add(count);
            end.and_then(|end| data.get(at..end))
                .ok_or_else(|| Fault::argument(2, "data string too short"))
        };
        let (value, taken) = match field {
            Field::Padding => {
                take(1)?;
                at += 1;
                continue;
            }
            Field::Integer { size, is_signed } => {
                let number = get_integer(take(size)?, is_signed, format.is_little);
                (Value::Number(number), size)
            }
            Field::Float => {
                let bits: [u8; 4] = in_order(take(4)?, format.is_little);
                (Value::Number(f32::from_le_bytes(bits).into()), 4)
            }
            Field::Double => {
                let bits: [u8; 8] = in_order(take(8)?, format.is_little);
                (Value::Number(f64::from_le_bytes(bits)), 8)
            }
            Field::Chars(count) => {
                let count = match count {
                    0 => last_size(&mut results)?,
                    count => count,
                };
                (Value::String(lua.create_string(take(count)?)?), count)
            }
            Field::Text => {
                let rest = data.get(at..).unwrap_or_default();
                let Some(end) = rest.iter().position(|&byte| byte == 0) else {
                    return Err(Fault::text("unfinished string in data"));
                };
                (Value::String(lua.create_string(&rest[..end])?), end + 1)
            }
        };
        results.push(value);
        at += taken;
    }
    results.push(Value::Number((at + 1) as f64));
    Ok(MultiValue::from_iter(results))
}

fn last_size(results: &mut Vec<Value>) -> Checked<usize> {
    match results.pop() {
        Some(Value::Number(size)) => Ok(unsigned(size) as usize),
        _ => Err(Fault::text("format 'c0' needs a previous size")),
    }
}

fn in_order<const N: usize>(bytes: &[u8], is_little: bool) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    if !is_little {
        out.reverse();
    }
    out
}

fn size(values: &[Value]) -> Outcome {
    let text = bytes(values, 1)?;
    let mut format = Format::new(&text);
    // As in Redis.
    format.is_lenient = true;
    let mut total: usize = 0;
    while let Some((field, size)) = format.next()? {
        match field {
            Field::Text => {
                let what = "option 's' has no fixed size";
                return Err(Fault::argument(1, what));
            }
            Field::Chars(0) => {
                let what = "option 'c0' has no fixed size";
                return Err(Fault::argument(1, what));
            }
            _ => {}
        }
        let more = format.gap(field, size, total) + size;
        total = total
            .checked_add(more)
            .filter(|&total| total <= i32::MAX as usize)
            .ok_or_else(|| Fault::argument(1, "item too large to allocate"))?;
    }
    one(Value::Number(total as f64))
}
