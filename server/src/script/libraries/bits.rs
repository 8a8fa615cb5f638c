//! `bit`: operations on 32 bits.

use mlua::{Lua, Result, Table, Value};

use super::{Fault, Outcome, add, number, one};

type Unary = fn(u32) -> u32;
type Binary = fn(u32, u32) -> u32;

/// The functions of `bit`.
pub fn library(lua: &Lua) -> Result<Table> {
    let bit = lua.create_table()?;
    let unary: [(&'static str, Unary); 3] = [
        ("tobit", |bits| bits),
        ("bnot", |bits| !bits),
        ("bswap", u32::swap_bytes),
    ];
    for (name, of) in unary {
        add(lua, &bit, name, move |_, values| {
            integer(of(bits(values, 1)?))
        })?;
    }
    let folds: [(&'static str, Binary); 3] = [
        ("band", |a, b| a & b),
        ("bor", |a, b| a | b),
        ("bxor", |a, b| a ^ b),
    ];
    for (name, of) in folds {
        add(lua, &bit, name, move |_, values| {
            let mut all = bits(values, 1)?;
            for index in 2..=values.len() {
                all = of(all, bits(values, index)?);
            }
            integer(all)
        })?;
    }
    let shifts: [(&'static str, Binary); 5] = [
        ("lshift", |bits, by| bits << by),
        ("rshift", |bits, by| bits >> by),
        ("arshift", |bits, by| {
            (bits.cast_signed() >> by).cast_unsigned()
        }),
        ("rol", u32::rotate_left),
        ("ror", u32::rotate_right),
    ];
    for (name, of) in shifts {
        add(lua, &bit, name, move |_, values| {
            let (what, by) = (bits(values, 1)?, bits(values, 2)?);
            integer(of(what, by & 31))
        })?;
    }
    add(lua, &bit, "tohex", tohex)?;
    Ok(bit)
}

/// A number as 32 bits: rounded to the nearest integer, ties to the even one, and wrapped.
fn bits(values: &[Value], index: usize) -> std::result::Result<u32, Fault> {
    // 1.5 * 2^52: whatever is added to it ends in its lowest bits. So does LuaBitOp, and gets other numbers
    // than wrapping for those beyond 2^51.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    Ok((number(values, index)? + MAGIC).to_bits() as u32)
}

fn integer(bits: u32) -> Outcome {
    one(Value::Number(f64::from(bits.cast_signed())))
}

fn tohex(lua: &Lua, values: &[Value]) -> Outcome {
    let what = bits(values, 1)?;
    let wanted = match values.len() {
        0 | 1 => 8,
        _ => bits(values, 2)?.cast_signed(),
    };
    let count = wanted.unsigned_abs().min(8) as usize;
    let digits = if wanted < 0 {
        format!("{what:08X}")
    } else {
        format!("{what:08x}")
    };
    one(Value::String(lua.create_string(&digits[8 - count..])?))
}
