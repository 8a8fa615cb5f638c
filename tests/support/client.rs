//! A blocking client that shows each reply as the bytes it came in.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::reply::Reply;
use super::words;

/// How long a reply may take before the test fails: no reply of these tests takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Why no reply came.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The server closed the connection.
    Closed,
    /// The time was up, with so much of a reply there.
    TimedOut(Vec<u8>),
}

impl Client {
    /// Connects to a port of this machine.
    pub(crate) fn connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client {
            stream,
            received: Vec::new(),
        })
    }

    /// Another handle to send over the same connection, while this one receives.
    pub(crate) fn clone_of(other: &Client) -> Client {
        Client {
            stream: other.stream.try_clone().expect("a second handle"),
            received: Vec::new(),
        }
    }

    /// The same connection with another patience.
    pub(crate) fn with_patience(self, patience: Duration) -> Client {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a patience over zero");
        self
    }

    /// Sends bytes as they are. A connection that the server has closed is noticed when reading.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends one command.
    pub(crate) fn send<W: AsRef<[u8]>>(&mut self, command: &[W]) {
        self.send_raw(&words::encode(command));
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next reply as bytes.
    pub(crate) fn try_receive(&mut self) -> Result<Vec<u8>, Silence> {
        loop {
            let parsed = Reply::parse(&self.received).unwrap_or_else(|error| panic!("{}", error.0));
            if let Some((_, used)) = parsed {
                let rest = self.received.split_off(used);
                return Ok(std::mem::replace(&mut self.received, rest));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Silence> {
        let mut chunk = vec![0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Silence::Closed),
            Ok(count) => {
                self.received.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Silence::TimedOut(self.received.clone()))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(_) => Err(Silence::Closed),
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) fn receive_to_end(&mut self) -> Result<Vec<u8>, Silence> {
        loop {
            match self.fill() {
                Ok(()) => {}
                Err(Silence::Closed) => return Ok(std::mem::take(&mut self.received)),
                Err(timed_out) => return Err(timed_out),
            }
        }
    }

    /// The next reply as bytes.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn receive(&mut self) -> Vec<u8> {
        self.try_receive()
            .unwrap_or_else(|silence| panic!("no reply: {silence:?}"))
    }

    /// The next reply.
    pub(crate) fn reply(&mut self) -> Reply {
        let bytes = self.receive();
        Reply::parse(&bytes)
            .expect("received whole")
            .expect("received whole")
            .0
    }

    /// Sends a command and gives its reply.
    pub(crate) fn call<W: AsRef<[u8]>>(&mut self, command: &[W]) -> Reply {
        self.send(command);
        self.reply()
    }

    /// Sends a command and gives its reply, the command written as in redis-cli.
    pub(crate) fn line(&mut self, line: &str) -> Reply {
        self.call(&words::split(line))
    }

    /// Sends commands in one write and gives their replies.
    pub(crate) fn pipeline(&mut self, lines: &[&str]) -> Vec<Reply> {
        let requests: Vec<u8> = lines
            .iter()
            .flat_map(|line| words::encode(&words::split(line)))
            .collect();
        self.send_raw(&requests);
        lines.iter().map(|_| self.reply()).collect()
    }

    /// Whether the server has closed the connection, or does within the patience.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.try_receive(), Err(Silence::Closed))
    }

    /// A field of INFO.
    pub(crate) fn info(&mut self, field: &str) -> Option<String> {
        let text = self.line("INFO everything").text();
        let prefix = format!("{field}:");
        text.lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
    }

    /// A field of INFO that is a number.
    pub(crate) fn info_number(&mut self, field: &str) -> i64 {
        let text = self
            .info(field)
            .unwrap_or_else(|| panic!("INFO has no {field}"));
        text.parse()
            .unwrap_or_else(|_| panic!("{field} is no number: {text}"))
    }
}
