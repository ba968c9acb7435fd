//! The requests of one upload session: open, query, send, finish.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlpack_oci::spec::Descriptor;
use mlpack_oci::{Blobs, Digest};
use reqwest::header::{HeaderMap, LOCATION, RANGE};
use reqwest::{Method, Response, Url};

use crate::body::{Activity, ProgressFloor, stream};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::session_store::SessionLock;
use crate::transport::{Call, Payload, Transport};
use crate::upload_strategy::{SMALL, UploadStrategy};

/// For messages: what the request that opens a session is for.
const OPEN: &str = "start an upload";

/// Where the bytes come from.
pub(crate) enum Source {
    Memory(Arc<[u8]>),
    Blobs(Arc<dyn Blobs>),
}

/// A blob and the repository it is sent to.
pub(crate) struct Target<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) scope: &'a Scope,
    pub(crate) digest: Digest,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) source: Source,
    pub(crate) lock: SessionLock,
    pub(crate) floor: Arc<ProgressFloor>,
    /// Time the registry may take over the last request, when it hashes the blob.
    pub(crate) finish_timeout: Duration,
}

/// The state of a session in the registry.
pub(crate) struct UploadSession {
    pub(crate) location: Url,
    pub(crate) offset: u64,
    /// `OCI-Chunk-Min-Length`.
    pub(crate) min_chunk: u64,
}

/// What one request achieved.
pub(crate) enum Step {
    Finished,
    /// The registry has more bytes than before.
    Progressed,
    /// The registry does not accept this strategy.
    StrategyRefused(Error),
    /// The login was renewed while the body was being sent.
    LoginRenewed(Error),
    /// The session is gone.
    Lost(Error),
}

impl Target<'_> {
    /// Returns the session an earlier push left, if the registry still has it. An address that cannot be reached is no
    /// error: a new upload takes its place on disk, or fails with the reason.
    pub(crate) async fn resume(&self) -> Result<Option<UploadSession>> {
        let Some(session) = self.lock.load() else { return Ok(None) };
        let Ok(location) = Url::parse(&session.location) else { return Ok(None) };
        Ok(self.query(&location, 0).await.unwrap_or_default())
    }

    /// Asks how far a session is (distribution-spec, "Resuming an upload"); `None` if it is gone.
    pub(crate) async fn query(
        &self,
        location: &Url,
        min_chunk: u64,
    ) -> Result<Option<UploadSession>> {
        let action = "query an upload";
        let answer = self
            .transport
            .send_with_retry(|| Call::new(Method::GET, location.clone(), self.scope, action))
            .await;
        let response = match answer {
            Ok(response) if response.status().is_success() => response,
            // Any other answer means that the session cannot be used.
            Ok(_) | Err(Error::Refused { .. }) => {
                self.lock.clear();
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // Without a range nothing is known to have arrived.
        let offset = range_end(response.headers()).unwrap_or(0);
        if offset > self.descriptor.size() {
            self.lock.clear();
            return Ok(None);
        }
        let next = match response.headers().contains_key(LOCATION) {
            true => self.transport.location(&response, location, action)?,
            false => location.clone(),
        };
        self.lock.save(next.as_str(), offset);
        Ok(Some(UploadSession { location: next, offset, min_chunk }))
    }

    /// Opens a session.
    pub(crate) async fn open(&self) -> Result<UploadSession> {
        let path = format!("{}/blobs/uploads/", self.scope.repository);
        let url = self.transport.endpoint().url(&path);
        let response = self
            .transport
            .send_with_retry(|| Call::new(Method::POST, url.clone(), self.scope, OPEN))
            .await?;
        match response.status().as_u16() {
            202 => self.opened(&response),
            200..=399 => Err(self.transport.protocol(OPEN, "no upload was started")),
            _ => Err(self.transport.refusal(response, self.scope, OPEN).await),
        }
    }

    /// Reads the answer that opened a session.
    pub(crate) fn opened(&self, response: &Response) -> Result<UploadSession> {
        let location = self.transport.location(response, response.url(), OPEN)?;
        let min_chunk = response.headers().get("oci-chunk-min-length");
        let min_chunk = min_chunk.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        self.lock.save(location.as_str(), 0);
        Ok(UploadSession { location, offset: 0, min_chunk })
    }

    /// Sends one request: the rest of the blob, a chunk of it, or the end. Adds the bytes to `sent`.
    pub(crate) async fn step(
        &self,
        session: &mut UploadSession,
        strategy: UploadStrategy,
        sent: &mut u64,
    ) -> Result<Step> {
        let size = self.descriptor.size();
        let left = size - session.offset;
        if left == 0 && session.offset > 0 {
            return self.finish(session, Payload::Empty, sent).await;
        }
        if session.offset == 0 && (strategy == UploadStrategy::Whole || size <= SMALL) {
            return self.finish(session, self.payload(0, size), sent).await;
        }
        let length = match strategy {
            UploadStrategy::Chunks(chunk) => left.min(chunk.max(session.min_chunk)),
            UploadStrategy::Stream | UploadStrategy::Whole => left,
        };
        let response = self.patch(session, strategy, length, sent).await?;
        if !response.status().is_success() {
            return self.refused(response).await;
        }
        // The registry's count is the one that matters; some keep fewer bytes than they were sent.
        let end = range_end(response.headers()).unwrap_or(session.offset + length);
        let lost = |reason| Ok(Step::Lost(self.transport.protocol("push a blob", reason)));
        if end > session.offset + length {
            return lost("a range beyond what was sent");
        }
        if response.headers().contains_key(LOCATION) {
            session.location =
                self.transport.location(&response, &session.location, "push a blob")?;
        }
        if end <= session.offset {
            return lost("no byte was stored");
        }
        session.offset = end;
        self.lock.save(session.location.as_str(), session.offset);
        Ok(Step::Progressed)
    }

    async fn patch(
        &self,
        session: &UploadSession,
        strategy: UploadStrategy,
        length: u64,
        sent: &mut u64,
    ) -> Result<Response> {
        let location = session.location.clone();
        let mut call = Call::new(Method::PATCH, location, self.scope, "push a blob")
            .header("content-type", "application/octet-stream");
        // The first request of a stream has no length, as Docker sends it; any other is a chunk of
        // the specification. The range has neither a unit nor a total.
        if strategy != UploadStrategy::Stream || session.offset > 0 {
            let end = session.offset + length - 1;
            call = call
                .header("content-length", &length.to_string())
                .header("content-range", &format!("{}-{end}", session.offset));
        }
        self.send(call, self.payload(session.offset, length), sent).await
    }

    /// Sends the last request, with the digest and the bytes that are left.
    async fn finish(
        &self,
        session: &UploadSession,
        payload: Payload,
        sent: &mut u64,
    ) -> Result<Step> {
        let mut url = session.location.clone();
        // Not by `query_pairs_mut`: the location's query must stay as it is, byte by byte.
        let query = match url.query() {
            Some(query) if !query.is_empty() => format!("{query}&digest={}", self.digest),
            _ => format!("digest={}", self.digest),
        };
        url.set_query(Some(&query));
        let mut call = Call::new(Method::PUT, url, self.scope, "finish an upload");
        if !matches!(payload, Payload::Empty) {
            call = call
                .header("content-type", "application/octet-stream")
                .header("content-length", &self.descriptor.size().to_string());
        }
        let response = self.send(call, payload, sent).await?;
        if response.status().is_success() {
            return Ok(Step::Finished);
        }
        self.refused(response).await
    }

    /// Sends a call and counts its bytes, whether or not it succeeds.
    async fn send(&self, mut call: Call<'_>, payload: Payload, sent: &mut u64) -> Result<Response> {
        call.patience = Some(self.finish_timeout);
        let (activity, in_memory) = match &payload {
            Payload::Empty => (None, 0),
            Payload::Bytes(bytes) => (None, bytes.len() as u64),
            Payload::Stream(_, activity) => (Some(activity.clone()), 0),
        };
        let answer = self.transport.send(call.payload(payload)).await;
        if let Some(activity) = activity {
            *sent += activity.sent();
            if let Some(failure) = activity.source_failure() {
                return Err(failure.into());
            }
        } else if answer.is_ok() {
            *sent += in_memory;
            self.floor.reach(in_memory);
        }
        answer
    }

    /// Returns what a refusal means for the upload.
    async fn refused(&self, response: Response) -> Result<Step> {
        let status = response.status().as_u16();
        let error = self.transport.refusal(response, self.scope, "push a blob").await;
        if status == 401 {
            return Ok(Step::LoginRenewed(error));
        }
        let Error::Refused { reply, .. } = &error else { return Err(error) };
        if reply.is(&["DIGEST_INVALID"]) || status == 404 {
            return Ok(Step::Lost(error));
        }
        if UploadStrategy::is_refused_by(status) {
            return Ok(Step::StrategyRefused(error));
        }
        Err(error)
    }

    fn payload(&self, offset: u64, length: u64) -> Payload {
        match &self.source {
            Source::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
                let end = start + usize::try_from(length).unwrap_or(0).min(bytes.len() - start);
                Payload::Bytes(Bytes::copy_from_slice(&bytes[start..end]))
            }
            Source::Blobs(blobs) => {
                let descriptor = self.descriptor.clone();
                let (body, activity): (_, Arc<Activity>) =
                    stream(blobs.clone(), descriptor, offset, length, self.floor.clone());
                Payload::Stream(body, activity)
            }
        }
    }
}

/// Parses how many bytes a registry has: `Range: 0-N`, inclusive, with or without a unit. An empty
/// upload is also reported as `0-0`, so a single byte does not count.
fn range_end(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RANGE)?.to_str().ok()?;
    let text = text.trim_start_matches("bytes=").trim_start_matches("bytes ");
    let end: u64 = text.strip_prefix("0-")?.parse().ok()?;
    Some(if end == 0 { 0 } else { end + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_may_name_a_unit() {
        for (text, end) in [
            ("0-0", Some(0)),
            ("0-1023", Some(1024)),
            ("bytes=0-9", Some(10)),
            ("bytes 0-9", Some(10)),
            ("5-9", None),
            ("all", None),
        ] {
            let headers = [(RANGE, text.parse().unwrap())].into_iter().collect();
            assert_eq!(range_end(&headers), end, "{text}");
        }
        assert_eq!(range_end(&HeaderMap::new()), None);
    }
}
