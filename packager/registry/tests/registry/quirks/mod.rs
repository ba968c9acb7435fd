//! What registries and networks are known to do, simulated by a proxy before the real registry.

mod network;
mod vendors;

use axum::http::Method;
use mlpack_oci::{Digest, Image, Platform, Reference, Silent};
use mlpack_registry::{Pushed, Result, Settings};

use crate::kit::{Action, Proxy, Registry, Seen, client, read_all, settings};

pub(super) const MIB: u64 = 1 << 20;

/// A registry behind a quirk, and a push of one image of 20 MB and some through it.
pub(super) struct Case {
    pub(super) registry: Registry,
    pub(super) proxy: Proxy,
    pub(super) settings: Settings,
    _dir: tempfile::TempDir,
}

impl Case {
    pub(super) async fn new(
        keeps: bool,
        quirk: impl Fn(&Seen) -> Action + Send + Sync + 'static,
    ) -> Self {
        let registry = Registry::open();
        let proxy = Proxy::start(&registry.host, keeps, quirk).await;
        let dir = tempfile::tempdir().unwrap();
        Self { registry, proxy, settings: settings(dir.path()), _dir: dir }
    }

    pub(super) fn target(&self) -> Reference {
        format!("{}/a:v1", self.proxy.host).parse().unwrap()
    }

    pub(super) async fn push(&self, image: &Image) -> Result<Pushed> {
        client(self.settings.clone()).push(image, &self.target(), &[], &Silent).await
    }

    /// Asserts that the registry contains the whole image.
    pub(super) async fn check(&self, image: &Image) {
        let dir = tempfile::tempdir().unwrap();
        let direct: Reference = format!("{}/a:v1", self.registry.host).parse().unwrap();
        let platform = Platform::linux_amd64();
        let pulled = client(settings(dir.path())).image(&direct, &platform).await.unwrap();
        let expected: Vec<Digest> = image.layers.iter().map(|layer| layer.digest).collect();
        assert_eq!(read_all(&pulled).await, expected);
    }

    /// Returns the content lengths of the PATCHes so far; `None` for a stream.
    pub(super) fn patches(&self) -> Vec<Option<u64>> {
        let seen = self.proxy.seen();
        let patches = seen.iter().filter(|seen| seen.method == Method::PATCH);
        patches.map(length).collect()
    }
}

pub(super) fn length(seen: &Seen) -> Option<u64> {
    seen.headers.get("content-length")?.to_str().unwrap().parse().ok()
}

/// A refusal after the body was read, so that it arrives for certain and requests can be counted.
pub(super) fn refuse(status: u16, code: &str) -> Action {
    Action::AnswerLate(status, Vec::new(), reason(code))
}

pub(super) fn reason(code: &str) -> String {
    format!(r#"{{"errors":[{{"code":"{code}","message":"quirk"}}]}}"#)
}
