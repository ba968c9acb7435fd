//! An image's archive as a stream of chunks, written by a blocking thread and never stored as a whole.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use mlpack_oci::archive::{Flavour, write_archive_to};
use mlpack_oci::{Digest, Image, Meter, Progress};
use tokio::sync::mpsc;

use crate::{Error, Result};

/// Size of a chunk in bytes, and the number of waiting chunks: together the memory of a transfer.
const CHUNK: usize = 1 << 20;
const WAITING: usize = 4;

/// Sends written bytes in chunks.
struct ChunkWriter {
    buffer: BytesMut,
    chunks: mpsc::Sender<io::Result<Bytes>>,
}

impl ChunkWriter {
    fn send(&mut self) -> io::Result<()> {
        let chunk = self.buffer.split().freeze();
        self.chunks.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&buf[..n]);
        if self.buffer.len() == CHUNK {
            self.send()?;
            self.buffer.reserve(CHUNK);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

/// Advances one meter for all parts of the work.
struct Shared(Arc<dyn Meter>);

impl Progress for Shared {
    fn begin(&self, _: &str, _: Option<u64>) -> Arc<dyn Meter> {
        Arc::new(Part(Arc::clone(&self.0)))
    }
    fn note(&self, _: &str) {}
}

struct Part(Arc<dyn Meter>);

impl Meter for Part {
    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }
    fn finish(&self, _: &str) {}
}

/// The result of the writing thread; `None` if the receiver was closed.
pub(crate) type Written = tokio::task::JoinHandle<Option<mlpack_oci::Result<()>>>;

/// Returns an archive for `docker load` with only the `wanted` layers. If the image cannot be read, the
/// stream ends with an error, so that the engine never accepts a truncated archive.
pub(crate) fn archive_stream(
    image: Image,
    wanted: HashSet<Digest>,
    meter: Arc<dyn Meter>,
) -> (impl Stream<Item = io::Result<Bytes>> + Send + 'static, Written) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let written = tokio::task::spawn_blocking(move || {
        let mut out =
            ChunkWriter { buffer: BytesMut::with_capacity(CHUNK), chunks: sender.clone() };
        let is_wanted = |descriptor: &mlpack_oci::spec::Descriptor| {
            Digest::try_from(descriptor.digest()).is_ok_and(|digest| wanted.contains(&digest))
        };
        let result =
            write_archive_to(&image, &mut out, Flavour::Docker, None, &is_wanted, &Shared(meter));
        let ended = out.flush();
        if sender.is_closed() {
            return None;
        }
        if let Err(error) = &result {
            // The receiver only needs to know that the body is incomplete.
            let _ = sender.blocking_send(Err(io::Error::other(error.to_string())));
        }
        ended.ok().map(|()| result)
    });
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    (chunks, written)
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Broken {
            action: "run a blocking task".to_owned(),
            reason: error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn written_bytes_arrive_in_chunks() {
        let (chunks, mut receiver) = mpsc::channel(WAITING);
        let bytes: Vec<u8> = (0..2 * CHUNK + 5).map(|i| (i % 251) as u8).collect();
        let sent = bytes.clone();
        let writer = tokio::task::spawn_blocking(move || {
            let mut writer = ChunkWriter { buffer: BytesMut::new(), chunks };
            writer.write_all(&sent).unwrap();
            writer.flush().unwrap();
        });
        let mut got = Vec::new();
        let mut sizes = Vec::new();
        while let Some(chunk) = receiver.recv().await {
            let chunk = chunk.unwrap();
            sizes.push(chunk.len());
            got.extend_from_slice(&chunk);
        }
        writer.await.unwrap();
        assert_eq!(sizes, [CHUNK, CHUNK, 5]);
        assert!(got == bytes);
    }

    #[tokio::test]
    async fn a_writer_stops_when_the_receiver_is_closed() {
        let (chunks, receiver) = mpsc::channel(1);
        drop(receiver);
        let error = tokio::task::spawn_blocking(move || {
            let mut writer = ChunkWriter { buffer: BytesMut::new(), chunks };
            writer.write_all(&vec![0; 2 * CHUNK]).unwrap_err()
        });
        assert_eq!(error.await.unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
