//! HTTP clients for services: on the loopback address, and on public ones.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::placement_error::PlacementError;
use crate::tls::chain;

/// Returns a builder of clients that never go through a proxy.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none())
}

/// Returns a client for services without TLS.
///
/// # Errors
/// [`PlacementError::HttpClient`]
pub(crate) fn client() -> Result<reqwest::Client, PlacementError> {
    build(builder())
}

/// Returns a client for a service with a public address, through the proxies of this machine; of the service that has the
/// certificate of a PEM text, if there is one.
///
/// # Errors
/// [`PlacementError::HttpClient`]
pub(crate) fn public(certificate: Option<&[u8]>) -> Result<reqwest::Client, PlacementError> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    build(match certificate {
        Some(certificate) => builder.tls_backend_preconfigured(pinned(certificate)?),
        None => builder,
    })
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, PlacementError> {
    builder.build().map_err(|error| PlacementError::HttpClient { reason: error.to_string() })
}

/// Returns a client for the service that has the certificate of a PEM text, and for no other.
///
/// # Errors
/// [`PlacementError::HttpClient`]
pub(crate) fn client_of(certificate: &[u8]) -> Result<reqwest::Client, PlacementError> {
    build(builder().tls_backend_preconfigured(pinned(certificate)?))
}

/// Returns a configuration that accepts the certificate of a PEM text and no other.
fn pinned(certificate: &[u8]) -> Result<ClientConfig, PlacementError> {
    let bad = |reason: String| PlacementError::HttpClient { reason };
    let expected = chain(certificate).map_err(bad)?.swap_remove(0);
    let provider = Arc::new(default_provider());
    let verifier = Pinned { expected, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
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
