//! A connection in one line, as `CLIENT LIST` and the log show it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::Version;

use super::{Client, State, shown_name};

/// Letters of `flags=` in Redis' order; `d` stands between the two halves.
const FLAGS: [&[(State, u8)]; 2] = [
    &[
        (State::MONITOR, b'O'),
        (State::PUBSUB, b'P'),
        (State::MULTI, b'x'),
        (State::BLOCKED, b'b'),
        (State::TRACKING, b't'),
        (State::BROKEN_REDIRECT, b'R'),
        (State::BCAST, b'B'),
    ],
    &[
        (State::CLOSE_AFTER_REPLY, b'c'),
        (State::CLOSE_NOW, b'A'),
        (State::UNIX_SOCKET, b'U'),
        (State::NO_EVICT, b'e'),
        (State::NO_TOUCH, b'T'),
    ],
];

/// The reply buffer that a client of Redis has at most.
const REPLY_BUFFER_BYTES: usize = 16 * 1024;

impl Client {
    /// All that is known of the connection: `id=3 addr=127.0.0.1:40994 …`, without a line end.
    ///
    /// `commands` are the names of all commands by their number. Bytes, because a name that was given
    /// in a configuration file may be any.
    pub fn line(&self, commands: &[String], now_ms: i64) -> Vec<u8> {
        let mut line = Vec::with_capacity(400);
        self.write_identity(&mut line, now_ms);
        self.write_state(&mut line);
        self.write_memory(&mut line);
        self.write_speech(&mut line, commands);
        line
    }

    fn write_identity(&self, line: &mut Vec<u8>, now_ms: i64) {
        let seconds_since = |then_ms: i64| (now_ms - then_ms).max(0) / 1000;
        let idle = seconds_since(self.gauges.last_interaction_ms.load(Ordering::Relaxed));
        put(
            line,
            format_args!(
                "id={} addr={} laddr={}",
                self.id, self.addr, self.local_addr
            ),
        );
        put(line, format_args!(" fd={} name=", self.fd));
        line.extend_from_slice(shown_name(&self.names.lock().name));
        put(
            line,
            format_args!(" age={} idle={idle}", seconds_since(self.created_ms)),
        );
    }

    fn write_state(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(b" flags=");
        let before = line.len();
        let letters = |flags: &'static [(State, u8)]| {
            flags
                .iter()
                .filter(|(flag, _)| self.is(*flag))
                .map(|(_, letter)| *letter)
        };
        line.extend(letters(FLAGS[0]));
        let is_broken = self.is_watch_broken();
        if is_broken {
            line.push(b'd');
        }
        line.extend(letters(FLAGS[1]));
        if line.len() == before {
            line.push(b'N');
        }
        let [sub, psub, ssub] = self.gauges.subscriptions.each_ref().map(get);
        put(
            line,
            format_args!(" db={} sub={sub} psub={psub} ssub={ssub}", self.db()),
        );
        let queued = self.gauges.queued.load(Ordering::Relaxed);
        // Who knows that a key has changed watches none any more.
        let watched = if is_broken {
            0
        } else {
            get(&self.gauges.watched)
        };
        put(line, format_args!(" multi={queued} watch={watched}"));
    }

    /// The parts add up: `tot-mem` is `qbuf`, `qbuf-free`, `argv-mem`, `multi-mem`, `rbs` and `omem`, and what
    /// the connection takes besides.
    fn write_memory(&self, line: &mut Vec<u8>) {
        let gauges = &self.gauges;
        let (query, query_free) = (get(&gauges.query_bytes), get(&gauges.query_free_bytes));
        let arguments = get(&gauges.argument_bytes) + get(&gauges.parser_bytes);
        let queued = get(&gauges.queue_capacity);
        put(line, format_args!(" qbuf={query} qbuf-free={query_free}"));
        put(
            line,
            format_args!(" argv-mem={arguments} multi-mem={queued}"),
        );
        let (capacity, waiting) = (get(&gauges.output_capacity), get(&gauges.output_bytes));
        // Redis has a buffer of 16 KiB, and a list for what is more. Ours is one; it is shown as two,
        // since whoever watches `omem` looks for clients that do not read.
        let buffer = capacity.min(REPLY_BUFFER_BYTES);
        let in_buffer = waiting.min(buffer);
        let pieces = if waiting > in_buffer {
            get(&gauges.output_pieces).max(1)
        } else {
            0
        };
        put(
            line,
            format_args!(" rbs={buffer} rbp={}", get(&gauges.output_peak)),
        );
        put(
            line,
            format_args!(
                " obl={in_buffer} oll={pieces} omem={} tot-mem={}",
                capacity - buffer,
                self.memory_bytes()
            ),
        );
        line.extend_from_slice(if waiting == 0 {
            b" events=r"
        } else {
            b" events=rw"
        });
    }

    /// All memory held for the connection, shared values in full.
    pub fn memory_bytes(&self) -> usize {
        let gauges = &self.gauges;
        let parts = [
            &gauges.query_bytes,
            &gauges.query_free_bytes,
            &gauges.argument_bytes,
            &gauges.queue_capacity,
            &gauges.output_capacity,
        ];
        self.standing_bytes() + parts.into_iter().map(get).sum::<usize>()
    }

    /// What of that is in no buffer.
    pub fn standing_bytes(&self) -> usize {
        let gauges = &self.gauges;
        let parts = [
            &gauges.base_bytes,
            &gauges.name_bytes,
            &gauges.wait_bytes,
            &gauges.watch_bytes,
            &gauges.subscription_bytes,
            &gauges.prefix_bytes,
            &gauges.parser_bytes,
        ];
        parts.into_iter().map(get).sum()
    }

    fn write_speech(&self, line: &mut Vec<u8>, commands: &[String]) {
        let command = commands
            .get(get(&self.gauges.last_command))
            .map_or("NULL", String::as_str);
        let version = if self.version() == Version::Resp3 {
            3
        } else {
            2
        };
        let redirection = match self.is(State::TRACKING) {
            true => self.redirection().cast_signed(),
            false => -1,
        };
        put(line, format_args!(" cmd={command} user="));
        let user = self.user.lock();
        line.extend_from_slice(user.as_ref().map_or(b"(superuser)", |user| user.name()));
        drop(user);
        put(
            line,
            format_args!(" redir={redirection} resp={version} lib-name="),
        );
        let names = self.names.lock();
        line.extend_from_slice(shown_name(&names.lib_name));
        line.extend_from_slice(b" lib-ver=");
        line.extend_from_slice(shown_name(&names.lib_version));
    }
}

fn put(line: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    line.write_fmt(text).expect("memory takes everything");
}

fn get(gauge: &AtomicUsize) -> usize {
    gauge.load(Ordering::Relaxed)
}
