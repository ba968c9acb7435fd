//! The certificate authorities of the image.

use std::fs::{self, File};
use std::io::Read as _;

use crate::rooted::Root;

/// Where the bundle is in the image; `SSL_CERT_FILE` points there, because each build of OpenSSL
/// looks in another folder.
pub(crate) const PATH: &str = "etc/ssl/certs/ca-certificates.crt";

/// Public authorities of the ca-certificates package, one file each.
const PUBLIC: &str = "usr/share/ca-certificates/mozilla";
/// Paths of the bundle on different systems.
const BUNDLES: [&str; 4] =
    [PATH, "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem"];

/// The largest bundle that is read, in bytes.
const MAX: u64 = 8 << 20;

/// Returns the public authorities, sorted by name. Excludes those that only this machine trusts, if
/// the system keeps them separately: an image runs elsewhere.
pub(crate) fn bundle(root: &Root) -> Option<Vec<u8>> {
    public(root).or_else(|| BUNDLES.iter().find_map(|path| read(root, path)))
}

fn public(root: &Root) -> Option<Vec<u8>> {
    let mut names: Vec<_> = fs::read_dir(root.host(PUBLIC))
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".crt"))
        .collect();
    names.sort();
    let mut bundle = Vec::new();
    for name in names {
        bundle.extend(read(root, &format!("{PUBLIC}/{name}"))?.trim_ascii_end());
        bundle.push(b'\n');
    }
    Some(bundle).filter(|bundle| !bundle.is_empty())
}

fn read(root: &Root, path: &str) -> Option<Vec<u8>> {
    let found = root.file(path)?;
    let mut bytes = Vec::new();
    File::open(root.host(&found.real)).ok()?.take(MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn write(dir: &Path, path: &str, text: &str) {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        fs::write(dir.join(path), text).unwrap();
    }

    #[test]
    fn public_authorities_are_preferred_to_the_machines_own_bundle() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        assert_eq!(bundle(&root), None);
        write(dir.path(), "etc/ssl/certs/ca-certificates.crt", "all\n");
        assert_eq!(bundle(&root).unwrap(), b"all\n");
        write(dir.path(), "usr/share/ca-certificates/mozilla/b.crt", "b");
        write(dir.path(), "usr/share/ca-certificates/mozilla/a.crt", "a\n\n");
        write(dir.path(), "usr/share/ca-certificates/mozilla/README", "no");
        assert_eq!(bundle(&root).unwrap(), b"a\nb\n");
    }
}
