//! A push that was killed continues where it stopped, as far as the registry allows.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mlpack_oci::{Platform, Reference, Silent};
use mlpack_registry::{BlobAction, BlobOutcome};
use tempfile::TempDir;

use crate::kit::{Action, Proxy, Registry, Seen, client, has, image, read_all, settings};

const MIB: u64 = 1 << 20;

/// Total size of the image in bytes, larger by `MLPACK_TEST_IMAGE_SIZE`.
#[allow(clippy::disallowed_methods, reason = "a switch of the tests")]
fn size(usual: u64) -> u64 {
    std::env::var("MLPACK_TEST_IMAGE_SIZE").ok().and_then(|s| s.parse().ok()).unwrap_or(usual)
}

/// What the killed process does: pushes to the address and with the state it is given.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests below, in a separate process"]
#[allow(clippy::disallowed_methods, reason = "how the parent passes arguments")]
async fn push_until_killed() {
    let (Ok(target), Ok(state)) =
        (std::env::var("MLPACK_TEST_TARGET"), std::env::var("MLPACK_TEST_STATE"))
    else {
        return;
    };
    let client = client(settings(state.as_ref()));
    let image = tokio::task::spawn_blocking(|| image(600, &[size(0)])).await.unwrap();
    client.push(&image, &target.parse().unwrap(), &[], &Silent).await.unwrap();
}

/// A registry, a proxy before it, and the state a push of one layer left when it was killed.
struct Killed {
    size: u64,
    proxy: Proxy,
    target: Reference,
    dir: TempDir,
    _registry: Registry,
}

#[allow(clippy::print_stdout, reason = "figures for readers of the log")]
impl Killed {
    /// Pushes, and kills at 70 % of the bytes.
    async fn at_70_percent(
        size: u64,
        keeps: bool,
        quirk: impl Fn(&Seen) -> Action + Send + Sync + 'static,
    ) -> Self {
        let registry = Registry::open();
        let proxy = Proxy::start(&registry.host, keeps, quirk).await;
        let dir = tempfile::tempdir().unwrap();
        let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::push_until_killed", "--ignored", "--nocapture"])
            .env("MLPACK_TEST_TARGET", target.to_string())
            .env("MLPACK_TEST_STATE", dir.path())
            .env("MLPACK_TEST_IMAGE_SIZE", size.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while proxy.blob_bytes() < size / 10 * 7 {
            assert!(started.elapsed() < Duration::from_secs(600), "too slow");
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // SIGKILL: no destructor, no handler.
        child.kill().unwrap();
        child.wait().unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let first = proxy.blob_bytes();
        assert!(first < size, "it was killed too late");
        println!("first run {first} of {size} bytes");
        proxy.forget();
        Self { size, proxy, target, dir, _registry: registry }
    }

    /// Pushes again; returns the layer's planned action, where it was resumed, and the bytes sent.
    async fn again(&self) -> (BlobAction, u64, u64) {
        let client = client(settings(self.dir.path()));
        let size = self.size;
        let image = tokio::task::spawn_blocking(move || image(600, &[size])).await.unwrap();
        let plan = client.plan_push(&image, &self.target).await.unwrap();
        let pushed = client.push(&image, &self.target, &[], &Silent).await.unwrap();
        let second = self.proxy.blob_bytes();
        println!("second run {second} of {size} bytes");
        let BlobOutcome::Uploaded { resumed_at, sent } = pushed.blobs[0].outcome else {
            panic!("{:?}", pushed.blobs[0])
        };
        assert_eq!(resumed_at + sent, size);
        let pulled = client.image(&self.target, &Platform::linux_amd64()).await.unwrap();
        assert_eq!(read_all(&pulled).await, [image.layers[0].digest]);
        (plan[0].action.clone(), resumed_at, second)
    }
}

/// A registry that keeps what came before a connection broke.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_70_percent_of_a_stream_the_next_push_sends_only_the_rest() {
    if !has("docker-registry") {
        return;
    }
    let size = size(200 * MIB).min(256 * MIB);
    let killed = Killed::at_70_percent(size, true, move |seen| match seen.method.as_str() {
        "PATCH" if seen.before == 0 => Action::Slow(size / 4),
        _ => Action::Pass,
    })
    .await;
    let (planned, _, second) = killed.again().await;
    assert_eq!(planned, BlobAction::Upload { resume_at: 0 }, "only the registry knows more");
    assert!(second * 100 <= size * 35, "{second} of {size}");
}

/// The registry never sees the chunk that broke, so that the address on disk is still valid.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_70_percent_of_chunks_the_next_push_sends_only_the_rest() {
    if !has("docker-registry") {
        return;
    }
    // Four chunks of six are finished at 70 %.
    let size = size(384 * MIB);
    let killed = Killed::at_70_percent(size, false, move |seen| match seen.method.as_str() {
        "PATCH" => Action::Hold(size / 4),
        _ => Action::Pass,
    })
    .await;
    let (planned, resumed_at, second) = killed.again().await;
    assert_eq!(planned, BlobAction::Upload { resume_at: resumed_at }, "it is on disk");
    assert_eq!(resumed_at % (64 * MIB), 0);
    assert!(second * 100 <= size * 35, "{second} of {size}");
}

/// distribution 2.8 keeps the bytes of a request that broke and then refuses every address it has
/// signed for that upload. All mlpack can do is notice at once and start from scratch.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_a_chunk_that_reached_distribution_the_blob_is_sent_again() {
    if !has("docker-registry") {
        return;
    }
    let size = size(384 * MIB);
    let killed = Killed::at_70_percent(size, false, move |seen| match seen.method.as_str() {
        "PATCH" => Action::Slow(size / 4),
        _ => Action::Pass,
    })
    .await;
    let (planned, resumed_at, _) = killed.again().await;
    assert!(matches!(planned, BlobAction::Upload { resume_at } if resume_at > 0), "{planned:?}");
    assert_eq!(resumed_at, 0);
}

/// The address of an upload can be one of a host that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_address_that_cannot_be_reached_is_given_up_in_the_same_push() {
    if !has("docker-registry") {
        return;
    }
    let size = size(64 * MIB);
    let killed = Killed::at_70_percent(size, true, move |seen| match seen.method.as_str() {
        "PATCH" if seen.before == 0 => Action::Slow(size / 4),
        _ => Action::Pass,
    })
    .await;
    let uploads = std::fs::read_dir(killed.dir.path().join("state/uploads")).unwrap().flatten();
    let saved = uploads.map(|entry| entry.path());
    let saved: Vec<_> =
        saved.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    assert!(!saved.is_empty());
    for path in &saved {
        let text = std::fs::read_to_string(path).unwrap();
        let mut session: serde_json::Value = serde_json::from_str(&text).unwrap();
        session["location"] = "http://127.0.0.1:1/v2/a/blobs/uploads/gone".into();
        std::fs::write(path, session.to_string()).unwrap();
    }
    let (_, resumed_at, _) = killed.again().await;
    assert_eq!(resumed_at, 0);
}
