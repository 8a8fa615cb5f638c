//! What the server asks of the system for itself: files, signals, the background.

use std::io::{self, Read};
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors the server needs besides its clients: logs, sockets, pollers (Redis reserves as many).
const RESERVED_FILES: u64 = 32;

/// Raises the limit of open files so that `max_clients` fit; how many clients then fit.
pub fn reserve_files(max_clients: u64) -> u64 {
    let wanted = max_clients + RESERVED_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return max_clients;
    };
    if soft >= wanted {
        return max_clients;
    }
    let raised = if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        wanted
    } else if setrlimit(Resource::RLIMIT_NOFILE, hard.min(wanted), hard).is_ok() {
        hard.min(wanted)
    } else {
        soft
    };
    if raised < wanted {
        let fitting = raised.saturating_sub(RESERVED_FILES).max(1);
        tracing::warn!(
            "You requested maxclients of {max_clients} requiring at least {wanted} max file descriptors. \
             Current maximum open files is {raised}. maxclients has been reduced to {fitting} to compensate for low ulimit."
        );
        return fitting;
    }
    max_clients
}

/// Goes into the background; the descriptors stay open until the log has been opened.
///
/// # Errors
/// If the system cannot fork.
pub fn daemonize() -> nix::Result<()> {
    nix::unistd::daemon(true, false)
}

/// Writes the process number to a file.
pub fn write_pid(path: &Path) {
    if let Err(error) = std::fs::write(path, format!("{}\n", std::process::id())) {
        tracing::warn!("Failed to write PID file {}: {error}", path.display());
    }
}

/// Tells the supervisor that the server is ready (`supervised systemd`): the notification protocol is a
/// datagram to the socket that the environment names.
pub fn notify_supervisor(message: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let Ok(socket) = std::os::unix::net::UnixDatagram::unbound() else {
        return;
    };
    if let Err(error) = socket.send_to(message.as_bytes(), Path::new(&path)) {
        tracing::warn!("Can't send to systemd notification socket: {error}");
    }
}

/// Fills a buffer with random bytes that nobody can guess.
///
/// # Errors
/// If the system gives none.
pub fn fill_with_secrets(bytes: &mut [u8]) -> io::Result<()> {
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}
