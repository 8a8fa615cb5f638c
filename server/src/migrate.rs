//! The other end of `MIGRATE`: a connection to another server that is waited for.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// So much is gathered before it is sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// The longest line of an answer that is taken.
const LONGEST_LINE_BYTES: usize = 1024;

/// A server that keys are sent to.
#[derive(Debug)]
pub struct Target {
    stream: TcpStream,
    timeout: Duration,
    unsent: Vec<u8>,
    received: Vec<u8>,
    /// What of it has been taken.
    taken: usize,
}

/// What could not be done: the other said no word of it, or none in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// There is no such host, or no way to it.
    Connecting,
    /// It does not take what is sent. As in Redis, also if nobody listens there.
    Writing,
    /// It does not answer.
    Reading,
}

impl Target {
    /// Connects. `timeout_ms` is how long the other may take for this, for each 64 KiB sent, and for each answer.
    ///
    /// # Errors
    /// [`Broken::Connecting`] or [`Broken::Writing`]
    pub fn connect(host: &[u8], port: &[u8], timeout_ms: u64) -> Result<Target, Broken> {
        let host = std::str::from_utf8(host).map_err(|_| Broken::Connecting)?;
        let timeout = Duration::from_millis(timeout_ms);
        let began = Instant::now();
        let addresses = (host, leading_port(port)).to_socket_addrs();
        let mut failure = Broken::Connecting;
        for address in addresses.map_err(|_| Broken::Connecting)? {
            let left = timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Broken::Connecting);
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => {
                    // A delay is all that comes of it otherwise.
                    let _ = stream.set_nodelay(true);
                    return Ok(Target {
                        stream,
                        timeout,
                        unsent: Vec::new(),
                        received: Vec::new(),
                        taken: 0,
                    });
                }
                Err(error) => failure = of_connect(&error),
            }
        }
        Err(failure)
    }

    /// Sends a request, sooner or later.
    ///
    /// # Errors
    /// [`Broken::Writing`]
    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<(), Broken> {
        protocol::encode_request(words.iter().map(AsRef::as_ref), &mut self.unsent);
        match self.unsent.len() {
            0..CHUNK_BYTES => Ok(()),
            _ => self.flush(),
        }
    }

    /// Sends what has gathered.
    ///
    /// # Errors
    /// [`Broken::Writing`]
    pub fn flush(&mut self) -> Result<(), Broken> {
        let unsent = std::mem::take(&mut self.unsent);
        unsent
            .chunks(CHUNK_BYTES)
            .try_for_each(|chunk| self.send_chunk(chunk))
    }

    fn send_chunk(&mut self, mut chunk: &[u8]) -> Result<(), Broken> {
        let began = Instant::now();
        while !chunk.is_empty() {
            let left = self.left(began).ok_or(Broken::Writing)?;
            let written = self
                .stream
                .set_write_timeout(Some(left))
                .and_then(|()| self.stream.write(chunk));
            match written {
                Ok(count) if count > 0 => chunk = &chunk[count..],
                _ => return Err(Broken::Writing),
            }
        }
        Ok(())
    }

    /// The next line of the answers, without its end; as much of it as fits if it is very long.
    ///
    /// # Errors
    /// [`Broken::Reading`]
    pub fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let began = Instant::now();
        loop {
            let rest = &self.received[self.taken..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
                let line = line[..line.len().min(LONGEST_LINE_BYTES)].to_vec();
                self.taken += end + 1;
                return Ok(line);
            }
            if rest.len() > CHUNK_BYTES {
                return Err(Broken::Reading);
            }
            self.receive(began)?;
        }
    }

    fn receive(&mut self, began: Instant) -> Result<(), Broken> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let left = self.left(began).ok_or(Broken::Reading)?;
        let mut chunk = [0; 16 * 1024];
        let read = self
            .stream
            .set_read_timeout(Some(left))
            .and_then(|()| self.stream.read(&mut chunk));
        match read {
            Ok(count) if count > 0 => {
                self.received.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            _ => Err(Broken::Reading),
        }
    }

    /// How long it may still take, unless that is over.
    fn left(&self, began: Instant) -> Option<Duration> {
        let left = self.timeout.saturating_sub(began.elapsed());
        (!left.is_zero()).then_some(left)
    }
}

/// What Redis says of a connection that does not come about: it only notices when it sends, unless there is no way.
fn of_connect(error: &std::io::Error) -> Broken {
    use std::io::ErrorKind::{NetworkUnreachable, TimedOut, WouldBlock};
    match error.kind() {
        TimedOut | WouldBlock | NetworkUnreachable => Broken::Connecting,
        _ => Broken::Writing,
    }
}

/// As C's `atoi`, of which the lowest 16 bits count.
fn leading_port(text: &[u8]) -> u16 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |port: u16, digit| {
        port.wrapping_mul(10).wrapping_add(u16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pair() -> (Target, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let target = Target::connect(b"127.0.0.1", port.to_string().as_bytes(), 10_000);
        let (other, _) = listener.accept().expect("it connects");
        (target.expect("somebody listens"), other)
    }

    #[test]
    fn ports_are_read_as_far_as_they_go() {
        for (text, port) in [("6379", 6379), ("12x", 12), ("x", 0), ("", 0), ("65537", 1)] {
            assert_eq!(leading_port(text.as_bytes()), port, "{text}");
        }
    }

    #[test]
    fn answers_come_line_by_line() {
        let (mut target, mut other) = pair();
        let long = "x".repeat(5_000);
        let answers = format!("+OK\r\n-ERR no\n\r\n{long}\r\n+");
        other.write_all(answers.as_bytes()).expect("it is there");
        drop(other);
        assert_eq!(target.line(), Ok(b"+OK".to_vec()));
        assert_eq!(target.line(), Ok(b"-ERR no".to_vec()));
        assert_eq!(target.line(), Ok(Vec::new()));
        assert_eq!(target.line().map(|it| it.len()), Ok(LONGEST_LINE_BYTES));
        assert_eq!(target.line(), Err(Broken::Reading));
    }

    #[test]
    fn a_line_that_does_not_end_is_given_up() {
        let (mut target, mut other) = pair();
        let sender = std::thread::spawn(move || {
            // Whoever has given up listens no more.
            let _ = other.write_all(&[b'x'; 4 * CHUNK_BYTES]);
        });
        assert_eq!(target.line(), Err(Broken::Reading));
        drop(target);
        sender.join().expect("it ends");
    }

    #[test]
    fn requests_arrive_whole() {
        let (mut target, mut other) = pair();
        let value = vec![b'v'; 3 * CHUNK_BYTES];
        let sender = std::thread::spawn(move || {
            let sent = target.send(&[&b"SET"[..], b"k", &value]);
            sent.and_then(|()| target.send(&[b"PING"]))
                .and_then(|()| target.flush())
        });
        let mut received = Vec::new();
        let ends = |received: &[u8]| received.ends_with(b"*1\r\n$4\r\nPING\r\n");
        while !ends(&received) {
            let mut chunk = [0; 4096];
            let count = other.read(&mut chunk).expect("it is sent");
            received.extend_from_slice(&chunk[..count]);
        }
        assert!(received.len() > 3 * CHUNK_BYTES);
        assert_eq!(sender.join().expect("it ends"), Ok(()));
    }

    #[test]
    fn where_nobody_listens_writing_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let port = port.to_string();
        let refused = Target::connect(b"127.0.0.1", port.as_bytes(), 1000).map(|_| ());
        assert_eq!(refused, Err(Broken::Writing));
        let unknown = Target::connect(b"no such host", b"1", 1000).map(|_| ());
        assert_eq!(unknown, Err(Broken::Connecting));
    }
}
