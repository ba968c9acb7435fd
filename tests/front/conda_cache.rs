//! The cache of conda packages: warm and cold, shared and after a killed run.

use std::fs;
use std::path::{Path, PathBuf};

use super::conda::{context_and_channel, packaged, project};
use crate::kit::{ChannelAuth, base};
use crate::need;

#[test]
fn warm_and_cold_caches_give_the_same_digest() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let served = channel.serve(ChannelAuth::Open);
    let lines = ["python=3.6", "mlpack-greeter", "links"];
    let first = packaged(&context, &base, &[served.address("main")], &lines).digest();
    let archives =
        |requests: &[String]| requests.iter().filter(|line| !line.contains("repodata")).count();
    let fetched = archives(&served.requests());
    assert!(fetched >= 3, "{:?}", served.requests());
    assert_eq!(packaged(&context, &base, &[served.address("main")], &lines).digest(), first);
    assert_eq!(archives(&served.requests()), fetched);
    fs::remove_dir_all(context.root().join("cache")).unwrap();
    fs::remove_dir_all(context.path("out")).unwrap();
    assert_eq!(packaged(&context, &base, &[served.address("main")], &lines).digest(), first);
}

#[test]
fn the_digest_does_not_depend_on_directory_umask_or_locale() {
    let base = base("debian12-py311");
    let (here, channel) = need!(context_and_channel());
    let lines = ["python=3.6", "mlpack-greeter", "links", "same-path-left", "same-path-right"];
    let first = packaged(&here, &base, &[channel.address("main")], &lines).digest();
    let (mut there, _) = need!(context_and_channel());
    for (name, value) in [("TZ", "Asia/Tokyo"), ("LANG", "de_DE.UTF-8"), ("USER", "somebody")] {
        there.set(name, value);
    }
    let args = project(&there, &base, &[channel.address("main")], &lines);
    let script = r#"umask 077; exec "$0" "$@""#;
    let mut command = there.program("sh", &["-c", script, env!("CARGO_BIN_EXE_mlpack")]);
    command.args(&args).args(["--output", "oci:out", "--quiet"]);
    assert_eq!(there.answer(command, "").digest(), first);
}

#[test]
fn a_run_killed_during_download_is_repaired_by_the_next() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let served = channel.serve(ChannelAuth::Open);
    served.hold();
    let mut args = project(&context, &base, &[served.address("main")], &["python=3.6"]);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    let mut child = context.command(&args).stderr(std::process::Stdio::null()).spawn().unwrap();
    served.wait_for(|requests| requests.iter().any(|line| line.contains("python-3.6")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!context.path("out").exists());
    let digest = packaged(
        &context,
        &base,
        &[channel.serve(ChannelAuth::Open).address("main")],
        &["python=3.6"],
    );
    digest.digest();
    let left = pending(&context.root().join("cache"));
    assert!(left.is_empty(), "{left:?}");
}

/// Files that were never finished.
fn pending(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(pending(&entry.path()));
        } else if entry.file_name().to_string_lossy().starts_with(".mlpack-pending") {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn two_at_once_share_a_cache() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let served = channel.serve(ChannelAuth::Open);
    served.hold();
    let args = project(&context, &base, &[served.address("main")], &["python=3.6", "links"]);
    let start = |out: &str| {
        let mut command = context.command(&args);
        command.args(["--quiet", "--output", out]);
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    // The first waits in the middle of an archive until the second has read the index.
    let one = start("oci:one");
    served.wait_for(|requests| requests.iter().any(|line| is_archive(line)));
    let before = served.requests().len();
    let two = start("oci:two");
    served.wait_for(|requests| requests[before..].iter().any(|line| !is_archive(line)));
    served.release();
    let said = [one, two].map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().rsplit('@').next().unwrap().to_owned()
    });
    assert_eq!(said[0], said[1]);
    let mut archives = served.requests();
    archives.retain(|line| is_archive(line));
    let all = archives.len();
    archives.sort();
    archives.dedup();
    assert_eq!(archives.len(), all, "an archive was fetched twice: {:?}", served.requests());
}

fn is_archive(request: &str) -> bool {
    request.contains(".conda ") || request.contains(".tar.bz2 ")
}
