//! Outputs of `mlpack package` that need no network or engine: layouts and archives.

use std::fs;

use crate::kit::{TestContext, base, image};
use crate::need;

fn context_and_project() -> Option<(TestContext, Vec<String>)> {
    let base = base("debian12-py311");
    let context = TestContext::offline()?;
    let args = context.project(&base);
    Some((context, args))
}

fn to(args: &[String], output: &str) -> Vec<String> {
    [args, &["--output".to_owned(), output.to_owned()]].concat()
}

/// Standard output is the pinned reference alone, as it can be pasted back.
#[test]
fn every_output_holds_the_same_image() {
    let (context, args) = need!(context_and_project());
    let layout = context.mlpack(&to(&args, "oci:out:v1"));
    let digest = layout.digest();
    assert_eq!(layout.ok(), format!("oci:out@{digest}"));
    let archive = context.mlpack(&to(&args, "oci-archive:out.tar:v1"));
    assert_eq!(archive.ok(), format!("oci-archive:out.tar@{digest}"));
    let config = image(&context.path("out")).manifest["config"]["digest"].clone();
    let docker = context.mlpack(&to(&args, "docker-archive:docker.tar:name:v1"));
    assert!(docker.ok().starts_with("docker-archive:docker.tar@sha256:"), "{}", docker.stdout);
    for place in ["oci:out:v1", "oci-archive:out.tar:v1", "docker-archive:docker.tar:name:v1"] {
        let seen = context.mlpack(&["inspect", place, "--format", "json"]).json();
        assert_eq!(seen["imageId"], config, "{place}");
        assert_eq!(seen["models"][0]["name"], "model", "{place}");
        assert_eq!(seen["entryScript"], "score.py", "{place}");
        if !place.starts_with("docker") {
            assert_eq!(seen["digest"], digest.as_str(), "{place}");
        }
    }
}

#[test]
fn an_archive_is_replaced_whole() {
    let (context, args) = need!(context_and_project());
    context.write("out.tar", "something else");
    let first = context.mlpack(&to(&args, "oci-archive:out.tar")).digest();
    let bytes = fs::read(context.path("out.tar")).unwrap();
    assert_eq!(first, context.mlpack(&to(&args, "oci-archive:out.tar")).digest());
    assert!(bytes == fs::read(context.path("out.tar")).unwrap(), "other bytes the second time");
    // Nothing but the archive: no half-written file beside it.
    let mut names: Vec<_> =
        fs::read_dir(context.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["environment.yml", "inferenceconfig.json", "model.bin", "out.tar", "score.py"]
    );
}

#[test]
fn a_layout_keeps_what_other_tags_name() {
    let (context, args) = need!(context_and_project());
    let first = context.mlpack(&to(&args, "oci:out:v1")).digest();
    context.write("model.bin", "another model");
    let second = context.mlpack(&to(&args, "oci:out:v2")).digest();
    // A second name for the same image.
    assert_eq!(context.mlpack(&to(&args, "oci:out:v3")).digest(), second);
    let digest = |place: &str| {
        context.mlpack(&["inspect", place, "--format", "json"]).json()["digest"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(digest("oci:out:v1"), first);
    assert_eq!((digest("oci:out:v2"), digest("oci:out:v3")), (second.clone(), second));
}

/// The base may come as an archive too, and the same image is built on it.
#[test]
fn the_base_can_be_an_archive() {
    let (context, args) = need!(context_and_project());
    let direct = context.mlpack(&to(&args, "oci:out")).digest();
    let base = base("debian12-py311");
    let script = format!("tar cf base.tar -C {} .", base.strip_prefix("oci:").unwrap());
    context.answer(context.program("sh", &["-c", &script]), "").ok();
    let args = context.project("oci-archive:base.tar");
    assert_eq!(direct, context.mlpack(&to(&args, "oci:other")).digest());
}

#[test]
fn dry_run_writes_nothing() {
    let (context, mut args) = need!(context_and_project());
    args.push("--dry-run".to_owned());
    let before = crate::kit::files(&context.path(""));
    context.mlpack(&args).is(snapbox::file!["golden/plan.txt"]);
    assert_eq!(before, crate::kit::files(&context.path("")));
}

#[test]
fn a_printed_reference_is_read_back() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    for output in ["oci:out:v1", "oci-archive:out.tar", "docker-archive:docker.tar:name:v1"] {
        let printed = context.mlpack(&to(&context.project(&base), output)).ok().to_owned();
        let digest = printed.rsplit('@').next().unwrap();
        let seen = context.mlpack(&["inspect", &printed, "--format", "json"]).json();
        assert!([&seen["digest"], &seen["imageId"]].contains(&&digest.into()), "{printed}");
        let again = context.mlpack(&["copy", &printed, "oci:copy:v1"]);
        again.ok();
        let into = context.mlpack(&["copy", "oci:out:v1", &printed]);
        assert_eq!(into.code, 1, "nothing is put under a digest: {}", into.stderr);
    }
}
