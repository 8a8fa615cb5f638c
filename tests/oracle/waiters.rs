//! Connections that wait for keys while others go on talking.

use std::time::{Duration, Instant};

use super::pair::{Answer, Pair, decode, show};
use super::settle::Difference;
use crate::support::{Client, Server, client::Silence};

/// How many may wait at once.
pub(super) const WAITERS: usize = 4;
/// How long a reply that must come may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long to look for one that may come.
const GLANCE: Duration = Duration::from_millis(1);

pub(super) struct Waiters {
    is_used: bool,
    protocol: u8,
    patience: Duration,
    waiters: Vec<Waiter>,
}

/// One connection to each server.
struct Waiter {
    pair: Pair,
    /// Its numbers, ours and theirs.
    ids: [String; 2],
    is_waiting: bool,
}

/// What has become of a command that may wait.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Waits,
    Answered(Vec<u8>),
    Closed,
}

impl Waiters {
    pub(super) fn new(is_used: bool, protocol: u8, patience: Duration) -> Waiters {
        Waiters {
            is_used,
            protocol,
            patience,
            waiters: Vec::new(),
        }
    }

    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Which connection does not wait: its number, or `None`.
    pub(super) fn free(&self) -> Option<usize> {
        let is_free = |at: &usize| {
            self.waiters
                .get(*at)
                .is_none_or(|waiter| !waiter.is_waiting)
        };
        (0..WAITERS).find(is_free)
    }

    /// Says a command on a connection, which is made if it is not there. If it waits, only one that makes
    /// it stop is said: `CLIENT UNBLOCK`, without the number of the connection.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn say(
        &mut self,
        at: usize,
        command: &[Vec<u8>],
        keytag: &Server,
        oracle: &Server,
    ) -> Result<(), Difference> {
        while self.waiters.len() <= at {
            let waiter = Waiter::new(keytag, oracle, self.protocol);
            self.waiters.push(waiter);
        }
        let waiter = &mut self.waiters[at];
        if waiter.is_waiting {
            let [client, unblock, reason] = command else {
                return Ok(());
            };
            if unblock != b"UNBLOCK" {
                return Ok(());
            }
            for (server, id) in [keytag, oracle].into_iter().zip(&waiter.ids) {
                let unblocking = [client, unblock, id.as_bytes(), reason];
                server.connect().call(&unblocking);
            }
            return self.collect(keytag, oracle);
        }
        waiter.pair.keytag.send(command);
        waiter.pair.oracle.send(command);
        waiter.is_waiting = true;
        let ours = state(&mut waiter.pair.keytag, keytag, &waiter.ids[0]);
        let theirs = state(&mut waiter.pair.oracle, oracle, &waiter.ids[1]);
        if ours != theirs {
            return Err((format!("{ours:?}"), format!("{theirs:?}")));
        }
        waiter.is_waiting = theirs == State::Waits;
        if theirs == State::Closed {
            *waiter = Waiter::new(keytag, oracle, self.protocol);
        }
        Ok(())
    }

    /// Compares the answers of those that wait no more.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn collect(&mut self, keytag: &Server, oracle: &Server) -> Result<(), Difference> {
        let mut control = None;
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.is_waiting) {
            let control = control.get_or_insert_with(|| oracle.connect());
            if is_blocked(control, &waiter.ids[1]) {
                continue;
            }
            let theirs = finally(&mut waiter.pair.oracle, self.patience);
            let ours = finally(&mut waiter.pair.keytag, self.patience);
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) if ours == theirs => waiter.is_waiting = false,
                (Err(Silence::Closed), Err(Silence::Closed)) => {
                    *waiter = Waiter::new(keytag, oracle, self.protocol);
                }
                _ => return Err((show(&ours), show(&theirs))),
            }
        }
        Ok(())
    }
}

impl Waiter {
    fn new(keytag: &Server, oracle: &Server, protocol: u8) -> Waiter {
        let mut pair = Pair::new(keytag, oracle, protocol);
        let (ours, theirs) = pair.call(&[b"CLIENT", b"ID"]);
        pair.keytag = pair.keytag.with_patience(GLANCE);
        pair.oracle = pair.oracle.with_patience(GLANCE);
        Waiter {
            pair,
            ids: [ours, theirs].map(|id| id.integer().to_string()),
            is_waiting: false,
        }
    }
}

/// Waits until a command has been answered or its connection waits for a key.
fn state(client: &mut Client, server: &Server, id: &str) -> State {
    let mut control = server.connect();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match client.try_receive() {
            Ok(reply) => return State::Answered(reply),
            Err(Silence::Closed) => return State::Closed,
            Err(Silence::TimedOut(_)) if is_blocked(&mut control, id) => return State::Waits,
            Err(Silence::TimedOut(_)) => {}
        }
    }
    panic!("no answer, and client {id} does not wait either");
}

/// The reply that must come.
fn finally(client: &mut Client, patience: Duration) -> Answer {
    let deadline = Instant::now() + patience;
    loop {
        match client.try_receive() {
            Err(Silence::TimedOut(_)) if Instant::now() < deadline => {}
            answer => return answer,
        }
    }
}

/// Whether a connection waits: the flag `b` of CLIENT LIST.
fn is_blocked(control: &mut Client, id: &str) -> bool {
    control.send(&["CLIENT", "LIST", "ID", id]);
    let Ok(reply) = control.try_receive() else {
        return false;
    };
    let line = decode(&reply).text();
    let flags = line
        .split(' ')
        .find_map(|field| field.strip_prefix("flags="));
    flags.is_some_and(|flags| flags.contains('b'))
}
