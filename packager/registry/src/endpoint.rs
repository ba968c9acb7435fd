//! Where a registry is spoken to, and which addresses may be visited on its behalf.

use reqwest::Url;

use crate::address::Reach;
use crate::{Error, Result};

/// A registry's address.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// As in a reference: `docker.io`, `127.0.0.1:5000`.
    pub(crate) name: String,
    /// `https://registry-1.docker.io/`.
    pub(crate) base: Url,
    /// Hosts the user vouched for.
    insecure: Vec<String>,
}

impl Endpoint {
    /// The endpoint of a registry as references name it. Plain http is for loopback and for the
    /// hosts of `insecure` alone.
    pub(crate) fn new(name: &str, insecure: &[String]) -> Result<Self> {
        let host = if name == "docker.io" { "registry-1.docker.io" } else { name };
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/")).map_err(|error| Error::Protocol {
                registry: name.to_owned(),
                what: "to be addressed".to_owned(),
                reason: error.to_string(),
            })
        };
        let secure = parse("https")?;
        let loopback = secure.host_str().and_then(Reach::of_literal) == Some(Reach::Loopback);
        let listed = insecure.iter().any(|entry| entry == name);
        let base = if loopback || listed { parse("http")? } else { secure };
        Ok(Self { name: name.to_owned(), base, insecure: insecure.to_vec() })
    }

    /// The same registry by TLS.
    pub(crate) fn with_tls(&self) -> Self {
        let mut base = self.base.clone();
        // http and https are both special schemes: the change cannot fail, and the port stays.
        let _ = base.set_scheme("https");
        Self { base, ..self.clone() }
    }

    /// Whether both schemes are allowed, so that one has to be tried before the other.
    pub(crate) fn may_be_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// `/v2/REPOSITORY/REST`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{path}"));
        url
    }

    /// Whether an address is this registry itself, so that it may see the authorisation.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.scheme() == self.base.scheme()
            && url.host_str() == self.base.host_str()
            && url.port_or_known_default() == self.base.port_or_known_default()
    }

    /// Refuses addresses without TLS, and addresses further inside than the registry itself.
    ///
    /// Names are resolved here because a public name can lead to a private address.
    pub(crate) async fn allow(&self, url: &Url, direct: bool) -> Result<()> {
        if self.owns(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let vouched = self.insecure.iter().any(|entry| *entry == with_port || entry == host);
        let literal = Reach::of_literal(host);
        match url.scheme() {
            "https" => {}
            "http" if vouched || literal == Some(Reach::Loopback) => {}
            _ => return Err(Error::PlainHttp { host: with_port }),
        }
        if vouched || self.base.host_str() == Some(host) {
            return Ok(());
        }
        let reaches = match literal {
            Some(reach) => vec![reach],
            None if direct => resolve(url).await,
            None => Vec::new(),
        };
        let Some(inner) = reaches.into_iter().find(|reach| *reach != Reach::Public) else {
            return Ok(());
        };
        let own = match self.base.host_str().and_then(Reach::of_literal) {
            Some(reach) => vec![reach],
            None => resolve(&self.base).await,
        };
        // Storage beside a registry in the same kind of network is usual; link-local never is.
        if inner != Reach::LinkLocal && own.contains(&inner) {
            return Ok(());
        }
        Err(Error::PrivateTarget {
            registry: self.name.clone(),
            kind: inner.name(),
            target: with_port,
        })
    }
}

/// The networks a name leads to; none if it does not resolve, which the connection will report.
async fn resolve(url: &Url) -> Vec<Reach> {
    let Some(host) = url.host_str() else { return Vec::new() };
    let port = url.port_or_known_default().unwrap_or(443);
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => found.map(|address| Reach::of(address.ip())).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str) -> Endpoint {
        Endpoint::new(name, &["plain.example:80".to_owned(), "10.9.9.9:9000".to_owned()]).unwrap()
    }

    async fn allowed(registry: &str, url: &str) -> Result<(), String> {
        let url = Url::parse(url).unwrap();
        endpoint(registry).allow(&url, false).await.map_err(|error| error.to_string())
    }

    #[test]
    fn plain_http_is_for_loopback_and_listed_hosts() {
        for (name, base) in [
            ("docker.io", "https://registry-1.docker.io/"),
            ("example.com", "https://example.com/"),
            ("registry.local:5000", "https://registry.local:5000/"),
            ("10.1.2.3:5000", "https://10.1.2.3:5000/"),
            ("localhost:5000", "http://localhost:5000/"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/"),
            ("plain.example:80", "http://plain.example/"),
        ] {
            assert_eq!(endpoint(name).base.as_str(), base);
        }
    }

    #[test]
    fn the_same_host_on_another_port_is_another_owner() {
        let registry = endpoint("127.0.0.1:5000");
        assert!(registry.owns(&Url::parse("http://127.0.0.1:5000/v2/?x=1").unwrap()));
        assert!(!registry.owns(&Url::parse("http://127.0.0.1:5001/v2/").unwrap()));
        assert!(!registry.owns(&Url::parse("https://127.0.0.1:5000/v2/").unwrap()));
    }

    #[tokio::test]
    async fn private_addresses_are_not_followed() {
        for (registry, url, kind) in [
            ("example.com", "https://10.0.0.1/x", "private"),
            ("example.com", "https://127.0.0.1/x", "loopback"),
            ("example.com", "https://169.254.169.254/latest", "link-local"),
            ("127.0.0.1:5000", "https://192.168.1.1/x", "private"),
            ("10.0.0.1:5000", "https://169.254.169.254/x", "link-local"),
        ] {
            let error = allowed(registry, url).await.unwrap_err();
            assert!(error.contains(kind), "{registry} -> {url}: {error}");
        }
        for (registry, url) in [
            ("example.com", "https://8.8.8.8/x"),
            ("10.0.0.1:5000", "https://10.0.0.2:9000/x"),
            ("127.0.0.1:5000", "http://127.0.0.1:9000/x"),
            ("example.com", "http://10.9.9.9:9000/x"),
        ] {
            assert_eq!(allowed(registry, url).await, Ok(()), "{registry} -> {url}");
        }
        let plain = allowed("example.com", "http://8.8.8.8/x").await.unwrap_err();
        assert_eq!(plain, "`8.8.8.8` would be spoken to without TLS");
    }
}
