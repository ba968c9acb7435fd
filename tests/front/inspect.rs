//! `mlpack inspect`: the contents of images, built by mlpack or by others.

use serde_json::{Value, json};
use snapbox::{file, str};

use crate::kit::{TestContext, base, blob_path, image, sha256};
use crate::need;

/// Returns a context with an image made by mlpack in `out`.
fn packaged() -> Option<TestContext> {
    let base = base("debian12-py311");
    let context = TestContext::offline()?;
    let mut args = context.project(&base);
    context.write("folder/a/b", "x".repeat(3000));
    args.extend(["-m", "folder:2=folder", "--ev", "A=b", "--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).ok();
    Some(context)
}

#[test]
fn an_image_of_mlpack() {
    let context = need!(packaged());
    context.mlpack(&["inspect", "oci:out"]).is(file!["golden/inspect-own.txt"]);
    let json = context.mlpack(&["inspect", "oci:out", "--format", "json"]);
    assert_eq!(json.json()["models"][0]["size"], 3000);
    json.is(file!["golden/inspect-own-json.txt"]);
}

#[test]
fn missing_layouts_and_a_value_before_the_image() {
    let base = base("debian12-py311");
    let context = TestContext::bare();
    let after = context.mlpack(&["inspect", &base, "--files"]);
    after.ok();
    assert_eq!(context.mlpack(&["inspect", "--files", &base]).stdout, after.stdout);
    context.mlpack(&["inspect", "oci:nowhere"]).is(str![[r#"
--- stderr
error: [TEMP]/work/nowhere does not exist
hint: name a folder that has an image, as `mlpack package --output oci:DIR` makes it
--- exit code 1

"#]]);
    context.write("folder/file", "x");
    context.mlpack(&["inspect", "oci:folder"]).is(str![[r#"
--- stderr
error: [TEMP]/work/folder is not an OCI image layout: it has no file `oci-layout`
hint: name a folder that has an image, as `mlpack package --output oci:DIR` makes it
--- exit code 1

"#]]);
}

/// Manifest and config, as the contract lays them out.
#[test]
fn manifest_and_config() {
    let context = need!(packaged());
    let mut image = image(&context.path("out"));
    // What inspect tells, as one line of JSON.
    let labels = image.config["config"]["Labels"].as_object_mut().unwrap();
    assert!(labels.shift_remove("org.mlpack.image").is_some());
    let manifest = serde_json::to_string_pretty(&image.manifest).unwrap();
    let config = serde_json::to_string_pretty(&image.config["config"]).unwrap();
    context.normalized(&format!("{manifest}\n{config}\n")).is(file!["golden/documents.txt"]);
    // Scanners align history and layers (image-spec config.md, "history").
    let history = image.config["history"].as_array().unwrap();
    let filled = history.iter().filter(|entry| entry["empty_layer"] != true).count();
    let diff_ids = image.config["rootfs"]["diff_ids"].as_array().unwrap().len();
    assert_eq!((filled, diff_ids), (image.layers().len(), image.layers().len()));
}

#[test]
fn files_of_the_layers() {
    let context = need!(packaged());
    let count = image(&context.path("out")).layers().len();
    let all = context.mlpack(&["inspect", "oci:out", "--files"]);
    let lines = all.ok().lines().count();
    let last = context.mlpack(&["inspect", "oci:out", "--files", &count.to_string()]);
    assert!(last.ok().lines().count() < lines);
    last.is(file!["golden/files-code.txt"]);
    let by_digest = &image(&context.path("out")).layers()[count - 2];
    context
        .mlpack(&["inspect", "oci:out", "--files", &by_digest[..19]])
        .is(file!["golden/files-model.txt"]);
    let none = context.mlpack(&["inspect", "oci:out", "--files", "99"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""), "{}", none.stderr);
}

#[test]
fn the_largest_files() {
    let context = need!(packaged());
    let sizes = context.mlpack(&["inspect", "oci:out", "--sizes", "--format", "json"]).json();
    let of = |list: &str, name: &str| {
        let list = sizes[list].as_array().unwrap().iter();
        list.clone().find(|entry| entry[0] == name).map(|entry| entry[1].as_u64().unwrap())
    };
    assert!(of("directories", "/usr") > of("directories", "/usr/local"), "{sizes}");
    assert!(of("packages", "core-1.0.dist-info").unwrap() > 100, "{sizes}");
    assert!(context.mlpack(&["inspect", "oci:out", "--sizes"]).ok().contains("DIRECTORY"));
}

#[test]
fn a_foreign_image() {
    let base = base("ubuntu18-miniconda-py36");
    TestContext::bare().mlpack(&["inspect", &base]).is(file!["golden/inspect-foreign.txt"]);
}

/// Writes a document as a blob of the layout `out` and gives its descriptor.
fn blob(context: &TestContext, kind: &str, document: &Value) -> Value {
    let bytes = document.to_string();
    let digest = sha256(bytes.as_bytes());
    std::fs::write(blob_path(&context.path("out"), &digest), &bytes).unwrap();
    json!({ "mediaType": kind, "digest": digest, "size": bytes.len() })
}

fn name(context: &TestContext, descriptor: &Value) {
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    context.write("out/index.json", index.to_string());
}

#[test]
fn an_index_of_an_index_is_followed() {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let context = need!(packaged());
    let inspect = || context.mlpack(&["inspect", "oci:out", "--format", "json"]);
    let digest = inspect().json()["digest"].clone();
    let text = std::fs::read_to_string(context.path("out/index.json")).unwrap();
    let mut descriptor = serde_json::from_str::<Value>(&text).unwrap()["manifests"][0].clone();
    for _ in 0..8 {
        descriptor =
            blob(&context, INDEX, &json!({ "schemaVersion": 2, "manifests": [descriptor] }));
        name(&context, &descriptor);
        assert_eq!(inspect().json()["digest"], digest);
    }
    descriptor = blob(&context, INDEX, &json!({ "schemaVersion": 2, "manifests": [descriptor] }));
    name(&context, &descriptor);
    context.mlpack(&["inspect", "oci:out"]).is(str![[r#"
--- stderr
error: invalid index in oci:[TEMP]/work/out: it refers to more than 8 others in a row
--- exit code 1

"#]]);
}

#[test]
fn what_is_no_image_is_named() {
    let context = need!(packaged());
    let config =
        blob(&context, "application/vnd.cncf.helm.config.v1+json", &json!({ "name": "chart" }));
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let chart = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [] });
    name(&context, &blob(&context, kind, &chart));
    context.mlpack(&["inspect", "oci:out"]).is(str![[r#"
--- stderr
error: invalid manifest in oci:[TEMP]/work/out: it is no image: its config is `application/vnd.cncf.helm.config.v1+json`
--- exit code 1

"#]]);
}
