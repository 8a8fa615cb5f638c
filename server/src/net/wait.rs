//! What a connection waits for between two commands: what a blocking one asked for, or the end of a
//! pause.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clients::{Client, Unblock};
use crate::clock;
use crate::command::{Block, Condition, Error, Reply};
use crate::server::Server;
use crate::waiters::{LocksHeld, Served, Waiter};

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// What a command asked for.
    Block(Block),
    /// The end of `CLIENT PAUSE`.
    Pause,
}

/// A wait under way.
pub struct Waiting {
    /// What for.
    pub wait: Wait,
    server: &'static Server,
    /// Its place in the line, if it waits for keys.
    waiter: Option<Arc<Waiter>>,
    over: Pin<Box<dyn Future<Output = ()>>>,
}

impl Waiting {
    /// Begins to wait.
    pub fn new(server: &'static Server, wait: Wait) -> Waiting {
        let over: Pin<Box<dyn Future<Output = ()>>> = match wait {
            Wait::Block(block) => Box::pin(block_over(server, block)),
            Wait::Pause => Box::pin(pause_over(server)),
        };
        let waiter = match wait {
            Wait::Block(Block {
                condition: Condition::Keys { ticket, .. },
                ..
            }) => server.waiters.get(ticket),
            _ => None,
        };
        Waiting {
            wait,
            server,
            waiter,
            over,
        }
    }

    /// Its place in the line, if it stands in one.
    pub fn waiter(&self) -> Option<Arc<Waiter>> {
        self.waiter.clone()
    }

    /// Leaves the line, if it stands in one; what it was served, if it was. A wait must not end without that.
    ///
    /// # Errors
    /// [`LocksHeld`] if it must be tried again.
    pub fn leave(&mut self) -> Result<Option<Served>, LocksHeld> {
        let Some(waiter) = &self.waiter else {
            return Ok(None);
        };
        let served = self.server.waiters.leave(&self.server.keyspace, waiter)?;
        self.waiter = None;
        Ok(served)
    }

    /// Lets the wait last longer.
    pub fn prolong(&mut self, by: Duration, cx: &mut Context<'_>) {
        self.over = Box::pin(tokio::time::sleep(by));
        // It has just begun: this only lets it wake the task.
        let _ = self.over.as_mut().poll(cx);
    }

    /// Memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.over)
    }

    /// Ready once it is over, or somebody has unblocked the client.
    pub fn poll(&mut self, client: &Client, cx: &mut Context<'_>) -> Poll<()> {
        if client.is_unblocked() {
            return Poll::Ready(());
        }
        self.over.as_mut().poll(cx)
    }
}

/// Ends when the condition holds or the time is over.
async fn block_over(server: &'static Server, block: Block) {
    let deadline = async {
        match block.deadline_ms {
            Some(deadline_ms) => {
                let left_ms = deadline_ms.saturating_sub(clock::now_ms()).max(0);
                tokio::time::sleep(Duration::from_millis(left_ms.unsigned_abs())).await;
            }
            None => std::future::pending().await,
        }
    };
    let condition = async {
        match block.condition {
            Condition::Durable(offset) => server.log.until_durable(offset).await,
            Condition::Freed => server.lazyfree.drained().await,
            Condition::Saved(number) => server.persist.snapshots.saved(number).await,
            Condition::Running(failures) => server.shutdown.fails_again(failures).await,
            Condition::Keys { ticket, .. } => {
                // It stays there until the connection takes it out.
                if let Some(waiter) = server.waiters.get(ticket) {
                    waiter.served().await;
                }
            }
            Condition::Replicas | Condition::DurableOnReplicas(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = deadline => {}
        () = condition => {}
    }
}

/// Ends when clients may go on.
async fn pause_over(server: &'static Server) {
    loop {
        // Before looking: a pause that ends in between is heard of.
        let resumed = server.pause_over.notified();
        let Some(left_ms) = server.gates.pause_left_ms(clock::now_ms()) else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(left_ms.unsigned_abs())) => {}
            () = resumed => {}
        }
    }
}

/// Writes what a command replies that has waited.
pub fn write_reply(
    server: &Server,
    block: Block,
    unblocked: Option<Unblock>,
    reply: &mut Reply<'_>,
) {
    if unblocked == Some(Unblock::Error) {
        server.stats.error("UNBLOCKED");
        reply
            .encoder()
            .error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        return;
    }
    match block.condition {
        Condition::Freed => reply.encoder().ok(),
        Condition::Saved(_) if server.persist.snapshots.is_saved() => reply.encoder().ok(),
        Condition::Saved(_) => fail(server, &Error::SaveFailed, reply),
        Condition::Running(_) => fail(server, &Error::ShutdownFailed, reply),
        Condition::Replicas => reply.encoder().integer(0),
        Condition::Keys { timeout, .. } => timeout.write(reply),
        Condition::Durable(offset) | Condition::DurableOnReplicas(offset) => {
            let out = reply.array(2);
            out.integer(i64::from(server.log.is_durable(offset)));
            out.integer(0);
        }
    }
}

fn fail(server: &Server, error: &Error, reply: &mut Reply<'_>) {
    let text = error.reply_text();
    let text = String::from_utf8_lossy(&text);
    server.stats.error(Error::prefix(&text));
    reply.encoder().error(&*text);
}
