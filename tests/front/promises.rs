//! What is printed can be used, and what lies about is not believed by its name.

use std::fs;
use std::time::Duration;

use snapbox::str;

use crate::kit::{World, base, registry};
use crate::need;

fn to(world: &World, base: &str, output: &str) -> Vec<String> {
    [world.project(base), vec!["--output".to_owned(), output.to_owned()]].concat()
}

#[test]
fn a_printed_reference_is_read_back() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    for output in ["oci:out:v1", "oci-archive:out.tar", "docker-archive:docker.tar:name:v1"] {
        let printed = world.mlpack(&to(&world, &base, output)).ok().to_owned();
        let digest = printed.rsplit('@').next().unwrap();
        let seen = world.mlpack(&["inspect", &printed, "--format", "json"]).json();
        assert!([&seen["digest"], &seen["imageId"]].contains(&&digest.into()), "{printed}");
        let again = world.mlpack(&["copy", &printed, "oci:copy:v1"]);
        again.ok();
        let into = world.mlpack(&["copy", "oci:out:v1", &printed]);
        assert_eq!(into.code, 1, "nothing is put under a digest: {}", into.stderr);
    }
}

#[test]
fn a_platform_that_is_not_there_is_said() {
    let base = need!(base("debian12-py311"));
    World::bare().mlpack(&["check", &base, "--policy", "current", "--platform", "linux/arm64"]).is(
        str![[r#"
--- stderr
error: oci:[BASES]/debian12-py311 has no image for linux/arm64; it has linux/amd64
hint: add one of the existing tags after the path, as in `oci:DIR:TAG`, or choose another `--platform`
--- exit code 1

"#]],
    );
}

#[test]
fn a_damaged_cache_is_made_again() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline()).own_cache();
    let digest = world.mlpack(&to(&world, &base, "oci:one")).digest();
    let blobs = world.root().join("cache/layers/blobs");
    for entry in fs::read_dir(&blobs).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(world.mlpack(&to(&world, &base, "oci:two")).digest(), digest);
    // Reading a copy to its end holds each of its layers to its digest.
    world.mlpack(&["copy", "oci:two", "oci-archive:two.tar"]).ok();
}

/// The base's registry wants a login of its own, which Docker's file has; the one of the flags is
/// for the output's registry and must not be tried on it.
#[test]
fn a_login_is_for_one_registry() {
    let base = need!(base("debian12-py311"));
    let (closed, open) = (need!(registry(true)), need!(registry(false)));
    let world = need!(World::offline());
    let remote = format!("{}/bases/python:v1", closed.host);
    let user = ["--username", "user", "--password-stdin"];
    world.mlpack_with(&[&["copy", &base, &remote], &user[..]].concat(), "secret\n").ok();
    let login = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#, closed.host);
    fs::create_dir(world.root().join("home/.docker")).unwrap();
    fs::write(world.root().join("home/.docker/config.json"), login).unwrap();
    let output = format!("{}/team/name:v1", open.host);
    let other = ["--username", "other", "--password-stdin"].map(str::to_owned);
    let args = [to(&world, &remote, &output), other.to_vec()].concat();
    world.mlpack_with(&args, "another secret\n").ok();
}

#[test]
fn a_model_that_nobody_wrote_to_is_not_read_again() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline()).own_cache();
    let args = to(&world, &base, "oci:out");
    // What was changed a moment before it was hashed may be changed again without a trace.
    std::thread::sleep(Duration::from_millis(2100));
    let digest = world.mlpack(&args).digest();
    let again = || world.answer(world.command(&args), "");
    let second = again();
    assert_eq!(second.digest(), digest);
    let unread = "model model:0: unchanged since it was hashed";
    assert!(second.stderr.contains(unread), "{}", second.stderr);
    // Its bytes are there all the same, for an output that has other ones or none.
    for entry in fs::read_dir(world.path("out/blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(1);
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(again().digest(), digest);
    world.mlpack(&["copy", "oci:out", "oci-archive:out.tar"]).ok();
    // Other bytes of the same length, and the old time put back.
    let model = world.path("model.bin");
    let time = fs::metadata(&model).unwrap().modified().unwrap();
    fs::write(&model, "a-model\n".repeat(100)).unwrap();
    fs::File::options().write(true).open(&model).unwrap().set_modified(time).unwrap();
    let third = again();
    assert_ne!(third.digest(), digest);
    assert!(!third.stderr.contains(unread), "{}", third.stderr);
}
