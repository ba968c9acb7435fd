//! Images as skopeo reads and copies them. `docker/images.rs` compares their files with umoci's.

use std::process::Command;

use crate::kit::{TestContext, base, blob_path, has, image, noise, registry};
use crate::need;

fn skopeo(context: &TestContext, args: &[&str]) -> Command {
    let mut command = context.program("skopeo", &["--insecure-policy"]);
    command.args(args);
    command
}

#[test]
fn skopeo_reads_and_copies_layouts() {
    if !has("skopeo") {
        return;
    }
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    // Does not compress, so it becomes a layer without compression, which tools must take too.
    context.write("model.bin", noise(3 << 20));
    args.extend(["--output".to_owned(), "oci:out:v1".to_owned()]);
    let digest = context.mlpack(&args).digest();
    let seen = context.answer(skopeo(&context, &["inspect", "oci:out:v1"]), "").json();
    assert_eq!(seen["Digest"], digest.as_str());
    let expected = context.mlpack(&["inspect", "oci:out:v1", "--format", "json"]).json();
    assert_eq!(
        (&seen["Env"], &seen["Labels"]["org.mlpack.port"]),
        (&expected["env"], &"5001".into())
    );
    let kinds: Vec<_> =
        expected["layers"].as_array().unwrap().iter().map(|layer| &layer["compression"]).collect();
    assert!(kinds.iter().any(|kind| *kind == "none"), "{kinds:?}");

    let remote = format!("{}/team/name:v1", registry.host);
    let target = format!("docker://{remote}");
    for (from, to) in [
        ("oci:out:v1", "oci-archive:copy.tar:v1"),
        ("oci-archive:copy.tar:v1", target.as_str()),
        (target.as_str(), "oci:back:v1"),
    ] {
        let copy = [
            "copy",
            "--dest-tls-verify=false",
            "--src-tls-verify=false",
            "--preserve-digests",
            "--dest-oci-accept-uncompressed-layers",
            from,
            to,
        ];
        context.answer(skopeo(&context, &copy), "").ok();
    }
    for place in ["oci-archive:copy.tar:v1", remote.as_str(), "oci:back:v1"] {
        let found = context.mlpack(&["inspect", place, "--format", "json"]).json();
        assert_eq!(
            (&found["digest"], &found["packages"]),
            (&expected["digest"], &expected["packages"]),
            "{place}"
        );
    }
    docker_archive(&base);
    image_of_a_registered_model();
}

/// skopeo reads the docker archive, which has layers as plain tars.
fn docker_archive(base: &str) {
    let context = TestContext::offline().unwrap();
    let mut args = context.project(base);
    args.extend(["--output".to_owned(), "docker-archive:out.tar:name:v1".to_owned()]);
    context.mlpack(&args).digest();
    context.answer(skopeo(&context, &["copy", "docker-archive:out.tar", "oci:copy:v1"]), "").ok();
    let seen = |place: &str| context.mlpack(&["inspect", place, "--format", "json"]).json();
    assert_eq!(seen("oci:copy:v1")["packages"], seen("docker-archive:out.tar")["packages"]);
    assert_eq!(seen("oci:copy:v1")["models"], seen("docker-archive:out.tar")["models"]);
}

/// The image that goes with each version of a model has its layer at the path that Kubernetes mounts.
fn image_of_a_registered_model() {
    let context = TestContext::bare().inheriting(&["PATH"]);
    context.write("m.bin", noise(1 << 20));
    context.mlpack(&["model", "register", "-n", "net", "-p", "m.bin"]).ok();
    let copy = ["copy", "--preserve-digests", "oci:.mlpack:net:1-image", "oci:copy:v1"];
    context.answer(skopeo(&context, &copy), "").ok();
    let layers = image(&context.path("copy")).layers();
    let [layer] = &layers[..] else { panic!("{layers:?}") };
    let blob = blob_path(&context.path("copy"), layer).display().to_string();
    let list = context.answer(context.program("tar", &["--list", "--file", &blob]), "");
    assert_eq!(
        list.ok().lines().collect::<Vec<_>>(),
        ["models/", "models/net/", "models/net/1/", "models/net/1/m.bin"]
    );
    // The same blob as in the workspace.
    assert!(blob_path(&context.path(".mlpack"), layer).is_file());
}
