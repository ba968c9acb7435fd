//! Damaged and remembered files: what a cache has is checked before it is used.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::kit::{TestContext, base, noise};
use crate::need;

fn to(context: &TestContext, base: &str, output: &str) -> Vec<String> {
    [context.project(base), vec!["--output".to_owned(), output.to_owned()]].concat()
}

#[test]
fn damaged_cached_layers_are_rebuilt() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline()).own_cache();
    let digest = context.mlpack(&to(&context, &base, "oci:one")).digest();
    let blobs = context.root().join("cache/layers/blobs");
    for entry in fs::read_dir(&blobs).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(context.mlpack(&to(&context, &base, "oci:two")).digest(), digest);
    // Reading a copy to its end holds each of its layers to its digest.
    context.mlpack(&["copy", "oci:two", "oci-archive:two.tar"]).ok();
}

#[test]
fn an_unchanged_model_is_not_hashed_again() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline()).own_cache();
    let args = to(&context, &base, "oci:out");
    let digest = context.mlpack(&args).digest();
    // What was changed a moment before it was hashed may be changed again without a trace; here some
    // time went by.
    let later = SystemTime::now() + Duration::from_secs(10);
    for line in crate::kit::files(&context.root().join("cache/layers/models")) {
        let record = fs::File::open(line.rsplit_once(' ').unwrap().0).unwrap();
        record.set_modified(later).unwrap();
    }
    let again = || context.answer(context.command(&args), "");
    let second = again();
    assert_eq!(second.digest(), digest);
    let unread = "model model:0: up to date (cached)";
    assert!(second.stderr.contains(unread), "{}", second.stderr);
    // Its bytes are there all the same, for an output that has other ones or none.
    for entry in fs::read_dir(context.path("out/blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(1);
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(again().digest(), digest);
    context.mlpack(&["copy", "oci:out", "oci-archive:out.tar"]).ok();
    // Other bytes of the same length, and the old time put back.
    let model = context.path("model.bin");
    let time = fs::metadata(&model).unwrap().modified().unwrap();
    fs::write(&model, "a-model\n".repeat(100)).unwrap();
    fs::File::options().write(true).open(&model).unwrap().set_modified(time).unwrap();
    let third = again();
    assert_ne!(third.digest(), digest);
    assert!(!third.stderr.contains(unread), "{}", third.stderr);
}

/// Everything below a folder that is being written.
fn pending(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(".mlpack-pending-") {
            found.push(path.display().to_string());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(pending(&path));
        }
    }
    found
}

/// INT and TERM end the run with their exit code at any moment; nothing that was begun stays, and the next run succeeds.
#[test]
fn signals_leave_nothing_half_written() {
    use rustix::process::{Pid, Signal, kill_process};
    let base = base("debian12-py311");
    let context = need!(TestContext::offline()).own_cache();
    let mut args = context.project(&base);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    context.write("model.bin", noise(64 << 20));
    let mut ended = 0;
    for (delay, signal, code) in [
        (60, Signal::INT, 130),
        (150, Signal::TERM, 143),
        (300, Signal::INT, 130),
        (600, Signal::TERM, 143),
    ] {
        let mut child =
            context.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = child.wait().unwrap();
        if !status.success() {
            assert_eq!(status.code(), Some(code), "after {delay} ms");
            ended += 1;
        }
        assert_eq!(pending(context.root()), Vec::<String>::new(), "after {delay} ms");
    }
    assert!(ended > 0);
    context.mlpack(&args).ok();
}
