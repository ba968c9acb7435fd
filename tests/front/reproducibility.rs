//! The same inputs give the same digest, whatever the directory, time, locale and user.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::kit::{TestContext, base, has, image, is_root};
use crate::need;

/// A project with every kind of thing whose order or mode a machine may choose.
fn arguments(context: &TestContext, base: &str) -> Vec<String> {
    let mut args = context.project(base);
    for name in ["b", "a", "c", "z/y/x", "ümlaut", "with space"] {
        context.write(&format!("folder/{name}"), name);
    }
    let link = context.path("folder/link");
    if !link.is_symlink() {
        symlink("a", link).unwrap();
    }
    args.extend(["-m", "folder:7=folder", "--output", "oci:out"].map(str::to_owned));
    args
}

fn open_to_all(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        let mode = if path.is_dir() { 0o777 } else { 0o666 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if path.is_dir() {
            open_to_all(&path);
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn from_another_directory_timezone_and_locale() {
    let base = base("debian12-py311");
    let (here, mut there) =
        (need!(TestContext::offline()), need!(TestContext::offline()).own_cache());
    there.set("TZ", "Asia/Tokyo");
    there.set("LANG", "de_DE.UTF-8");
    there.set("USER", "somebody");
    let first = here.mlpack(&arguments(&here, &base)).digest();
    assert_eq!(first, there.mlpack(&arguments(&there, &base)).digest());
    // Once more on top of what is there: nothing changes, not even on disk.
    let files = crate::kit::files(&there.path("out"));
    assert_eq!(first, there.mlpack(&arguments(&there, &base)).digest());
    assert_eq!(files, crate::kit::files(&there.path("out")));
}

#[test]
fn under_another_umask_and_on_one_core() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    if !has("taskset") {
        return;
    }
    let expected = context.mlpack(&arguments(&context, &base)).digest();
    let other = need!(TestContext::offline()).own_cache();
    let args = arguments(&other, &base);
    for name in ["score.py", "folder/a", "folder/z"] {
        let mode = if name.ends_with('z') { 0o700 } else { 0o600 };
        fs::set_permissions(other.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let script = r#"umask 077; exec taskset --cpu-list 0 "$0" "$@""#;
    let mut command = other.program("sh", &["-c", script, env!("CARGO_BIN_EXE_mlpack")]);
    command.args(&args).arg("--quiet");
    assert_eq!(expected, other.answer(command, "").digest());
    // What is written there is for its owner alone.
    for line in crate::kit::files(&other.path("out")) {
        let path = line.rsplit_once(' ').unwrap().0;
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path} has mode {mode:o}");
    }
}

#[test]
fn as_another_user() {
    let base = base("debian12-py311");
    if !is_root() || !has("setpriv") {
        return;
    }
    let context = need!(TestContext::offline());
    let expected = context.mlpack(&arguments(&context, &base)).digest();
    let mut other = need!(TestContext::offline()).own_cache();
    // Copies, for the other user may not look into the folders of this one.
    let copy = |from: &Path, name: &str| {
        let to = other.root().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        to
    };
    let program = copy(Path::new(env!("CARGO_BIN_EXE_mlpack")), "mlpack");
    let uv = copy(&crate::kit::uv().unwrap(), "uv");
    let tar = |dir: &str| {
        let script = format!("cp -r {dir} base && cp -r \"$UV_FIND_LINKS\" wheels");
        other.answer(other.program("sh", &["-c", &script]), "").ok();
    };
    tar(base.strip_prefix("oci:").unwrap());
    let args = arguments(&other, "oci:base");
    let wheels = other.path("wheels");
    other.set("UV_FIND_LINKS", wheels);
    other.set("MLPACK_UV", uv);
    open_to_all(&other.path(""));
    for dir in [other.root().to_owned(), other.root().join("home")] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let mut command = other.program("setpriv", &nobody);
    command.arg(&program).args(&args).arg("--quiet");
    assert_eq!(expected, other.answer(command, "").digest());
    // A user that no other test runs as, for the limit counts all threads of a user.
    if !has("prlimit") {
        return;
    }
    let mut refused = 0;
    // With a few more the program's children run out of them, and a shell among these waits and tries again for minutes.
    for threads in [1, 2, 3, 1000] {
        // The users before own it.
        let _ = fs::remove_dir_all(other.path("out"));
        let limit = format!("--nproc={threads}:{threads}");
        let user = ["setpriv", "--reuid", "64242", "--regid", "64242", "--clear-groups"];
        let mut command = other.program("prlimit", &[&[limit.as_str()], &user[..]].concat());
        command.arg(&program).args(&args).arg("--quiet").args(["--cache-dir", "../few"]);
        let answer = other.answer(command, "");
        if answer.code == 0 {
            assert_eq!(expected, answer.digest());
        } else {
            let reason = "Resource temporarily unavailable";
            assert!(answer.code == 1 && answer.stderr.contains(reason), "{}", answer.stderr);
            assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
            refused += 1;
        }
    }
    assert_eq!(refused, 3);
}

#[test]
fn source_date_epoch_changes_the_image_reproducibly() {
    let base = base("debian12-py311");
    let mut context = need!(TestContext::offline());
    let args = arguments(&context, &base);
    let usual = context.mlpack(&args).digest();
    context.set("SOURCE_DATE_EPOCH", "1700000000");
    let dated = context.mlpack(&args).digest();
    assert_ne!(usual, dated);
    assert_eq!(image(&context.path("out")).config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(dated, context.mlpack(&args).digest());
}

/// A new entry script sends kilobytes: every layer but the last is the one there was.
#[test]
fn a_new_entry_script_changes_only_the_last_layer() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let args = arguments(&context, &base);
    context.mlpack(&args).ok();
    let before = image(&context.path("out")).layers();
    let script = fs::read_to_string(context.path("score.py")).unwrap();
    context.write("score.py", script.replace("sum(", "max("));
    context.mlpack(&args).ok();
    let after = image(&context.path("out")).layers();
    let (last, rest) = after.split_last().unwrap();
    assert_eq!((rest, after.len()), (&before[..before.len() - 1], before.len()));
    assert_ne!(Some(last), before.last());
}
