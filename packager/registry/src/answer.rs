//! Reads what a registry answers.

use reqwest::header::LOCATION;
use reqwest::{Response, Url};

use crate::Reply;
use crate::connection::{Connection, place};
use crate::error::{Error, Result};
use crate::reply::MAX_ERROR_BODY;

impl Connection {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn body(
        &self,
        response: Response,
        what: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let host = place(response.url());
        let action = format!("read the {what}");
        let too_large = |size| mlpack_oci::Error::DocumentTooLarge {
            what,
            place: self.endpoint().name.clone(),
            size,
            limit,
        };
        if let Some(size) = response.content_length().filter(|size| *size > limit) {
            return Err(too_large(size).into());
        }
        let mut bytes = Vec::new();
        let mut body = self.body_of(response);
        while let Some(chunk) = self.chunk(&mut body, &host, &action).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                return Err(too_large(bytes.len() as u64).into());
            }
        }
        Ok(bytes)
    }

    /// Reads a refusal.
    pub(crate) async fn reply(&self, response: Response) -> Box<Reply> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // An answer whose body cannot be read still has a status.
        let body = self.body(response, "error", MAX_ERROR_BODY).await.unwrap_or_default();
        Box::new(Reply::new(status, &headers, &body))
    }

    /// Returns the `Location` of an answer, which may be relative; its query is kept as it is.
    pub(crate) fn location(&self, response: &Response, base: &Url, action: &str) -> Result<Url> {
        let text = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let text = text.ok_or_else(|| self.protocol(action, "no Location"))?;
        base.join(text).map_err(|error| self.protocol(action, &format!("bad Location: {error}")))
    }

    /// Names the address at which a request failed, if it is not the registry's.
    pub(crate) fn sent_elsewhere(&self, url: &Url, error: Error) -> Error {
        if self.endpoint().owns(url) {
            return error;
        }
        Error::SentElsewhere {
            registry: self.endpoint().name.clone(),
            address: url.origin().ascii_serialization(),
            source: Box::new(error),
        }
    }

    /// Returns the error of an answer that the protocol does not allow.
    pub(crate) fn protocol(&self, action: &str, reason: &str) -> Error {
        Error::Protocol {
            registry: self.endpoint().name.clone(),
            action: action.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
