//! Log lines in Redis' format: `1:M 22 Nov 2026 21:37:01.123 * Ready to accept connections tcp`.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};

use jiff::Zoned;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogLevel;

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Notice as u8);
static TARGET: Mutex<Option<std::fs::File>> = Mutex::new(None);

struct RedisFormat;

impl<S: Subscriber> Layer<S> for RedisFormat {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, mark) = match *event.metadata().level() {
            Level::TRACE => (LogLevel::Debug, '.'),
            Level::DEBUG => (LogLevel::Verbose, '-'),
            Level::INFO => (LogLevel::Notice, '*'),
            Level::WARN | Level::ERROR => (LogLevel::Warning, '#'),
        };
        if (level as u8) < LEVEL.load(Ordering::Relaxed) {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        write_line(mark, &message.0);
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

fn write_line(mark: char, message: &str) {
    let time = Zoned::now().strftime("%d %b %Y %H:%M:%S.%3f").to_string();
    let line = format!("{}:M {time} {mark} {message}\n", std::process::id());
    let mut target = TARGET.lock();
    // Where logging fails there is nowhere left to say so.
    let _ = match &mut *target {
        Some(file) => file.write_all(line.as_bytes()),
        None => std::io::stdout()
            .write_all(line.as_bytes())
            .and_then(|()| std::io::stdout().flush()),
    };
}

/// Starts logging to standard output.
pub fn start() {
    tracing_subscriber::registry().with(RedisFormat).init();
}

/// Changes what is logged.
pub fn set_level(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Logs to a file from now on, or to standard output if the path is empty.
///
/// # Errors
/// If the file cannot be opened for appending.
pub fn set_file(path: &str) -> std::io::Result<()> {
    let file = match path {
        "" => None,
        path => Some(
            std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)?,
        ),
    };
    *TARGET.lock() = file;
    Ok(())
}
