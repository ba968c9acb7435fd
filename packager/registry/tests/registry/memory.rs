//! Memory stays flat, whatever the size.

use mlpack_oci::{Platform, Reference, Silent};

use crate::kit::{Registry, client, has, image, read_all, settings};

/// Returns the most memory this process has used, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Size of the layer in bytes, larger by `MLPACK_TEST_LAYER_SIZE`.
#[allow(clippy::disallowed_methods, reason = "a switch of the tests")]
fn size() -> u64 {
    std::env::var("MLPACK_TEST_LAYER_SIZE").ok().and_then(|s| s.parse().ok()).unwrap_or(400 << 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_layer_is_pushed_and_pulled_in_little_memory() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let image = tokio::task::spawn_blocking(|| image(500, &[size()])).await.unwrap();
    let target: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    let started = std::time::Instant::now();
    client.push(&image, &target, &[], &Silent).await.unwrap();
    let pushed = started.elapsed();
    let pulled = client.image(&target, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(read_all(&pulled).await, [image.layers[0].digest]);
    println!(
        "{} MB pushed in {pushed:.1?}, pushed and pulled in {:.1?}, peak {:?} MB",
        size() / 1_000_000,
        started.elapsed(),
        peak().map(|bytes| bytes / 1_000_000)
    );
    if let Some(peak) = peak() {
        assert!(peak < 150_000_000, "peak {peak}");
    }
}
