//! A blob as a request body: read on a thread that may block, sent with bounded memory.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mlpack_oci::spec::Descriptor;
use mlpack_oci::{Blobs, Digest, Meter};
use reqwest::Body;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::Result;

/// Size of one read, in bytes.
const PIECE: usize = 256 << 10;

/// Reads that may wait to be sent. With [`PIECE`] this bounds a blob's memory to about a mebibyte.
const PIECES: usize = 4;

/// How much of a body was sent, and when.
#[derive(Debug)]
pub(crate) struct Activity {
    sent: AtomicU64,
    length: u64,
    last: Mutex<Instant>,
    failed: AtomicBool,
    failure: Mutex<Option<mlpack_oci::Error>>,
}

impl Activity {
    fn new(length: u64) -> Self {
        Self {
            sent: AtomicU64::new(0),
            length,
            last: Mutex::new(Instant::now()),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    /// Returns the bytes handed to the connection.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn finished(&self) -> bool {
        self.sent() >= self.length
    }

    pub(crate) fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns why the source of the bytes failed, if it was not the connection.
    pub(crate) fn source_failure(&self) -> Option<mlpack_oci::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A meter that never goes back: a blob that is sent again does not count twice.
pub(crate) struct ProgressFloor {
    meter: Arc<dyn Meter>,
    reached: AtomicU64,
}

impl ProgressFloor {
    pub(crate) fn new(meter: Arc<dyn Meter>) -> Self {
        Self { meter, reached: AtomicU64::new(0) }
    }

    /// Records that the blob is sent up to `position`.
    pub(crate) fn reach(&self, position: u64) {
        let before = self.reached.fetch_max(position, Ordering::Relaxed);
        if position > before {
            self.meter.advance(position - before);
        }
    }
}

/// Returns a range of a blob as a request body, and its activity.
pub(crate) fn stream(
    blobs: Arc<dyn Blobs>,
    descriptor: Descriptor,
    offset: u64,
    length: u64,
    floor: Arc<ProgressFloor>,
) -> (Body, Arc<Activity>) {
    let activity = Arc::new(Activity::new(length));
    let (to_connection, pieces) = mpsc::channel::<Result<Bytes, std::io::Error>>(PIECES);
    let record = activity.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&*blobs, &descriptor, offset, length, &to_connection) {
            record.failed.store(true, Ordering::Relaxed);
            *record.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            let _ = to_connection
                .blocking_send(Err(std::io::Error::other("the blob could not be read to its end")));
        }
    });
    let record = activity.clone();
    let stream = futures_util::stream::unfold(pieces, move |mut pieces| {
        let (record, floor) = (record.clone(), floor.clone());
        async move {
            let piece = pieces.recv().await?;
            if let Ok(bytes) = &piece {
                record.pass(bytes.len() as u64);
                floor.reach(offset + record.sent());
            }
            Some((piece, pieces))
        }
    });
    (Body::wrap_stream(stream), activity)
}

/// Sends `length` bytes from `offset` on. A receiver that was dropped is not a failure of the source.
fn read(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    offset: u64,
    length: u64,
    to_connection: &mpsc::Sender<Result<Bytes, std::io::Error>>,
) -> Result<(), mlpack_oci::Error> {
    let mut reader = blobs.open_at(descriptor, offset)?.take(length);
    let mut left = length;
    while left > 0 {
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let mut filled = 0;
        while filled < piece.len() {
            match reader.read(&mut piece[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unread(descriptor, error)),
            }
        }
        if filled == 0 {
            return Err(match Digest::try_from(descriptor.digest()) {
                Ok(digest) => mlpack_oci::Error::SizeMismatch {
                    what: "blob".to_owned(),
                    digest,
                    expected: descriptor.size(),
                    found: offset + length - left,
                },
                Err(error) => mlpack_oci::Error::Source(Box::new(error)),
            });
        }
        piece.truncate(filled);
        left -= filled as u64;
        if to_connection.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn unread(descriptor: &Descriptor, error: std::io::Error) -> mlpack_oci::Error {
    let source = match error.downcast::<mlpack_oci::Error>() {
        Ok(own) => return own,
        Err(source) => source,
    };
    match Digest::try_from(descriptor.digest()) {
        Ok(digest) => mlpack_oci::Error::BlobRead { digest, source },
        Err(error) => mlpack_oci::Error::Source(Box::new(error)),
    }
}
