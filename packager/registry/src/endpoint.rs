//! A registry's address, and which other addresses it may redirect to.

use reqwest::Url;

use crate::address::Reach;
use crate::error::{ConnectionError, Error, Result};

/// A registry's address.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// As in a reference: `docker.io`, `127.0.0.1:5000`.
    pub(crate) name: String,
    /// `https://registry-1.docker.io/`.
    pub(crate) base: Url,
    /// Hosts the user allowed explicitly.
    insecure: Vec<String>,
}

impl Endpoint {
    /// Returns the endpoint of a registry as references name it. Plain HTTP is only used for loopback
    /// and the hosts of `insecure`.
    pub(crate) fn new(name: &str, insecure: &[String]) -> Result<Self> {
        let host = if name == "docker.io" { "registry-1.docker.io" } else { name };
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/")).map_err(|error| Error::Setting {
                setting: format!("registry `{name}`"),
                reason: error.to_string(),
            })
        };
        let secure = parse("https")?;
        let loopback = secure.host_str().and_then(Reach::of_literal) == Some(Reach::Loopback);
        let listed = insecure.iter().any(|entry| entry == name);
        let base = if loopback || listed { parse("http")? } else { secure };
        Ok(Self { name: name.to_owned(), base, insecure: insecure.to_vec() })
    }

    /// Returns the same registry with TLS.
    pub(crate) fn with_tls(&self) -> Self {
        let mut base = self.base.clone();
        // http and https are both special schemes: the change cannot fail, and the port stays.
        let _ = base.set_scheme("https");
        Self { base, ..self.clone() }
    }

    /// Returns whether both schemes are allowed, so that TLS has to be tried first.
    pub(crate) fn may_be_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Returns the address of `/v2/PATH`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{path}"));
        url
    }

    /// Returns whether an address belongs to this registry, so that it may see the authorization.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.scheme() == self.base.scheme()
            && url.host_str() == self.base.host_str()
            && url.port_or_known_default() == self.base.port_or_known_default()
    }

    /// Refuses addresses without TLS, and addresses in a more private network than the registry.
    ///
    /// Names are resolved here because a public name can resolve to a private address.
    pub(crate) async fn allow(&self, url: &Url, direct: bool) -> Result<()> {
        if self.owns(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let trusted = self.insecure.iter().any(|entry| *entry == with_port || entry == host);
        let literal = Reach::of_literal(host);
        match url.scheme() {
            "https" => {}
            "http" if trusted || literal == Some(Reach::Loopback) => {}
            _ => return Err(ConnectionError::PlainHttp { host: with_port }.into()),
        }
        if trusted || self.base.host_str() == Some(host) {
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
        // A registry's storage is often in the same kind of network; link-local never is.
        if inner != Reach::LinkLocal && own.contains(&inner) {
            return Ok(());
        }
        let registry = self.name.clone();
        let (kind, target) = (inner.name(), with_port);
        Err(ConnectionError::PrivateTarget { registry, kind, target }.into())
    }
}

/// Returns the networks of a name's addresses; none if it does not resolve, which the connection
/// reports.
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
        assert_eq!(plain, "refusing plain HTTP to `8.8.8.8`");
    }
}
