//! Files that may change while the service runs: keys and certificates.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::keys::Keys;
use crate::log;
use crate::tls::Certificate;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// What shows that a file has changed; Kubernetes replaces a link to it.
type Mark = Option<(SystemTime, u64, u64)>;

/// Reads keys and certificate again when their files change.
pub(crate) fn watch(keys: &Arc<Keys>, certificate: Option<&Arc<Certificate>>) {
    if let Some(file) = keys.file() {
        let (files, keys) = (vec![file.to_owned()], keys.clone());
        let reload = move || keys.reload().map_err(|error| error.to_string());
        tokio::spawn(watch_one("keys", files, reload));
    }
    if let Some(certificate) = certificate.cloned() {
        let files = certificate.files().to_vec();
        let reload = move || certificate.reload().map_err(|error| error.to_string());
        tokio::spawn(watch_one("certificate", files, reload));
    }
}

async fn watch_one(
    what: &'static str,
    files: Vec<PathBuf>,
    reload: impl Fn() -> Result<(), String>,
) {
    let mut seen = marks(&files);
    let mut reported = None;
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        let now = marks(&files);
        if now == seen {
            continue;
        }
        // Of two files one may still be the old one: what fails is tried again, and reported once.
        match reload() {
            Ok(()) => {
                (seen, reported) = (now, None);
                log::info(&format!("read the changed {what}"));
            }
            Err(error) if reported.as_ref() == Some(&error) => {}
            Err(error) => {
                log::warning(&format!("the changed {what} cannot be used: {error}"));
                reported = Some(error);
            }
        }
    }
}

fn marks(files: &[PathBuf]) -> Vec<Mark> {
    let mark = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    };
    files.iter().map(mark).collect()
}
