//! `LATENCY GRAPH`: one column a sample, four rows high, its age written downwards below.

use std::fmt::Write as _;

use crate::latency::{Event, Sample, Series};

/// Samples side by side; more go into a second graph below.
const COLUMNS: usize = 80;

const ROWS: usize = 4;

/// The top of a column, in three steps a row.
const TOPS: [char; 3] = ['_', 'o', '#'];

/// The graph with its title.
pub(super) fn draw(event: Event, series: &Series, now_seconds: i64) -> String {
    let latencies = || series.samples.iter().map(|it| it.latency_ms);
    let (low, high) = (
        latencies().min().unwrap_or(0),
        latencies().max().unwrap_or(0),
    );
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name(),
        series.worst_ms,
        "-".repeat(80)
    );
    for samples in series.samples.chunks(COLUMNS) {
        draw_bars(&mut text, samples, low, high);
        draw_ages(&mut text, samples, now_seconds);
    }
    text
}

fn draw_bars(text: &mut String, samples: &[Sample], low: u64, high: u64) {
    let steps = (ROWS * TOPS.len()) as u128;
    let span = u128::from(high - low).max(1);
    let step = |sample: &Sample| {
        let above = u128::from(sample.latency_ms.saturating_sub(low));
        (above * steps / span).min(steps - 1) as usize
    };
    for row in (0..ROWS).rev() {
        let bottom = row * TOPS.len();
        text.extend(
            samples
                .iter()
                .map(|sample| match step(sample).checked_sub(bottom) {
                    None => ' ',
                    Some(step) => TOPS.get(step).copied().unwrap_or('|'),
                }),
        );
        text.push('\n');
    }
}

fn draw_ages(text: &mut String, samples: &[Sample], now_seconds: i64) {
    let ages: Vec<String> = samples
        .iter()
        .map(|it| age(now_seconds - it.at_seconds))
        .collect();
    let height = ages.iter().map(String::len).max().unwrap_or(0);
    let _ = writeln!(text, "{}", " ".repeat(samples.len()));
    for row in 0..height {
        text.extend(ages.iter().map(|age| age.chars().nth(row).unwrap_or(' ')));
        text.push('\n');
    }
}

fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[(i64, u64)]) -> Series {
        let samples = samples.iter().map(|&(at_seconds, latency_ms)| Sample {
            at_seconds,
            latency_ms,
        });
        Series {
            worst_ms: 99,
            samples: samples.collect(),
        }
    }

    /// As Redis 7.4.1 drew six sleeps.
    #[test]
    fn columns_rise_to_their_latency() {
        let samples = [
            (39, 11),
            (40, 100),
            (42, 200),
            (43, 50),
            (44, 150),
            (45, 31),
        ];
        let text = draw(Event::Command, &series(&samples), 46);
        let lines = text.lines().skip(2).collect::<Vec<_>>();
        assert_eq!(
            lines,
            [
                "  #   ", "  | # ", " #| | ", "_||#|o", "      ", "764321", "ssssss"
            ]
        );
        assert!(text.starts_with("command - high 200 ms, low 11 ms (all time high 99 ms)\n------"));
    }

    #[test]
    fn one_sample_is_low_and_many_fill_two_graphs() {
        let text = draw(Event::Command, &series(&[(5, 20)]), 5);
        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            [" ", " ", " ", "_", " ", "0", "s"]
        );
        let many: Vec<(i64, u64)> = (0..100).map(|second| (second, 1)).collect();
        let text = draw(Event::Command, &series(&many), 100);
        assert_eq!(text.lines().filter(|line| line.starts_with('_')).count(), 2);
    }
}
