//! Fetches from an index: small pages into memory, files into the cache, verified by their hash.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlpack_http::{
    Body, Cause, Retry, RetryPolicy, Retryable, SystemClock, is_transient, retry, retry_after,
};
use mlpack_oci::{Digest, HashingWriter, Meter, Progress};
use reqwest::{Response, StatusCode};
use url::Url;

use super::download_lock::DownloadLock;
use crate::cache::store;
use crate::{Error, Result};
use mlpack_requirements::redact_url;
use mlpack_requirements::{IndexUrl, Indexes};

/// Attempts at one request.
const RETRY: RetryPolicy = RetryPolicy {
    attempts: 3,
    first_wait: Duration::from_millis(300),
    longest_wait: Duration::from_secs(60),
};
/// A page of an index is a few megabytes at most.
const PAGE_LIMIT: usize = 64 << 20;

/// The limit for a file whose size is not known.
const LARGEST: u64 = 32 << 30;

/// An HTTP client with the credentials of the indexes.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    indexes: Indexes,
    logins: Vec<IndexUrl>,
}

/// A file to download into the cache.
pub struct Download<'a> {
    /// Its address, without secrets.
    pub url: &'a str,
    /// Where to store it.
    pub path: PathBuf,
    /// The expected hash.
    pub sha256: Digest,
    /// In bytes, if known.
    pub size: Option<u64>,
}

impl Download<'_> {
    fn is_present(&self) -> bool {
        self.path.metadata().is_ok_and(|meta| {
            // A file only gets its name when its hash was right; the size guards against a disk
            // that lost power before the bytes were written.
            self.size.map_or(meta.len() > 0, |size| size == meta.len())
        })
    }
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

impl Client {
    /// Creates a client for these indexes.
    ///
    /// # Errors
    /// If the TLS setup of this machine is unusable.
    pub fn new(indexes: &Indexes) -> Result<Self> {
        Ok(Self { http: http()?, indexes: indexes.clone(), logins: Vec::new() })
    }

    /// The same with passwords of further servers.
    pub fn with_logins(self, logins: &[IndexUrl]) -> Self {
        Self { logins: logins.to_vec(), ..self }
    }

    /// A page of an index and the address it was found at.
    pub async fn page(&self, url: &str, accept: &str) -> Result<(Vec<u8>, Url)> {
        self.retry(|| async {
            let response = self.get(url, Some(accept)).await?;
            let place = response.url().clone();
            let mut body = Body::new(response);
            let mut bytes = Vec::new();
            while let Some(chunk) = body.chunk().await.map_err(|cause| broken(url, cause))? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > PAGE_LIMIT {
                    let reason = "the page is larger than 64 MiB".to_owned();
                    return Err(fatal(Error::Fetch { url: show(url), reason }));
                }
            }
            Ok((bytes, place))
        })
        .await
    }

    /// Downloads and verifies a file unless it is in the cache already. One process downloads it; others wait for it.
    pub async fn file(&self, wanted: &Download<'_>, progress: &dyn Progress) -> Result<()> {
        if wanted.is_present() {
            return Ok(());
        }
        let _lock = DownloadLock::take(&wanted.path).await?;
        if wanted.is_present() {
            return Ok(());
        }
        let filename = file_name(&wanted.path);
        let meter = progress.begin(&filename, wanted.size);
        let outcome = self.retry(|| self.download(wanted, &filename, &*meter)).await;
        meter.finish(if outcome.is_ok() { "fetched" } else { "failed" });
        outcome
    }

    async fn download(
        &self,
        wanted: &Download<'_>,
        filename: &str,
        meter: &dyn Meter,
    ) -> Result<(), Failure> {
        let mut body = Body::new(self.get(wanted.url, None).await?);
        let mut file = HashingWriter::new(store::pending(&wanted.path).map_err(fatal)?);
        let (most, mut received) = (wanted.size.unwrap_or(LARGEST), 0);
        while let Some(chunk) = body.chunk().await.map_err(|cause| broken(wanted.url, cause))? {
            received += chunk.len() as u64;
            if received > most {
                let reason = format!("it has more than the {most} bytes that it should have");
                return Err(fatal(Error::Fetch { url: show(wanted.url), reason }));
            }
            file.write_all(&chunk)
                .map_err(|error| fatal(Error::io("write", &wanted.path)(error)))?;
            meter.advance(chunk.len() as u64);
        }
        let (file, found, _) = file.finish();
        if found != wanted.sha256 {
            let expected = wanted.sha256;
            let filename = filename.to_owned();
            return Err(fatal(Error::ChecksumMismatch { filename, expected, found }));
        }
        store::persist(file, &wanted.path).map_err(fatal)
    }

    /// Returns the status of an index that refuses the login of this client, or its lack of one. An index that cannot be
    /// reached refuses nothing; nor does one that answers 403 to a request without a login, as storage does for files that
    /// it does not have.
    pub async fn refusal(&self, index: &IndexUrl) -> Option<String> {
        let page = format!("{}/pip/", index.secret().trim_end_matches('/'));
        let response = self.send(&page, None).await.ok()?;
        let refused = match response.status() {
            StatusCode::UNAUTHORIZED => true,
            StatusCode::FORBIDDEN => index.has_login(),
            _ => false,
        };
        refused.then(|| response.status().to_string())
    }

    async fn get(&self, url: &str, accept: Option<&str>) -> Result<Response, Failure> {
        let response = self.send(url, accept).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry = match is_transient(status.as_u16()) {
            true => Retry::asked(retry_after(response.headers())),
            false => Retry::Never,
        };
        Err(Failure { error: Error::Fetch { url: show(url), reason: status.to_string() }, retry })
    }

    async fn send(&self, url: &str, accept: Option<&str>) -> Result<Response, Failure> {
        let mut address = Url::parse(url).map_err(|error| {
            fatal(Error::Fetch { url: url.to_owned(), reason: error.to_string() })
        })?;
        let indexes = self.indexes.index.iter().chain(&self.indexes.extra);
        for index in indexes.chain(&self.logins) {
            index.lend_credentials(&mut address);
        }
        let mut request = self.http.get(address);
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        request.send().await.map_err(|error| broken(url, Cause::of(error)))
    }

    async fn retry<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T> {
        retry(RETRY, &SystemClock, work).await.map_err(|failure| failure.error)
    }
}

/// Creates the HTTP client for indexes and channels.
pub fn http() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("mlpack/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| broken("https://", Cause::of(error)).error)
}

/// The last name of a path, for messages.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn fatal(error: Error) -> Failure {
    Failure { error, retry: Retry::Never }
}

fn broken(url: &str, cause: Cause) -> Failure {
    Failure { retry: cause.retry(), error: Error::Fetch { url: show(url), reason: cause.reason } }
}

fn show(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| redact_url(&url))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    use mlpack_oci::Silent;

    use super::*;

    #[tokio::test]
    async fn a_file_that_does_not_end_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
            // Until the other end closes the connection.
            while stream.write_all(&[0; 4096]).is_ok() {}
        });
        let dir = tempfile::tempdir().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new(&Indexes::default()).unwrap();
        let url = format!("http://{address}/a-1.whl");
        let path = dir.path().join("a-1.whl");
        let sha256 = Digest::of(b"");
        let wanted = Download { url: &url, path, sha256, size: Some(1_000_000) };
        let error = client.file(&wanted, &Silent).await.unwrap_err();
        let reason = "it has more than the 1000000 bytes that it should have";
        assert_eq!(error.to_string(), format!("cannot fetch {url}: {reason}"));
        // The lock of the download may stay.
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert!(left.iter().all(|entry| entry.as_ref().unwrap().metadata().unwrap().len() == 0));
    }
}
