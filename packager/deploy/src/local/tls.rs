//! TLS of a local service: its files, checked before anything is started, and a client that trusts exactly its
//! certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::error::Error;
use crate::config::TlsFiles;

/// A certificate and its key, as PEM.
pub(super) struct Tls {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl Tls {
    /// Reads the files and checks that they belong together. Relative paths start at `folder`.
    ///
    /// # Errors
    /// [`Error::Tls`] names the file.
    pub(super) fn read(files: &TlsFiles, folder: &Path) -> Result<Self, Error> {
        let fault = |path: &str, reason: String| Error::Tls { path: path.to_owned(), reason };
        let read = |path: &str| {
            std::fs::read(folder.join(path)).map_err(|error| fault(path, error.to_string()))
        };
        let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
        let chain = chain(&certificate).map_err(|reason| fault(&files.certificate, reason))?;
        let parsed = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| fault(&files.key, key_reason(&key).to_owned()))?;
        let signing =
            any_supported_type(&parsed).map_err(|error| fault(&files.key, error.to_string()))?;
        CertifiedKey::new(chain, signing).keys_match().map_err(|_| {
            fault(&files.key, format!("it is not the key of {}", files.certificate))
        })?;
        Ok(Self { certificate, key })
    }
}

fn key_reason(key: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(key);
    match text.contains("ENCRYPTED") {
        true => "the private key is encrypted; the service cannot ask for its password",
        false => "there is no private key in it (PEM)",
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    match chain.is_empty() {
        true => Err("there is no certificate in it (PEM)".to_owned()),
        false => Ok(chain),
    }
}

/// Returns a client for the service that has the certificate of a PEM text, and for no other.
///
/// # Errors
/// [`Error::HttpClient`]
pub(super) fn client(certificate: &[u8]) -> Result<reqwest::Client, Error> {
    let bad = |reason: String| Error::HttpClient { reason };
    let expected = chain(certificate).map_err(bad)?.swap_remove(0);
    let provider = Arc::new(default_provider());
    let verifier = Pinned { expected, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    super::docker::client_builder()
        .tls_backend_preconfigured(config)
        .build()
        .map_err(|error| bad(error.to_string()))
}

/// Accepts one certificate, whatever its host name: the service is known by the container it runs in.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.expected {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
