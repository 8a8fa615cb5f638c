//! The sockets that accept connections, and how TCP ones are replaced while the server runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::listener::{self, Listener};
use super::threads::Threads;
use crate::config::{Config, options};
use crate::server::Server;

/// How long opening a socket may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request to listen where the configuration now says; answered by whether that worked.
type Renewal = SyncSender<bool>;

/// The thread that accepts connections, as others see it.
#[derive(Debug, Default)]
pub struct Listening {
    renewals: Mutex<Option<mpsc::UnboundedSender<Renewal>>>,
}

impl Listening {
    /// Listens at the port and addresses that the configuration now has, and no longer where it did.
    ///
    /// Gives `false` if that cannot be done; then it listens where it did. Not for the accepting thread.
    pub fn renew(&self) -> bool {
        let (answer, answered) = sync_channel(1);
        let is_asked = self
            .renewals
            .lock()
            .as_ref()
            .is_some_and(|it| it.send(answer).is_ok());
        is_asked && answered.recv_timeout(PATIENCE).unwrap_or(false)
    }
}

/// Where TCP connections are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    port: u16,
    addresses: Vec<String>,
}

impl Place {
    fn of(config: &Config) -> Place {
        Place {
            port: config.get(options::PORT),
            addresses: config.get(options::BIND),
        }
    }

    /// Opens a socket at each address.
    ///
    /// One that starts with `-` may fail, as with Redis: it is not available on this machine.
    fn open(&self, backlog: i32) -> Result<Vec<Listener>, String> {
        let mut listeners = Vec::new();
        if self.port == 0 {
            return Ok(listeners);
        }
        for text in &self.addresses {
            let (is_optional, text) = match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.as_str()),
            };
            let opened = address(text)
                .ok_or_else(|| std::io::Error::other("Name or service not known"))
                .and_then(|address| listener::open_tcp(address, self.port, backlog));
            match opened {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_optional && is_unavailable(&error) => {}
                Err(error) => {
                    let port = self.port;
                    tracing::warn!(
                        "Warning: Could not create server TCP listening socket {text}:{port}: bind: {error}"
                    );
                    return Err(format!("Failed listening on port {port} (tcp), aborting."));
                }
            }
        }
        Ok(listeners)
    }
}

/// Every socket of the configuration, open.
pub struct Sockets {
    place: Place,
    tcp: Vec<Listener>,
    unix: Option<Listener>,
}

/// Opens every socket of the configuration.
///
/// # Errors
/// A text for the log, if one that must cannot be opened.
pub fn open(config: &Config) -> Result<Sockets, String> {
    let place = Place::of(config);
    let backlog = backlog(config);
    let tcp = place.open(backlog)?;
    let path = config.path(options::UNIXSOCKET);
    if path.as_os_str().is_empty() {
        return Ok(Sockets {
            place,
            tcp,
            unix: None,
        });
    }
    let unix = listener::open_unix(&path, config.get(options::UNIXSOCKETPERM), backlog);
    let unix = unix.map_err(|error| {
        tracing::warn!("Failed opening Unix socket: bind: {error}");
        "Failed listening on unix socket, aborting.".to_owned()
    })?;
    Ok(Sockets {
        place,
        tcp,
        unix: Some(unix),
    })
}

/// Accepts connections for ever, on these sockets and on those that take their place.
pub async fn serve(server: &'static Server, sockets: Sockets, threads: &'static Threads) {
    let (renewals, mut renewed) = mpsc::unbounded_channel();
    *server.listening.renewals.lock() = Some(renewals);
    let accept =
        |listener| tokio::task::spawn_local(listener::accept_all(server, listener, threads));
    let accept_each = |listeners: Vec<Listener>| listeners.into_iter().map(accept).collect();
    let Sockets {
        mut place,
        tcp,
        unix,
    } = sockets;
    let _unix = unix.map(accept);
    let mut tasks: Vec<JoinHandle<()>> = accept_each(tcp);
    while let Some(answer) = renewed.recv().await {
        close(&mut tasks).await;
        let config = &server.settings.config;
        let next = Place::of(config);
        let opened = next.open(backlog(config));
        let is_done = opened.is_ok();
        if is_done {
            place = next;
        }
        tasks = accept_each(
            opened
                .or_else(|_| place.open(backlog(config)))
                .unwrap_or_default(),
        );
        // Only now: whoever is told may connect at once. Who asked may have lost patience.
        let _ = answer.send(is_done);
    }
}

/// Closes sockets; when it is done, their addresses are free.
async fn close(tasks: &mut Vec<JoinHandle<()>>) {
    for task in tasks.drain(..) {
        task.abort();
        // Cancelled, as it was asked to be.
        let _ = task.await;
    }
}

fn backlog(config: &Config) -> i32 {
    i32::try_from(config.get(options::TCP_BACKLOG)).unwrap_or(i32::MAX)
}

fn address(text: &str) -> Option<IpAddr> {
    match text {
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        "::*" => Some(Ipv6Addr::UNSPECIFIED.into()),
        text => text.parse().ok(),
    }
}

fn is_unavailable(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, Unsupported};
    // EAFNOSUPPORT and EPROTONOSUPPORT have no kind of their own.
    matches!(error.kind(), AddrNotAvailable | Unsupported)
        || matches!(error.raw_os_error(), Some(93 | 97))
}
