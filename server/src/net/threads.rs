//! The I/O threads: each has a runtime of its own, and a connection stays on the one it was given to.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::connection;
use super::stream::Stream;
use crate::clients::Client;
use crate::server::Server;
use crate::stack::STACK_BYTES;

/// A connection on its way to a thread.
pub struct Arrival {
    /// Its socket.
    pub socket: Socket,
    /// What others may see of it.
    pub client: Arc<Client>,
}

/// A socket that no runtime watches yet.
pub enum Socket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// A unix socket.
    Unix(std::os::unix::net::UnixStream),
}

impl Socket {
    fn register(self) -> io::Result<Stream> {
        Ok(match self {
            Socket::Tcp(socket) => Stream::Tcp(tokio::net::TcpStream::from_std(socket)?),
            Socket::Unix(socket) => Stream::Unix(tokio::net::UnixStream::from_std(socket)?),
        })
    }
}

struct Thread {
    arrivals: mpsc::UnboundedSender<Arrival>,
    load: Arc<AtomicUsize>,
}

/// All I/O threads.
pub struct Threads {
    threads: Vec<Thread>,
}

impl Threads {
    /// Starts so many threads.
    ///
    /// # Errors
    /// If the system gives no more threads or no poller.
    pub fn start(server: &'static Server, count: usize) -> io::Result<Threads> {
        let ready = Arc::new(Barrier::new(count.max(1) + 1));
        let threads = (0..count.max(1))
            .map(|number| Thread::start(server, number, Arc::clone(&ready)))
            .collect::<io::Result<_>>()?;
        // What they take from the start is not taken for data.
        ready.wait();
        Ok(Threads { threads })
    }

    /// Hands a connection to the thread with the fewest.
    pub fn hand_over(&self, arrival: Arrival) {
        let least = self
            .threads
            .iter()
            .min_by_key(|it| it.load.load(Ordering::Relaxed));
        if let Some(thread) = least {
            thread.load.fetch_add(1, Ordering::Relaxed);
            // A thread ends only with the process.
            let _ = thread.arrivals.send(arrival);
        }
    }
}

impl Thread {
    fn start(server: &'static Server, number: usize, ready: Arc<Barrier>) -> io::Result<Thread> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (arrivals, receiver) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let their_load = Arc::clone(&load);
        std::thread::Builder::new()
            .name(format!("io-{number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let tasks = LocalSet::new();
                connection::prepare_thread();
                ready.wait();
                runtime.block_on(tasks.run_until(serve(server, number, receiver, their_load)));
            })?;
        Ok(Thread { arrivals, load })
    }
}

async fn serve(
    server: &'static Server,
    number: usize,
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    load: Arc<AtomicUsize>,
) {
    while let Some(Arrival { socket, client }) = arrivals.recv().await {
        let load = Arc::clone(&load);
        let known = Arc::clone(&client);
        let task = async move {
            match socket.register() {
                Ok(stream) => connection::run(server, stream, Arc::clone(&client), number).await,
                Err(error) => tracing::warn!("Error registering client {}: {error}", client.addr),
            }
            server.forget(&client);
            load.fetch_sub(1, Ordering::Relaxed);
        };
        known.note_task(size_of_val(&task));
        tokio::task::spawn_local(task);
    }
}
