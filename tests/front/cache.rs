//! `mlpack cache`, and which folders are a cache.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use snapbox::str;

use crate::kit::{TestContext, base};
use crate::need;

/// A context with a separate cache that a build has filled.
fn filled() -> Option<TestContext> {
    let base = base("debian12-py311");
    let mut context = TestContext::offline()?.own_cache();
    let args = context.project(&base);
    context.mlpack(&[&args[..], &["--output".to_owned(), "oci:out".to_owned()]].concat()).ok();
    context.name_pattern(r"[0-9a-f]{64}", "[DIGEST]");
    context.name_pattern(r"[0-9.]+ [kM]?B", "[SIZE]");
    context.name_pattern(r"  +", "  ");
    Some(context)
}

fn cache(context: &TestContext) -> std::path::PathBuf {
    context.root().join("cache")
}

/// Gives every file below a folder a time.
fn touch(path: &Path, time: SystemTime) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { touch(&path, time) } else { set(&path, time) }
    }
    set(path, time);
}

fn set(path: &Path, time: SystemTime) {
    let times = fs::FileTimes::new().set_accessed(time).set_modified(time);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn what_is_in_the_cache_is_shown_and_removed() {
    let context = need!(filled());
    context.mlpack(&["cache", "info"]).is(str![[r#"
[TEMP]/cache
KIND  ENTRIES  SIZE
indexes  5  [SIZE]
layers/blobs  1  [SIZE]
layers/environments  1  [SIZE]
layers/layers  1  [SIZE]
layers/models  1  [SIZE]
layers/parts  2  [SIZE]
layers/stamps  1  [SIZE]
wheels  1  [SIZE]
contents  1  [SIZE]
interpreters  1  [SIZE]
uv  1  [SIZE]
resolutions  1  [SIZE]
total  17  [SIZE]

"#]]);
    let json = context.mlpack(&["cache", "info", "--format", "json"]).json();
    let kinds = json["kinds"].as_array().unwrap().iter();
    let sum: u64 = kinds.map(|kind| kind["bytes"].as_u64().unwrap()).sum();
    assert_eq!(json["bytes"].as_u64(), Some(sum));
    assert_eq!(cache(&context).metadata().unwrap().permissions().mode() & 0o7777, 0o700);

    // Nothing is a month old: a change of times counts as use.
    touch(&cache(&context), SystemTime::now() - Duration::from_secs(90 * 24 * 3600));
    context.mlpack(&["cache", "prune"]).is(str![[r#"
[SIZE] removed, [SIZE] left

"#]]);
    context.mlpack(&["cache", "prune", "--max-size", "lots"]).is(str![[r#"
--- stderr
error: invalid value 'lots' for '--max-size <SIZE>': expected a size as in 20GB or 500MiB

For more information, try '--help'.
--- exit code 2

"#]]);
    context.mlpack(&["cache", "prune", "--max-size", "0"]).is(str![[r#"
REMOVED  ENTRIES  SIZE
indexes  5  [SIZE]
layers/blobs  1  [SIZE]
layers/environments  1  [SIZE]
layers/layers  1  [SIZE]
layers/models  1  [SIZE]
layers/parts  2  [SIZE]
layers/stamps  1  [SIZE]
wheels  1  [SIZE]
contents  1  [SIZE]
interpreters  1  [SIZE]
uv  1  [SIZE]
resolutions  1  [SIZE]
[SIZE] removed, [SIZE] left

"#]]);
    context.mlpack(&["cache", "info"]).is(str![[r#"
[TEMP]/cache
KIND  ENTRIES  SIZE
total  0  [SIZE]

"#]]);
    // Everything is made again.
    let args = context.project_arguments(&base("debian12-py311"), "current");
    context.mlpack(&[&args[..], &["--output".to_owned(), "oci:out".to_owned()]].concat()).ok();
}

#[test]
fn damaged_files_of_the_cache_are_removed() {
    let context = need!(filled());
    let blobs = cache(&context).join("layers/blobs");
    let blob = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    fs::write(&blob, "damaged").unwrap();
    context.mlpack(&["cache", "verify"]).is(str![[r#"
removed layers/blobs/[DIGEST]: damaged
2 files ([SIZE]) verified, 1 damaged

"#]]);
    assert!(!blob.exists());
    context.mlpack(&["cache", "verify"]).is(str![[r#"
1 file ([SIZE]) verified, 0 damaged

"#]]);
}

#[test]
fn what_a_running_mlpack_uses_is_not_removed() {
    let context = need!(filled());
    let lock = fs::File::open(cache(&context).join(".lock")).unwrap();
    lock.lock_shared().unwrap();
    let mut command = context.command(&["cache", "prune", "--max-size", "0"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut told, &mut line).unwrap();
    context
        .normalized(line.trim_end())
        .is(str!["[TEMP]/cache is used by another mlpack; waiting for its end"]);
    assert!(cache(&context).join("layers/blobs").read_dir().unwrap().next().is_some());
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert!(cache(&context).join("layers/blobs").read_dir().unwrap().next().is_none());
}

#[test]
fn other_folders_are_no_cache() {
    let mut context = TestContext::bare();
    context.set("MLPACK_CACHE_DIR", context.path("home"));
    context.mlpack(&["cache", "info"]).is(str![[r#"
[TEMP]/work/home
KIND   ENTRIES  SIZE
total  0        0 B

"#]]);
    assert!(!context.path("home").exists());
    context.write("home/thesis.tex", "x");
    for verb in [&["cache", "prune"][..], &["bases"]] {
        context.mlpack(verb).is(str![[r#"
--- stderr
error: [TEMP]/work/home is not a cache of mlpack: it contains `thesis.tex`
hint: name an empty or a new folder with --cache-dir or MLPACK_CACHE_DIR
--- exit code 1

"#]]);
    }
    context.set("MLPACK_CACHE_DIR", context.path("open"));
    fs::create_dir(context.path("open")).unwrap();
    fs::set_permissions(context.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    context.mlpack(&["bases"]).is(str![[r#"
--- stderr
error: the cache [TEMP]/work/open can be written by other users: its permissions are 0777
hint: name another folder with --cache-dir or MLPACK_CACHE_DIR; if its contents are trusted, `chown` it and `chmod go-w [TEMP]/work/open`
--- exit code 1

"#]]);
    assert_eq!(fs::read_dir(context.path("open")).unwrap().count(), 0);
}
