//! A connection's socket, of either kind.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// TCP or a unix socket.
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// Reads what is there into `buffer`.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    /// Reads what is there behind what `bytes` holds, into the room it has: how many bytes.
    pub async fn read_into(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read_buf(bytes).await,
            Stream::Unix(stream) => stream.read_buf(bytes).await,
        }
    }

    /// Writes what the socket takes.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The system spends half a microsecond less on one slice than on a list of one.
        match (self, slices) {
            (Stream::Tcp(stream), [slice]) => Pin::new(stream).poll_write(cx, slice),
            (Stream::Unix(stream), [slice]) => Pin::new(stream).poll_write(cx, slice),
            (Stream::Tcp(stream), slices) => Pin::new(stream).poll_write_vectored(cx, slices),
            (Stream::Unix(stream), slices) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    /// Closes our side.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
