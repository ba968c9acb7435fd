//! One request to a target. Names are resolved without the C library, which a static program cannot rely on.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use hickory_resolver::TokioResolver;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::target::Target;
use crate::net::Stream;

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// What a target answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Seconds until the next attempt, if the target named them.
    pub(super) retry_after: Option<u64>,
}

/// Resolves names, trusts authorities, sends.
pub(super) struct Client {
    resolver: Option<TokioResolver>,
    tls: Option<TlsConnector>,
}

impl Client {
    /// Reads the system's name servers and authorities.
    pub(super) fn new() -> Self {
        let resolver =
            TokioResolver::builder_tokio().map(hickory_resolver::ResolverBuilder::build).ok();
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions();
        let config =
            config.map(|config| config.with_root_certificates(roots).with_no_client_auth());
        Self { resolver, tls: config.ok().map(|config| TlsConnector::from(Arc::new(config))) }
    }

    /// Sends a body and returns the answer's status.
    ///
    /// # Errors
    /// If the host is unknown, unreachable or not trusted, or breaks off.
    pub(super) async fn post(&self, target: &Target, body: Bytes) -> io::Result<Reply> {
        let stream = self.connect(target).await?;
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let driver = tokio::spawn(connection);
        let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = target.uri.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().map_err(io::Error::other)?;
        let headers = request.headers_mut();
        headers.insert(HOST, host.parse().map_err(io::Error::other)?);
        headers.insert(CONTENT_TYPE, target.content_type().parse().map_err(io::Error::other)?);
        headers.extend(target.headers.iter().cloned());
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let reply = Reply {
            status: answer.status(),
            retry_after: retry_after.and_then(|text| text.parse().ok()),
        };
        let _ = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        driver.abort();
        Ok(reply)
    }

    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        let host = target.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_secure = target.uri.scheme_str() == Some("https");
        let port = target.uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let addresses = self.addresses(host).await?;
        let addresses: Vec<SocketAddr> =
            addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        let stream = TcpStream::connect(&addresses[..]).await?;
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let tls = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }

    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let resolver = self.resolver.as_ref();
        let resolver =
            resolver.ok_or_else(|| io::Error::other("/etc/resolv.conf cannot be read"))?;
        let found = resolver.lookup_ip(host).await.map_err(io::Error::other)?;
        Ok(found.iter().collect())
    }
}
