//! The plain pull and push, against a real registry.

use snapbox::str;

use crate::kit::{TestContext, base, registry};
use crate::need;

fn arguments(context: &TestContext, base: &str, output: &str) -> Vec<String> {
    [context.project(base), vec!["--output".to_owned(), output.to_owned()]].concat()
}

#[test]
fn push_and_pull_without_login() {
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let context = need!(TestContext::offline());
    let digest = context.mlpack(&arguments(&context, &base, "oci:out")).digest();
    let name = format!("{}/team/name", registry.host);
    let tagged = format!("{name}:v1");
    let pushed = context.mlpack(&arguments(&context, &base, &tagged));
    assert_eq!(pushed.ok(), format!("{name}@{digest}"));

    // Looking into it takes manifest and at most the config, no layer.
    let before = registry.log().len();
    let seen = context.mlpack(&["inspect", &tagged, "--format", "json"]).json();
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
    assert_eq!(context.mlpack(&arguments(&context, &base, &tagged)).digest(), digest);
    let log = registry.log();
    assert!(!log[before..].contains("PATCH /v2/"), "{}", &log[before..]);

    // Pinned by digest it is found without its tag, and it may be a base.
    let pinned = format!("{name}@{digest}");
    context.mlpack(&["inspect", &pinned]).ok();
    let answer =
        context.mlpack(&["check", &pinned, "--policy", "current", "--format", "json"]).json();
    assert_eq!(answer["passed"], true);
}

/// A base in a registry is named in the image, with its digest, and its layers are not pulled to
/// be pushed back to where they are.
#[test]
fn a_base_from_a_registry_is_recorded() {
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let context = need!(TestContext::offline());
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
    context.answer(context.program("skopeo", &copy), "").ok();
    let output = format!("{}/team/name:v1", registry.host);
    let pushed = context.mlpack(&arguments(&context, &remote, &output)).digest();
    let seen = context.mlpack(&["inspect", &output, "--format", "json"]).json();
    assert_eq!(
        (&seen["digest"], &seen["base"]["name"]),
        (&pushed.as_str().into(), &remote.as_str().into())
    );
    let local = context.mlpack(&["inspect", &base, "--format", "json"]).json();
    assert_eq!(seen["base"]["digest"], local["digest"]);
    let uploads = registry
        .log()
        .lines()
        .filter(|line| line.contains("mount=sha256") && line.contains("201"))
        .count();
    assert!(uploads > 0, "no layer of the base was mounted");
}

#[test]
fn login_is_requested_and_accepted() {
    let base = base("debian12-py311");
    let registry = need!(registry(true));
    let mut context = need!(TestContext::offline());
    context.name(&registry.host, "[HOST]");
    let output = format!("{}/team/name:v1", registry.host);
    let args = arguments(&context, &base, &output);
    context.mlpack(&args).is(str![[r#"
--- stderr
error: authentication required to push `[HOST]/team/name`: status 401
hint: log in first: `mlpack login [HOST]`
--- exit code 1

"#]]);
    let user = |name: &str| {
        [args.clone(), ["--username", name, "--password-stdin"].map(str::to_owned).to_vec()]
            .concat()
    };
    let answer = context.mlpack_with(&user("user"), "wrong\n");
    assert!(!answer.stderr.contains("wrong"), "{}", answer.stderr);
    answer.is(str![[r#"
--- stderr
error: [HOST] rejected the credentials of user `user`: status 401
hint: check the user name and password, then run `mlpack login [HOST]`
--- exit code 1

"#]]);
    let digest = context.mlpack_with(&user("user"), "secret\n").digest();
    // As `docker login` stores it.
    let login = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#, registry.host);
    std::fs::create_dir(context.root().join("home/.docker")).unwrap();
    std::fs::write(context.root().join("home/.docker/config.json"), login).unwrap();
    assert_eq!(context.mlpack(&args).digest(), digest);
    let seen = context.mlpack(&["inspect", &output, "--format", "json"]).json();
    assert_eq!(seen["digest"], digest.as_str());
    let nothing = format!("{}/team/nothing:v1", registry.host);
    context.mlpack(&["inspect", &nothing]).is(str![[r#"
--- stderr
error: no image `v1` in `[HOST]/team/nothing`: status 404 MANIFEST_UNKNOWN: manifest unknown
hint: check the tag or digest; `skopeo list-tags docker://[HOST]/team/nothing` lists the tags
--- exit code 1

"#]]);
}
