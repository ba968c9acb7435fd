//! Damaged and remembered files: what a cache has is checked before it is used.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::kit::{TestContext, base, has, noise};
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
            // A process that had only read its arguments is ended by the signal itself, which a shell shows alike.
            let by_itself = status.signal().map(|number| 128 + number);
            assert_eq!(status.code().or(by_itself), Some(code), "after {delay} ms");
            ended += usize::from(status.code().is_some());
        }
        assert_eq!(pending(context.root()), Vec::<String>::new(), "after {delay} ms");
    }
    assert!(ended > 0);
    context.mlpack(&args).ok();
}

/// What reached the disk before each name was given, in the order of system calls: after a power failure a name leads to
/// what was written, or is not there.
#[test]
fn outputs_are_flushed_before_they_are_named() {
    if !has("strace") {
        return;
    }
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    let traced = |args: &[String]| {
        let strace = ["-f", "-y", "-qq", "-o", "trace", "-e", "trace=fsync,fdatasync,/^rename"];
        let mut command = context.program("strace", &strace);
        command.arg(env!("CARGO_BIN_EXE_mlpack")).args(args).arg("--quiet");
        context.answer(command, "").ok();
        fs::read_to_string(context.path("trace")).unwrap()
    };
    let output = |place: &str| [&project[..], &["--output".to_owned(), place.to_owned()]].concat();
    let layout = traced(&output("oci:out"));
    let blobs = context.path("out/blobs/sha256");
    let mut before: Vec<_> =
        fs::read_dir(&blobs).unwrap().map(|blob| blob.unwrap().path()).collect();
    assert!(before.len() > 5, "{before:?}");
    before.push(blobs);
    let flushed_before = |trace: &str, name: &str, before: &[std::path::PathBuf]| {
        let target = context.path(name);
        let mut flushed = std::collections::BTreeSet::new();
        // A new layout first gets an index without images.
        let is_named = |line: &str| line.split('"').nth(3) == target.to_str();
        let mut left = trace.lines().filter(|line| is_named(line)).count();
        // A call that another thread's interrupts is two lines.
        let mut begun = std::collections::BTreeMap::new();
        for line in trace.lines() {
            let process = line.split(' ').next().unwrap();
            if line.ends_with("<unfinished ...>") {
                begun.insert(process, line);
                continue;
            }
            if !line.ends_with("= 0") {
                continue;
            }
            let line = if line.contains(" resumed>") { begun[process] } else { line };
            if let Some(rest) = line.split(['(']).nth(1).filter(|_| line.contains("sync(")) {
                let path = rest.split(['<', '>']).nth(1).unwrap();
                flushed.insert(path.to_owned());
                if left == 0 && Some(Path::new(path)) == target.parent() {
                    return true;
                }
            } else if line.contains("rename") {
                let paths: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
                let [from, to] = paths[..] else { panic!("{line}") };
                left -= usize::from(is_named(line));
                if left == 0 && is_named(line) {
                    assert!(flushed.contains(from), "{name} itself");
                    for path in before {
                        assert!(flushed.contains(path.to_str().unwrap()), "{}", path.display());
                    }
                }
                if flushed.contains(from) {
                    flushed.insert(to.to_owned());
                }
            }
        }
        false
    };
    assert!(flushed_before(&layout, "out/index.json", &before), "the folder after index.json");
    let archive = traced(&output("oci-archive:out.tar"));
    assert!(flushed_before(&archive, "out.tar", &[]), "the folder after out.tar");
    let lock = [&["lock".to_owned()], &project[1..]].concat();
    assert!(flushed_before(&traced(&lock), "mlpack.lock", &[]), "the folder after mlpack.lock");
}
