//! The plain pull and push, against a real registry.

use snapbox::str;

use crate::kit::{World, base, registry};
use crate::need;

fn arguments(world: &World, base: &str, output: &str) -> Vec<String> {
    [world.project(base), vec!["--output".to_owned(), output.to_owned()]].concat()
}

#[test]
fn anybody_pushes_and_pulls() {
    let base = need!(base("debian12-py311"));
    let registry = need!(registry(false));
    let world = need!(World::offline());
    let digest = world.mlpack(&arguments(&world, &base, "oci:out")).digest();
    let name = format!("{}/team/name", registry.host);
    let tagged = format!("{name}:v1");
    let pushed = world.mlpack(&arguments(&world, &base, &tagged));
    assert_eq!(pushed.ok(), format!("{name}@{digest}"));

    // Looking into it takes manifest and at most the config, no layer.
    let before = registry.log().len();
    let seen = world.mlpack(&["inspect", &tagged, "--format", "json"]).json();
    assert_eq!(
        (&seen["digest"], &seen["mlpack"]),
        (&digest.as_str().into(), &env!("CARGO_PKG_VERSION").into())
    );
    let log = registry.log();
    let fetched =
        log[before..].lines().filter(|line| line.contains("GET /v2/team/name/blobs/")).count();
    assert!(fetched <= 1, "{}", &log[before..]);

    // A second push sends no layer again.
    let before = registry.log().len();
    assert_eq!(world.mlpack(&arguments(&world, &base, &tagged)).digest(), digest);
    let log = registry.log();
    assert!(!log[before..].contains("PATCH /v2/"), "{}", &log[before..]);

    // Pinned by digest it is found without its tag, and it may be a base.
    let pinned = format!("{name}@{digest}");
    world.mlpack(&["inspect", &pinned]).ok();
    let answer =
        world.mlpack(&["check", &pinned, "--policy", "current", "--format", "json"]).json();
    assert_eq!(answer["passed"], true);
}

/// A base in a registry is named in the image, with its digest, and its layers are not pulled to
/// be pushed back to where they are.
#[test]
fn a_base_in_a_registry_is_named() {
    let base = need!(base("debian12-py311"));
    let registry = need!(registry(false));
    let world = need!(World::offline());
    let remote = format!("{}/bases/python:v1", registry.host);
    if !crate::kit::has("skopeo") {
        return;
    }
    let target = format!("docker://{remote}");
    let copy = [
        "--insecure-policy",
        "copy",
        "--dest-tls-verify=false",
        "--preserve-digests",
        &base,
        &target,
    ];
    world.answer(world.program("skopeo", &copy), "").ok();
    let output = format!("{}/team/name:v1", registry.host);
    let pushed = world.mlpack(&arguments(&world, &remote, &output)).digest();
    let seen = world.mlpack(&["inspect", &output, "--format", "json"]).json();
    assert_eq!(
        (&seen["digest"], &seen["base"]["name"]),
        (&pushed.as_str().into(), &remote.as_str().into())
    );
    let local = world.mlpack(&["inspect", &base, "--format", "json"]).json();
    assert_eq!(seen["base"]["digest"], local["digest"]);
    let uploads = registry
        .log()
        .lines()
        .filter(|line| line.contains("mount=sha256") && line.contains("201"))
        .count();
    assert!(uploads > 0, "no layer of the base was mounted");
}

#[test]
fn a_login_is_asked_for_and_taken() {
    let base = need!(base("debian12-py311"));
    let registry = need!(registry(true));
    let mut world = need!(World::offline());
    world.call(&registry.host, "[HOST]");
    let output = format!("{}/team/name:v1", registry.host);
    let args = arguments(&world, &base, &output);
    world.mlpack(&args).is(str![[r#"
--- stderr
error: [HOST] wants a login for push of `team/name`: status 401
hint: log in first: `mlpack login [HOST]`
--- exit code 1

"#]]);
    let user = |name: &str| {
        [args.clone(), ["--username", name, "--password-stdin"].map(str::to_owned).to_vec()]
            .concat()
    };
    let answer = world.mlpack_with(&user("user"), "wrong\n");
    assert!(!answer.stderr.contains("wrong"), "{}", answer.stderr);
    answer.is(str![[r#"
--- stderr
error: [HOST] refused the credentials of user `user`: status 401
hint: check user and password, then `mlpack login [HOST]`
--- exit code 1

"#]]);
    let digest = world.mlpack_with(&user("user"), "secret\n").digest();
    // As `docker login` stores it.
    let login = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#, registry.host);
    std::fs::create_dir(world.root().join("home/.docker")).unwrap();
    std::fs::write(world.root().join("home/.docker/config.json"), login).unwrap();
    assert_eq!(world.mlpack(&args).digest(), digest);
    let seen = world.mlpack(&["inspect", &output, "--format", "json"]).json();
    assert_eq!(seen["digest"], digest.as_str());
    let nothing = format!("{}/team/nothing:v1", registry.host);
    world.mlpack(&["inspect", &nothing]).is(str![[r#"
--- stderr
error: [HOST]/team/nothing has no image `v1`: status 404 MANIFEST_UNKNOWN: manifest unknown
hint: check tag and digest; `skopeo list-tags docker://[HOST]/team/nothing` shows the tags
--- exit code 1

"#]]);
}
