//! Requests to web servers: small documents into memory, files onto the disk.

use std::io;
use std::path::Path;
use std::time::Duration;

use mlpack_http::{
    Body, Cause, Retry, RetryPolicy, Retryable, SystemClock, is_transient, retry, retry_after,
};
use mlpack_oci::{Meter, Progress, Secret};
use reqwest::header::{ETAG, IF_RANGE, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::{Error, Result};

/// Attempts at one request.
const RETRY: RetryPolicy = RetryPolicy {
    attempts: 4,
    first_wait: Duration::from_millis(300),
    longest_wait: Duration::from_secs(30),
};

/// The largest document that is read into memory, in bytes.
const MAX_DOCUMENT: usize = 64 << 20;

/// How a server knows its users. Printed without secrets.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// A bearer token, which wins over name and password.
    pub token: Option<Secret>,
    /// The name.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
}

/// A client of web servers.
#[derive(Debug, Clone)]
pub struct Downloader {
    http: reqwest::Client,
    login: Login,
}

/// The failure of one attempt, and whether another may succeed.
struct Failure {
    error: Error,
    retry: Retry,
}

impl Retryable for Failure {
    fn retry(&self) -> Retry {
        self.retry
    }
}

impl Downloader {
    /// Returns a client that sends `login` with each request. A TLS provider must be installed in the process.
    ///
    /// # Errors
    /// [`Error::Download`] if the certificates of this machine cannot be used.
    pub fn new(login: Login) -> Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("mlpack/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(20))
            .read_timeout(Duration::from_secs(60))
            .build();
        let http = http.map_err(|error| broken("https://", Cause::of(error)).error)?;
        Ok(Self { http, login })
    }

    /// Returns the JSON document of a GET request, or of a POST request if there is a body; `None` for one that is not
    /// found.
    ///
    /// # Errors
    /// [`Error::Download`] or [`Error::Answer`].
    pub async fn json(&self, url: &Url, body: Option<&Value>) -> Result<Option<Value>> {
        let shown = show(url);
        let found = retry(RETRY, &SystemClock, || async {
            let request = match body {
                Some(body) => self.http.post(url.clone()).json(body),
                None => self.http.get(url.clone()),
            };
            let Some(response) = self.send(request, &shown).await? else { return Ok(None) };
            let mut body = Body::new(response);
            let mut bytes = Vec::new();
            while let Some(chunk) = body.chunk().await.map_err(|cause| broken(&shown, cause))? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_DOCUMENT {
                    let reason = "it is larger than 64 MiB".to_owned();
                    return Err(fatal(Error::Answer { url: shown.clone(), reason }));
                }
            }
            Ok(Some(bytes))
        });
        let found = found.await.map_err(|failure: Failure| failure.error)?;
        let parse = |bytes: Vec<u8>| {
            serde_json::from_slice(&bytes)
                .map_err(|error| Error::Answer { url: show(url), reason: error.to_string() })
        };
        found.map(parse).transpose()
    }

    /// Downloads a file. A transfer that breaks goes on where it broke, if the server knows how.
    ///
    /// # Errors
    /// [`Error::Download`], [`Error::NotFound`], or [`Error::Io`].
    pub async fn file(&self, url: &Url, path: &Path, progress: &dyn Progress) -> Result<()> {
        let shown = show(url);
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let meter = progress.begin(&format!("Downloading {name}"), None);
        let part = Part { url, shown: &shown, path };
        let validator = std::sync::Mutex::new(None);
        let outcome = retry(RETRY, &SystemClock, || self.part(&part, &validator, &*meter)).await;
        meter.finish(if outcome.is_ok() { "downloaded" } else { "failed" });
        outcome.map_err(|failure| failure.error)
    }

    /// Downloads what is missing of a file.
    async fn part(
        &self,
        part: &Part<'_>,
        validator: &std::sync::Mutex<Option<String>>,
        meter: &dyn Meter,
    ) -> Result<(), Failure> {
        let Part { url, shown, path } = part;
        let have = tokio::fs::metadata(path).await.map_or(0, |meta| meta.len());
        let known = validator.lock().ok().and_then(|known| known.clone());
        let mut request = self.http.get((*url).clone());
        if let (Some(tag), 1..) = (&known, have) {
            request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, tag);
        }
        let response = self.send(request, shown).await?;
        let Some(response) = response else {
            return Err(fatal(Error::NotFound { url: (*shown).to_owned() }));
        };
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
        if let Ok(mut known) = validator.lock() {
            // A weak tag does not promise the same bytes (RFC 9110, 13.1.5).
            let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
            *known = tag.filter(|tag| !tag.starts_with("W/")).map(str::to_owned);
        }
        let written = |error: io::Error| fatal(Error::io("write", path)(error));
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let mut file: File = options.open(path).await.map_err(written)?;
        let mut body = Body::new(response);
        while let Some(chunk) = body.chunk().await.map_err(|cause| broken(shown, cause))? {
            file.write_all(&chunk).await.map_err(written)?;
            meter.advance(chunk.len() as u64);
        }
        file.flush().await.map_err(written)
    }

    /// Sends a request with the login; `None` if the answer is 404.
    async fn send(
        &self,
        request: RequestBuilder,
        shown: &str,
    ) -> Result<Option<Response>, Failure> {
        let request = match &self.login {
            Login { token: Some(token), .. } => request.bearer_auth(token.reveal()),
            Login { username: Some(name), password, .. } => {
                request.basic_auth(name, password.as_ref().map(Secret::reveal))
            }
            _ => request,
        };
        let response = request.send().await.map_err(|error| broken(shown, Cause::of(error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Some(response));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let retry = match is_transient(status.as_u16()) {
            true => Retry::asked(retry_after(response.headers())),
            false => Retry::Never,
        };
        let (url, reason) = (shown.to_owned(), status.to_string());
        Err(Failure { error: Error::Download { url, reason }, retry })
    }
}

/// A file that is being downloaded.
struct Part<'a> {
    url: &'a Url,
    shown: &'a str,
    path: &'a Path,
}

fn fatal(error: Error) -> Failure {
    Failure { error, retry: Retry::Never }
}

fn broken(url: &str, cause: Cause) -> Failure {
    let retry = cause.retry();
    Failure { retry, error: Error::Download { url: url.to_owned(), reason: cause.reason } }
}

/// Returns an address without name, password and query, which may be a signature.
pub fn show(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}
