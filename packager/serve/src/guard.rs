//! A client's stream that ends when the client stalls where hyper has no limit: before the first bytes of a
//! connection, by which HTTP/1 and HTTP/2 are told apart, and while an answer is written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Length of the HTTP/2 preface (RFC 9113, section 3.4); hyper reads as much before it decides.
const PREFACE: usize = 24;

/// A stream with the two limits.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    read: usize,
    first: Pin<Box<Sleep>>,
    pause: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Allows `first` until the first bytes, and `pause` without progress of a write.
    pub(crate) fn new(stream: S, first: Duration, pause: Duration) -> Self {
        Self { stream, read: 0, first: Box::pin(sleep(first)), pause, stalled: None }
    }

    /// Passes the outcome of a write on, or ends one that has made no progress for too long.
    fn progress<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let pause = self.pause;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(timer.as_mut().poll(context));
        timer.as_mut().reset(Instant::now() + pause);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.read >= PREFACE {
            return outcome;
        }
        self.read += buffer.filled().len() - before;
        if outcome.is_pending() && self.first.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.progress(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.progress(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.progress(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_disconnected_and_one_that_began_is_not() {
        let (_client, server) = duplex(64);
        let mut silent = Guarded::new(server, SECOND, SECOND);
        assert_eq!(silent.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (mut client, server) = duplex(64);
        let mut begun = Guarded::new(server, SECOND, SECOND);
        client.write_all(&[0; PREFACE]).await.unwrap();
        begun.read_exact(&mut [0; PREFACE]).await.unwrap();
        assert!(tokio::time::timeout(10 * SECOND, begun.read_u8()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_disconnected() {
        let (_client, server) = duplex(64);
        let mut server = Guarded::new(server, SECOND, SECOND);
        let error = server.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
