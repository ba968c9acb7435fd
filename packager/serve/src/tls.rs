//! TLS from two PEM files, read again when they change.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate or the key is not PEM, or cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// The parser's or the system's reason.
        reason: String,
    },
    /// The two do not belong together, or the kind of key is not supported.
    #[error("cannot use {} with {}: {reason}", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: rustls::Error,
    },
}

/// The certificate in use.
#[derive(Debug)]
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub(crate) fn load(certificate: PathBuf, key: PathBuf) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(&certificate, &key)?);
        Ok(Arc::new(Self { certificate, key, current }))
    }

    /// Reads both files again. The pair in use stays if they cannot be read; connections keep the one they began with.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.certificate, &self.key)?));
        Ok(())
    }

    /// The files that may change.
    pub(crate) fn files(&self) -> [PathBuf; 2] {
        [self.certificate.clone(), self.key.clone()]
    }

    /// An acceptor that offers HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// If the provider has no common protocol version, which would be a fault of the build.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &PathBuf, reason: String| TlsError::Pem { path: path.clone(), reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| pem(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "it has no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| pem(key, error.to_string()))?;
    let pair = any_supported_type(&private).and_then(|signer| {
        let pair = CertifiedKey::new(chain, signer);
        pair.keys_match().map(|()| pair)
    });
    pair.map_err(|reason| TlsError::Pair {
        certificate: certificate.clone(),
        key: key.clone(),
        reason,
    })
}
