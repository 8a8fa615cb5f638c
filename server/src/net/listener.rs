//! Accepting connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use super::threads::{Arrival, Socket, Threads};
use crate::clients::{Client, State};
use crate::clock;
use crate::server::Server;

/// A socket that accepts connections.
pub enum Listener {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A unix socket.
    Unix(std::os::unix::net::UnixListener),
}

/// Opens a TCP socket at one address.
///
/// # Errors
/// As the system answers: in use, not ours, no permission.
pub fn open_tcp(address: IpAddr, port: u16, backlog: i32) -> io::Result<Listener> {
    let address = SocketAddr::new(address, port);
    let socket = RawSocket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // As Redis does: IPv4 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(Listener::Tcp(socket.into()))
}

/// Opens a unix socket, in place of one that an earlier server left.
///
/// # Errors
/// As the system answers.
pub fn open_unix(path: &Path, mode: u32, backlog: i32) -> io::Result<Listener> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    if mode != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(Listener::Unix(socket.into()))
}

/// Accepts connections for ever and hands them to the I/O threads.
pub async fn accept_all(server: &'static Server, listener: Listener, threads: &Threads) {
    match listener {
        Listener::Tcp(listener) => {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                return;
            };
            loop {
                match listener
                    .accept()
                    .await
                    .and_then(|(stream, _)| stream.into_std())
                {
                    Ok(stream) => accept(server, Socket::Tcp(stream), threads),
                    Err(error) => wait_after(&error).await,
                }
            }
        }
        Listener::Unix(listener) => {
            let Ok(listener) = tokio::net::UnixListener::from_std(listener) else {
                return;
            };
            loop {
                match listener
                    .accept()
                    .await
                    .and_then(|(stream, _)| stream.into_std())
                {
                    Ok(stream) => accept(server, Socket::Unix(stream), threads),
                    Err(error) => wait_after(&error).await,
                }
            }
        }
    }
}

/// Out of file descriptors or memory, most likely: accepting again at once would only spin.
async fn wait_after(error: &io::Error) {
    tracing::warn!("Accepting client connection: {error}");
    tokio::time::sleep(Duration::from_millis(10)).await;
}

fn accept(server: &'static Server, socket: Socket, threads: &Threads) {
    if server.clients.len() >= server.settings.max_clients() {
        server.stats.counters.rejected_connections.add(1);
        turn_away(&socket, "-ERR max number of clients reached\r\n");
        return;
    }
    let (addr, local_addr, fd) = match &socket {
        Socket::Tcp(stream) => {
            let Ok(peer) = stream.peer_addr() else { return };
            let is_open = server.acl.default_user().rules().needs_no_password();
            if is_open && server.settings.is_protected_from(peer.ip()) {
                server.stats.counters.rejected_connections.add(1);
                turn_away(&socket, PROTECTED_MODE);
                return;
            }
            tune(server, stream);
            let local = stream
                .local_addr()
                .map_or_else(|_| String::new(), |it| it.to_string());
            (peer.to_string(), local, stream.as_raw_fd())
        }
        Socket::Unix(stream) => {
            let path = format!("{}:0", server.settings.unix_socket());
            (path.clone(), path, stream.as_raw_fd())
        }
    };
    let id = server.clients.next_id();
    let client = Client::new(id, addr, local_addr, fd, clock::now_ms());
    client.set(State::UNIX_SOCKET, matches!(socket, Socket::Unix(_)));
    let user = server.acl.default_user();
    client.set(State::AUTHENTICATED, user.is_open());
    client.set_user(Arc::clone(user));
    let client = Arc::new(client);
    server.stats.counters.connections.add(1);
    server.clients.add(&client);
    threads.hand_over(Arrival { socket, client });
}

fn tune(server: &Server, stream: &std::net::TcpStream) {
    // A connection works without either.
    let _ = stream.set_nodelay(true);
    let seconds = server.settings.keepalive_seconds();
    if seconds > 0 {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(seconds))
            .with_interval(Duration::from_secs((seconds / 3).max(1)))
            .with_retries(3);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
    }
}

/// One line, without waiting for the peer to take it.
fn turn_away(socket: &Socket, line: &str) {
    use std::io::Write;
    let _ = match socket {
        Socket::Tcp(stream) => (&*stream).write_all(line.as_bytes()),
        Socket::Unix(stream) => (&*stream).write_all(line.as_bytes()),
    };
}

/// What a stranger is told while no password is set.
const PROTECTED_MODE: &str = "-DENIED Redis is running in protected mode because protected \
mode is enabled and no password is set for the default user. In this mode connections are only \
accepted from the loopback interface. If you want to connect from external computers to Redis you \
may adopt one of the following solutions: 1) Just disable protected mode sending the command \
'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same \
host the server is running, however MAKE SURE Redis is not publicly accessible from internet if \
you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable \
the protected mode by editing the Redis configuration file, and setting the protected mode option \
to 'no', and then restarting the server. 3) If you started the server manually just for testing, \
restart it with the '--protected-mode no' option. 4) Set up an authentication password for the \
default user. NOTE: You only need to do one of the above things in order for the server to start \
accepting connections from the outside.\r\n";
