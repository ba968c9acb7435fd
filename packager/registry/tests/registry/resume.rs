//! A push that is killed goes on where it stopped.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mlpack_oci::{Platform, Reference, Silent};
use mlpack_registry::{BlobAction, BlobOutcome};

use crate::kit::{Action, Proxy, Registry, client, has, image, read_all, settings};

/// Total size of the image in bytes, larger by `MLPACK_TEST_IMAGE_SIZE`.
#[allow(clippy::disallowed_methods, reason = "a switch of the tests")]
fn size() -> u64 {
    std::env::var("MLPACK_TEST_IMAGE_SIZE").ok().and_then(|s| s.parse().ok()).unwrap_or(200 << 20)
}

/// What the killed process does: pushes to the address and with the state it is given.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test below, in a process of its own"]
#[allow(clippy::disallowed_methods, reason = "how the parent speaks to it")]
async fn push_until_killed() {
    let (Ok(target), Ok(state)) =
        (std::env::var("MLPACK_TEST_TARGET"), std::env::var("MLPACK_TEST_STATE"))
    else {
        return;
    };
    let client = client(settings(state.as_ref()));
    let image = tokio::task::spawn_blocking(|| image(600, &[size()])).await.unwrap();
    client.push(&image, &target.parse().unwrap(), &[], &Silent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_70_percent_the_next_push_sends_the_rest_alone() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    // Keeps what came before a connection broke, as registries do that can resume in a blob.
    let rate = size() / 4;
    let proxy = Proxy::start(&registry.host, true, move |seen| match seen.method.as_str() {
        "PATCH" if seen.before == 0 => Action::Slow(rate),
        _ => Action::Pass,
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resume::push_until_killed", "--ignored", "--nocapture"])
        .env("MLPACK_TEST_TARGET", target.to_string())
        .env("MLPACK_TEST_STATE", dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while proxy.blob_bytes() < size() / 10 * 7 {
        assert!(started.elapsed() < Duration::from_secs(600), "too slow");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // SIGKILL: no destructor, no handler.
    child.kill().unwrap();
    child.wait().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let first = proxy.blob_bytes();
    assert!(first < size(), "it was killed too late");
    proxy.forget();

    let client = client(settings(dir.path()));
    let image = tokio::task::spawn_blocking(|| image(600, &[size()])).await.unwrap();
    let plan = client.plan_push(&image, &target).await.unwrap();
    assert_eq!(plan[0].action, BlobAction::Upload { resume_at: 0 }, "only the registry knows more");
    let pushed = client.push(&image, &target, &[], &Silent).await.unwrap();
    let second = proxy.blob_bytes();
    println!("first run {first} bytes, second run {second} of {} bytes", size());
    assert!(second * 100 <= size() * 35, "{second} of {}", size());
    let BlobOutcome::Uploaded { resumed_at, sent } = pushed.blobs[0].outcome else {
        panic!("{:?}", pushed.blobs[0])
    };
    assert_eq!(resumed_at + sent, size());
    let pulled = client.image(&target, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(read_all(&pulled).await, [image.layers[0].digest]);
}
