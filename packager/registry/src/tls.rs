//! TLS with the system's certificates and the user's, by rustls and ring.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

/// Returns a configuration that trusts the system's authorities and those of the given PEM files.
///
/// A system without any certificates is not an error here: loopback registries need none, and a
/// TLS connection then reports that the certificate is not trusted.
pub(crate) fn config(ca_certs: &[PathBuf]) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in ca_certs {
        for certificate in read(path)? {
            roots.add(certificate).map_err(|error| bad(path, &error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setting {
            setting: "TLS settings".to_owned(),
            reason: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(path, &error))?;
    if found.is_empty() {
        return Err(bad(path, &"it contains no PEM certificate"));
    }
    Ok(found)
}

fn bad(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::CaCertificate { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "nothing").unwrap();
        let error = config(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "cannot load certificates from {}: it contains no PEM certificate",
                path.display()
            )
        );
        assert!(
            config(&[dir.path().join("none.pem")]).unwrap_err().to_string().contains("none.pem")
        );
    }
}
