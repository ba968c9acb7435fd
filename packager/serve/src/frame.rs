//! The protocol between the front door and a worker: frames on a Unix stream socket.
//!
//! A frame is two little-endian `u32` lengths, a JSON head of the first length, and a body of the second. The front door
//! sends one [`Call`] and reads one [`Reply`]; a worker handles one call at a time. After its start a worker sends one
//! [`Boot`] frame before anything else.

use bytes::{Buf as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Longest head that is read: a response's headers, or a traceback.
const MAX_HEAD: u32 = 1 << 20;

/// Bytes of a frame that are read at once.
const FIRST_READ: usize = 8 << 10;

/// Longest response body that is read from a worker.
pub(crate) const MAX_BODY: u32 = 1 << 30;

/// What a worker is asked to do.
#[derive(Debug, Serialize)]
pub(crate) struct Call<'a> {
    /// `score`, `swagger` or `batch`.
    pub(crate) call: &'static str,
    /// The request's identifier.
    pub(crate) id: &'a str,
    /// The HTTP method.
    pub(crate) method: &'a str,
    /// Path and query as requested.
    pub(crate) target: &'a str,
    /// The client's address.
    pub(crate) remote: &'a str,
    /// How long `run` may take, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Header names, lower case, with their values.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
}

/// What a worker answers to a call; the body follows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Header names and values.
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    /// Time in `run`, in milliseconds, if it was called.
    #[serde(default)]
    pub(crate) run_ms: Option<f64>,
    /// Whether `run` was interrupted because it took too long.
    #[serde(default)]
    pub(crate) timed_out: bool,
}

/// What the entry script's `run` takes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Takes {
    /// Whole HTTP requests (`@rawhttp`).
    #[serde(default)]
    pub(crate) raw: bool,
    /// Lists of inputs: its only parameter is called `mini_batch`.
    #[serde(default)]
    pub(crate) mini_batch: bool,
}

/// How the start of a worker ended.
#[derive(Debug, Deserialize)]
pub(crate) struct Boot {
    /// The text of the failure; absent if `init()` returned.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// What `run` takes.
    #[serde(flatten)]
    pub(crate) takes: Takes,
}

/// A frame that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The other side closed the connection, or the system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A head that is not the expected JSON.
    #[error("unexpected frame: {0}")]
    Head(#[from] serde_json::Error),
    /// A length over the limit.
    #[error("frame of {found} bytes; at most {limit} are read")]
    TooLong {
        /// The length that the frame states.
        found: u32,
        /// The limit.
        limit: u32,
    },
}

/// Writes a call and its body.
pub(crate) async fn send(
    stream: &mut UnixStream,
    call: &Call<'_>,
    body: &Bytes,
) -> Result<(), FrameError> {
    let mut head = vec![0; 8];
    serde_json::to_writer(&mut head, call)?;
    let length = |length: usize, limit: u32| {
        u32::try_from(length).map_err(|_| FrameError::TooLong { found: u32::MAX, limit })
    };
    let (head_length, body_length) =
        (length(head.len() - 8, MAX_HEAD)?, length(body.len(), MAX_BODY)?);
    head[..4].copy_from_slice(&head_length.to_le_bytes());
    head[4..8].copy_from_slice(&body_length.to_le_bytes());
    // One system call for what fits one buffer: a small request costs one wake-up of the worker.
    if body.len() <= 16 << 10 {
        head.extend_from_slice(body);
        stream.write_all(&head).await?;
    } else {
        stream.write_all(&head).await?;
        stream.write_all(body).await?;
    }
    Ok(())
}

/// Reads a frame: its head and its body.
pub(crate) async fn receive<T: for<'de> Deserialize<'de>>(
    stream: &mut UnixStream,
) -> Result<(T, Bytes), FrameError> {
    let mut frame = BytesMut::with_capacity(FIRST_READ);
    fill(stream, &mut frame, 8).await?;
    let (head, body) = (frame.get_u32_le(), frame.get_u32_le());
    for (found, limit) in [(head, MAX_HEAD), (body, MAX_BODY)] {
        if found > limit {
            return Err(FrameError::TooLong { found, limit });
        }
    }
    let (head, body) = (head as usize, body as usize);
    fill(stream, &mut frame, head + body).await?;
    let head = serde_json::from_slice(&frame.split_to(head))?;
    frame.truncate(body);
    Ok((head, frame.freeze()))
}

/// Reads until there are as many bytes; a small frame arrives with one call.
async fn fill(stream: &mut UnixStream, bytes: &mut BytesMut, length: usize) -> std::io::Result<()> {
    bytes.reserve(length.saturating_sub(bytes.len()));
    while bytes.len() < length {
        if stream.read_buf(bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_is_read_as_it_was_written() {
        let (mut front, mut worker) = UnixStream::pair().unwrap();
        let call = Call {
            call: "score",
            id: "1",
            method: "POST",
            target: "/score",
            remote: "127.0.0.1",
            timeout_ms: 1000,
            headers: vec![("content-type", "application/json")],
        };
        let body = Bytes::from(vec![7; 100_000]);
        let sent = tokio::spawn(async move { send(&mut front, &call, &body).await });
        let (head, body): (serde_json::Value, Bytes) = receive(&mut worker).await.unwrap();
        sent.await.unwrap().unwrap();
        assert_eq!(head["headers"][0][1], "application/json");
        assert_eq!(body, vec![7; 100_000]);
    }

    #[tokio::test]
    async fn a_length_over_the_limit_is_refused_before_it_is_allocated() {
        let (mut front, mut worker) = UnixStream::pair().unwrap();
        front.write_all(&[255; 8]).await.unwrap();
        let error = receive::<Reply>(&mut worker).await.unwrap_err();
        assert_eq!(error.to_string(), "frame of 4294967295 bytes; at most 1048576 are read");
    }
}
