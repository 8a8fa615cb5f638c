//! `LOLWUT`: a picture by chance, and the version.

use protocol::number;

use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::config::REDIS_VERSION;
use crate::spec::{Group, Spec, flags};

/// The family.
pub const COMMANDS: &[Command] = &[LOLWUT];

const LOLWUT: Command = Spec {
    name: "LOLWUT",
    usage: "[VERSION version:integer]",
    summary: "Displays computer art and the Redis version",
    since: "5.0.0",
    complexity: "",
    flags: flags!(READONLY | FAST),
    group: Group::Server,
    ..Spec::EMPTY
}
.run(lolwut);

/// Without a version there is only the last line, as in 7.4; versions 5 and 6 have a picture each, here
/// of our own making: a garden and a skyline, of so many columns and rows.
fn lolwut(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_versioned = args.len() > 2 && args.is(1, "VERSION");
    let integer = |index: usize| number::parse_i64(args.word(index)?).ok_or(Error::NotInteger);
    let mut numbers = Vec::new();
    if is_versioned {
        numbers.push(integer(2)?);
        // What a version does not take is not looked at.
        let taken = match numbers[0] {
            5 => 3,
            6 => 2,
            _ => 0,
        };
        for index in 3..args.len().min(3 + taken) {
            numbers.push(integer(index)?);
        }
    }
    let size = |index: usize, usual: i64, most: i64| {
        numbers.get(index).copied().unwrap_or(usual).clamp(1, most) as usize
    };
    let mut picture = match numbers.first() {
        Some(5) => garden(size(1, 66, 1000), size(2, 8, 200)),
        Some(6) => skyline(size(1, 80, 1000), size(2, 20, 200)),
        _ => String::new(),
    };
    picture += &format!("Redis ver. {REDIS_VERSION}\n");
    cx.reply.verbatim("txt", picture.as_bytes())
}

/// Flowers on a meadow: the higher a row, the fewer reach it.
fn garden(columns: usize, rows: usize) -> String {
    let heights: Vec<usize> = (0..columns)
        .map(|_| {
            if fastrand::u8(..3) == 0 {
                fastrand::usize(1..=rows)
            } else {
                0
            }
        })
        .collect();
    let mut text = String::new();
    for row in (1..=rows).rev() {
        text.extend(heights.iter().map(|&height| match height {
            height if height == row => fastrand::choice(['@', '*', 'o', '%']).unwrap_or('*'),
            height if height > row => '|',
            _ => ' ',
        }));
        text.push('\n');
    }
    text.extend((0..columns).map(|_| fastrand::choice(['"', '\'', ',', '.']).unwrap_or('.')));
    text + "\n\nKeytag - garden, letters on a terminal, 2026. "
}

/// Houses at night, some windows lit.
fn skyline(columns: usize, rows: usize) -> String {
    let mut heights = Vec::with_capacity(columns + 8);
    while heights.len() < columns {
        let height = fastrand::usize(..=rows);
        heights.extend(std::iter::repeat_n(height, fastrand::usize(3..9)));
    }
    let mut text = String::new();
    for row in (1..=rows).rev() {
        text.extend(
            heights
                .iter()
                .take(columns)
                .map(|&height| match height >= row {
                    false if fastrand::u8(..40) == 0 => '.',
                    false => ' ',
                    true if fastrand::u8(..5) == 0 => ':',
                    true => '#',
                }),
        );
        text.push('\n');
    }
    text + "\nKeytag - skyline, letters on a terminal, 2026. "
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_size_asked_for() {
        let garden = garden(10, 3);
        assert_eq!(
            garden.lines().take(4).map(str::len).collect::<Vec<_>>(),
            [10; 4]
        );
        let skyline = skyline(12, 4);
        assert_eq!(
            skyline.lines().take(4).map(str::len).collect::<Vec<_>>(),
            [12; 4]
        );
        assert!(!garden.ends_with('\n') && !skyline.ends_with('\n'));
    }
}
