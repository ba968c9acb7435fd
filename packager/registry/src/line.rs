//! The requests of one upload session: begun, asked, fed, finished.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode, Url};

use crate::body::{Activity, stream};
use crate::exchange::{Call, Payload};
use crate::upload::{Source, Upload};
use crate::verb::{SMALL, Verb};
use crate::{Error, Result};

/// The state of the registry's session.
pub(crate) struct Line {
    pub(crate) location: Url,
    pub(crate) offset: u64,
    /// `OCI-Chunk-Min-Length`.
    pub(crate) least: u64,
}

/// What one request achieved.
pub(crate) enum Step {
    Finished,
    /// The registry has more than before.
    Further,
    /// The way of sending was refused.
    Otherwise(Error),
    /// The login was renewed while the body was under way.
    Renewed(Error),
    /// The session is gone.
    Lost(Error),
}

impl Upload<'_> {
    /// The session an earlier push left, if the registry still has it.
    pub(crate) async fn resume(&self) -> Result<Option<Line>> {
        let Some(session) = self.slot.load() else { return Ok(None) };
        let Ok(location) = Url::parse(&session.location) else { return Ok(None) };
        self.ask(&location, 0).await
    }

    /// Asks how far a session is (distribution-spec, "Resuming an upload"); `None` if it is gone.
    pub(crate) async fn ask(&self, location: &Url, least: u64) -> Result<Option<Line>> {
        let what = "say how far an upload is";
        let answer = self
            .exchange
            .send_again(|| Call::new(Method::GET, location.clone(), self.scope, what))
            .await;
        let response = match answer {
            Ok(response) if response.status().is_success() => response,
            // Whatever else it says, the session is of no use.
            Ok(_) | Err(Error::Refused { .. }) => {
                self.slot.clear();
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // Without a range nothing is known to have arrived.
        let offset = range_end(response.headers()).unwrap_or(0);
        if offset > self.descriptor.size() {
            self.slot.clear();
            return Ok(None);
        }
        let next = match response.headers().contains_key(LOCATION) {
            true => self.exchange.location(&response, location, what)?,
            false => location.clone(),
        };
        self.slot.save(next.as_str(), offset);
        Ok(Some(Line { location: next, offset, least }))
    }

    /// Opens a session.
    pub(crate) async fn begin(&self) -> Result<Line> {
        let what = "begin an upload";
        let path = format!("{}/blobs/uploads/", self.target.repository());
        let url = self.exchange.endpoint().url(&path);
        let response = self
            .exchange
            .send_again(|| Call::new(Method::POST, url.clone(), self.scope, what))
            .await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(match response.status().as_u16() {
                200..=399 => self.exchange.protocol(what, "no upload was opened"),
                _ => self.exchange.refusal(response, self.scope, what).await,
            });
        }
        self.line(&response, 0)
    }

    pub(crate) fn line(&self, response: &Response, offset: u64) -> Result<Line> {
        let what = "begin an upload";
        let location = self.exchange.location(response, response.url(), what)?;
        let least = response.headers().get("oci-chunk-min-length");
        let least = least.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        self.slot.save(location.as_str(), offset);
        Ok(Line { location, offset, least })
    }

    /// One request: the rest of the blob, a chunk of it, or the end.
    pub(crate) async fn step(&self, line: &mut Line, verb: Verb, sent: &mut u64) -> Result<Step> {
        let size = self.descriptor.size();
        let left = size - line.offset;
        if left == 0 && line.offset > 0 {
            return self.finish(line, Payload::Empty, None, sent).await;
        }
        if line.offset == 0 && (verb == Verb::Whole || size <= SMALL) {
            let (payload, activity) = self.payload(0, size);
            return self.finish(line, payload, activity, sent).await;
        }
        let length = match verb {
            Verb::Chunks(chunk) => left.min(chunk.max(line.least)),
            Verb::Stream | Verb::Whole => left,
        };
        let (payload, activity) = self.payload(line.offset, length);
        let what = "take a blob";
        let mut call = Call::new(Method::PATCH, line.location.clone(), self.scope, what)
            .header("content-type", "application/octet-stream");
        // The first stretch of a stream goes as Docker sends it, without a length; any other is a
        // chunk of the specification. The range has no unit and no total.
        if verb != Verb::Stream || line.offset > 0 {
            let end = line.offset + length - 1;
            call = call
                .header("content-length", &length.to_string())
                .header("content-range", &format!("{}-{end}", line.offset));
        }
        call.patience = Some(self.client.inner.settings.finish_timeout);
        let answer = self.exchange.send(call.payload(payload)).await;
        if let Some(activity) = &activity {
            *sent += activity.sent();
            if let Some(failure) = activity.source_failure() {
                return Err(failure.into());
            }
        }
        let response = answer?;
        let status = response.status();
        if !status.is_success() {
            return self.refused(response).await;
        }
        // The registry's count is the one that matters; some take less than they were sent.
        let end = range_end(response.headers()).unwrap_or(line.offset + length);
        if end > line.offset + length {
            return Ok(Step::Lost(self.exchange.protocol(what, "a range beyond what was sent")));
        }
        if response.headers().contains_key(LOCATION) {
            line.location = self.exchange.location(&response, &line.location, what)?;
        }
        if end <= line.offset {
            return Ok(Step::Lost(self.exchange.protocol(what, "nothing was kept")));
        }
        line.offset = end;
        self.slot.save(line.location.as_str(), line.offset);
        Ok(Step::Further)
    }

    /// The last request, with the digest and whatever bytes are left.
    async fn finish(
        &self,
        line: &mut Line,
        payload: Payload,
        activity: Option<Arc<Activity>>,
        sent: &mut u64,
    ) -> Result<Step> {
        let mut url = line.location.clone();
        // Added by hand: the location's own query must stay as it is, byte by byte.
        let query = match url.query() {
            Some(query) if !query.is_empty() => format!("{query}&digest={}", self.digest),
            _ => format!("digest={}", self.digest),
        };
        url.set_query(Some(&query));
        let mut call = Call::new(Method::PUT, url, self.scope, "finish a blob");
        let small = match &payload {
            Payload::Empty => None,
            Payload::Bytes(bytes) => Some(bytes.len() as u64),
            Payload::Stream(..) => Some(self.descriptor.size()),
        };
        if let Some(length) = small {
            call = call
                .header("content-type", "application/octet-stream")
                .header("content-length", &length.to_string());
        }
        call.patience = Some(self.client.inner.settings.finish_timeout);
        let answer = self.exchange.send(call.payload(payload)).await;
        if let Some(activity) = &activity {
            *sent += activity.sent();
            if let Some(failure) = activity.source_failure() {
                return Err(failure.into());
            }
        } else if let Some(length) = small.filter(|_| answer.is_ok()) {
            *sent += length;
            self.water.reach(length);
        }
        let response = answer?;
        if response.status().is_success() {
            return Ok(Step::Finished);
        }
        self.refused(response).await
    }

    /// What a refusal means for the upload.
    async fn refused(&self, response: Response) -> Result<Step> {
        let status = response.status().as_u16();
        let error = self.exchange.refusal(response, self.scope, "take a blob").await;
        if status == 401 {
            return Ok(Step::Renewed(error));
        }
        let Error::Refused { reply, .. } = &error else { return Err(error) };
        if reply.is(&["DIGEST_INVALID"]) || status == 404 {
            return Ok(Step::Lost(error));
        }
        if Verb::is_refused_by(status) {
            return Ok(Step::Otherwise(error));
        }
        Err(error)
    }

    fn payload(&self, offset: u64, length: u64) -> (Payload, Option<Arc<Activity>>) {
        match &self.source {
            Source::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
                let end = start + usize::try_from(length).unwrap_or(0).min(bytes.len() - start);
                (Payload::Bytes(Bytes::copy_from_slice(&bytes[start..end])), None)
            }
            Source::Blobs(blobs) => {
                let (body, activity) = stream(
                    blobs.clone(),
                    self.descriptor.clone(),
                    offset,
                    length,
                    self.water.clone(),
                );
                (Payload::Stream(body, activity.clone()), Some(activity))
            }
        }
    }
}

/// Bytes a registry says it has: `Range: 0-N`, inclusive, with or without a unit. `0-0` is said of
/// an empty upload, so a single byte is not counted.
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
