//! A large model: memory stays flat, and a killed run leaves nothing that the next does not repair.
//! The benchmark `benches/package.py` does the same with 3 GB and a clock.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use crate::kit::{TestContext, base, blob_path, files, image};
use crate::need;

const SIZE: u64 = 300 << 20;
/// Acceptance: under 150 MB of resident memory, whatever the size of the model.
const MEMORY: u64 = 150 << 10;

fn context_and_project() -> Option<(TestContext, Vec<String>)> {
    let base = base("debian12-py311");
    let context = TestContext::offline()?;
    let mut args = context.project(&base);
    let mut noise = File::open("/dev/urandom").unwrap().take(SIZE);
    io::copy(&mut noise, &mut File::create(context.path("model.bin")).unwrap()).unwrap();
    args.extend(["--output", "oci:out", "--quiet"].map(str::to_owned));
    Some((context, args))
}

/// The highest resident memory so far in KiB, as the kernel counts it; none once it has ended.
fn memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn memory_does_not_grow_with_the_model() {
    let (context, args) = need!(context_and_project());
    let mut child = context.command(&args).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(memory(&child).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    println!("packaging {} MB took {} MB of memory", SIZE >> 20, most >> 10);
    assert!(most > 0 && most < MEMORY, "{most} KiB");
    // Noise is stored as it is.
    let layers = image(&context.path("out")).manifest["layers"].clone();
    let model = layers
        .as_array()
        .unwrap()
        .iter()
        .find(|layer| layer["size"].as_u64().unwrap() > SIZE)
        .unwrap();
    assert_eq!(model["mediaType"], "application/vnd.oci.image.layer.v1.tar");
}

#[test]
fn a_killed_run_is_repaired_by_the_next() {
    let (context, args) = need!(context_and_project());
    let mut child = context.command(&args).spawn().unwrap();
    // Until the model is being written.
    let begun = || {
        files(&context.path("out"))
            .iter()
            .any(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap() > SIZE / 10)
    };
    while !begun() {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be killed");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let digest = context.mlpack(&args[..args.len() - 1]).digest();
    let layout = context.path("out");
    let image = image(&layout);
    assert_eq!(image.digest, digest);
    // What is there is what the image names, and nothing of the first run.
    let config = image.manifest["config"]["digest"].as_str().unwrap().to_owned();
    let mut expected: Vec<_> = image.layers();
    expected.extend([image.digest, config]);
    let mut expected: Vec<_> = expected.iter().map(|digest| blob_path(&layout, digest)).collect();
    expected.sort();
    expected.dedup();
    let blobs = files(&layout.join("blobs"));
    let found: Vec<PathBuf> =
        blobs.iter().map(|line| line.rsplit_once(' ').unwrap().0.into()).collect();
    assert_eq!(expected, found);
}
