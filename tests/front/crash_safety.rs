//! What is printed can be used, and what lies about is not believed by its name.

use std::fs;
use std::time::Duration;

use snapbox::str;

use crate::kit::{TestContext, base, registry};
use crate::need;

fn to(context: &TestContext, base: &str, output: &str) -> Vec<String> {
    [context.project(base), vec!["--output".to_owned(), output.to_owned()]].concat()
}

#[test]
fn a_printed_reference_is_read_back() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    for output in ["oci:out:v1", "oci-archive:out.tar", "docker-archive:docker.tar:name:v1"] {
        let printed = context.mlpack(&to(&context, &base, output)).ok().to_owned();
        let digest = printed.rsplit('@').next().unwrap();
        let seen = context.mlpack(&["inspect", &printed, "--format", "json"]).json();
        assert!([&seen["digest"], &seen["imageId"]].contains(&&digest.into()), "{printed}");
        let again = context.mlpack(&["copy", &printed, "oci:copy:v1"]);
        again.ok();
        let into = context.mlpack(&["copy", "oci:out:v1", &printed]);
        assert_eq!(into.code, 1, "nothing is put under a digest: {}", into.stderr);
    }
}

#[test]
fn a_missing_platform_is_reported() {
    let base = base("debian12-py311");
    TestContext::bare().mlpack(&["check", &base, "--policy", "current", "--platform", "linux/arm64"]).is(
        str![[r#"
--- stderr
error: oci:[BASES]/debian12-py311 has no image for linux/arm64; it has linux/amd64
hint: name one of those that are there after the path, as in `oci:DIR:TAG`, or choose another --platform
--- exit code 1

"#]],
    );
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

/// The base's registry wants a login of its own, which Docker's file has; the one of the flags is
/// for the output's registry and must not be tried on it.
#[test]
fn flags_log_in_to_the_registry_of_the_output_only() {
    let base = base("debian12-py311");
    let (closed, open) = (need!(registry(true)), need!(registry(false)));
    let context = need!(TestContext::offline());
    let remote = format!("{}/bases/python:v1", closed.host);
    let user = ["--username", "user", "--password-stdin"];
    context.mlpack_with(&[&["copy", &base, &remote], &user[..]].concat(), "secret\n").ok();
    let login = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#, closed.host);
    fs::create_dir(context.root().join("home/.docker")).unwrap();
    fs::write(context.root().join("home/.docker/config.json"), login).unwrap();
    let output = format!("{}/team/name:v1", open.host);
    let other = ["--username", "other", "--password-stdin"].map(str::to_owned);
    let args = [to(&context, &remote, &output), other.to_vec()].concat();
    context.mlpack_with(&args, "another secret\n").ok();
}

#[test]
fn an_unchanged_model_is_not_hashed_again() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline()).own_cache();
    let args = to(&context, &base, "oci:out");
    // What was changed a moment before it was hashed may be changed again without a trace.
    std::thread::sleep(Duration::from_millis(2100));
    let digest = context.mlpack(&args).digest();
    let again = || context.answer(context.command(&args), "");
    let second = again();
    assert_eq!(second.digest(), digest);
    let unread = "model model:0: unchanged since it was hashed";
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
