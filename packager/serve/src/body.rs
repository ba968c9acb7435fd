//! Bodies of requests: read whole, each within its limit and all together within a limit of memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, EXPECT, HeaderMap};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long the rest of a refused body is read: a connection that is closed before its client has written everything
/// loses the answer (RFC 9112, section 9.6).
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Bytes for each permit of the memory.
const UNIT: usize = 1024;

/// Why a body was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It has more bytes than one body may have.
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    /// All bodies together would have more bytes than they may have.
    #[error("too many bytes of request bodies are waiting")]
    NoMemory,
    /// The client paused too long.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke or the framing is wrong.
    #[error("the body ended early: {0}")]
    Broken(hyper::Error),
}

impl BodyError {
    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// The value of the metric's label.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "body_too_large",
            Self::NoMemory => "buffer_full",
            Self::TooSlow => "body_too_slow",
            Self::Broken(_) => "body_broken",
        }
    }
}

/// Limits of bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    limit: u64,
    pause: Duration,
    memory: Arc<Semaphore>,
}

/// Memory that a body takes; given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Memory(Option<OwnedSemaphorePermit>);

impl Bodies {
    /// Allows bodies of `limit` bytes and of `total` bytes together, whose clients pause at most `pause`.
    pub(crate) fn new(limit: u64, total: u64, pause: Duration) -> Self {
        let units = usize::try_from(total.max(limit)).unwrap_or(usize::MAX).div_ceil(UNIT);
        let memory = Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        Self { limit, pause, memory }
    }

    /// Reads a whole body. One that states a greater length than allowed is not read.
    ///
    /// # Errors
    /// [`BodyError`].
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: &mut Incoming,
    ) -> Result<(Bytes, Memory), BodyError> {
        let stated =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let stated: u64 = stated.unwrap_or(0);
        if stated > self.limit {
            return Err(BodyError::TooLarge(self.limit));
        }
        let mut memory = Memory::default();
        let mut bytes = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(self.pause, body.frame()).await;
            let frame = match frame {
                Ok(None) => return Ok((bytes.freeze(), memory)),
                Ok(Some(frame)) => frame.map_err(BodyError::Broken)?,
                Err(_) => return Err(BodyError::TooSlow),
            };
            let Ok(data) = frame.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length as u64 > self.limit {
                return Err(BodyError::TooLarge(self.limit));
            }
            self.grow(&mut memory, length)?;
            if bytes.is_empty() && data.len() as u64 == stated {
                return Ok((data, memory));
            }
            bytes.extend_from_slice(&data);
        }
    }

    fn grow(&self, memory: &mut Memory, length: usize) -> Result<(), BodyError> {
        let held = memory.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.div_ceil(UNIT).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| BodyError::NoMemory)?;
        let permit = self.memory.clone().try_acquire_many_owned(more);
        let permit = permit.map_err(|_| BodyError::NoMemory)?;
        match &mut memory.0 {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

/// Reads the rest of a refused body in the background. A client that waits for leave to send it (`Expect`) gets the
/// answer instead.
pub(crate) fn discard(headers: &HeaderMap, mut body: Incoming) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    tokio::spawn(tokio::time::timeout(DISCARD_TIME, async move {
        while let Some(Ok(_)) = body.frame().await {}
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_taken_as_a_body_grows_and_given_back() {
        let bodies = Bodies::new(4096, 0, Duration::ZERO);
        let (mut one, mut two) = (Memory::default(), Memory::default());
        bodies.grow(&mut one, 1).unwrap();
        bodies.grow(&mut one, 3000).unwrap();
        assert_eq!(bodies.memory.available_permits(), 1);
        assert!(matches!(bodies.grow(&mut two, 1025), Err(BodyError::NoMemory)));
        drop(one);
        bodies.grow(&mut two, 4096).unwrap();
    }
}
