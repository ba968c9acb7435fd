//! TLS of a service: its files, checked before anything is started.

use std::path::Path;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::placement_error::PlacementError;

/// A certificate and its key, as PEM.
pub(crate) struct Tls {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Tls {
    /// Reads the files and checks that they belong together. Relative paths start at `folder`.
    ///
    /// # Errors
    /// [`PlacementError::Tls`] names the file.
    pub(crate) fn read(
        certificate_file: &str,
        key_file: &str,
        folder: &Path,
    ) -> Result<Self, PlacementError> {
        let fault =
            |path: &str, reason: String| PlacementError::Tls { path: path.to_owned(), reason };
        let read = |path: &str| {
            std::fs::read(folder.join(path)).map_err(|error| fault(path, error.to_string()))
        };
        let (certificate, key) = (read(certificate_file)?, read(key_file)?);
        let chain = chain(&certificate).map_err(|reason| fault(certificate_file, reason))?;
        let parsed = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| fault(key_file, key_reason(&key).to_owned()))?;
        let signing =
            any_supported_type(&parsed).map_err(|error| fault(key_file, error.to_string()))?;
        CertifiedKey::new(chain, signing)
            .keys_match()
            .map_err(|_| fault(key_file, format!("it is not the key of {certificate_file}")))?;
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

/// Parses the certificates of a PEM text; the service's is first.
pub(crate) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    match chain.is_empty() {
        true => Err("there is no certificate in it (PEM)".to_owned()),
        false => Ok(chain),
    }
}
