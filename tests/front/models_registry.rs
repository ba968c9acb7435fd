//! Registered models in a registry, and many processes at once.

use std::{fs, thread};

use snapbox::str;

use crate::kit::{Registry, noise, registry};
use crate::models::{context, package};
use crate::need;

#[test]
fn ten_processes_get_ten_versions_on_disk_and_in_a_registry() {
    let context = context();
    context.write("m.pkl", "weights");
    let versions = |place: &str| {
        let mut versions: Vec<u64> = thread::scope(|scope| {
            let register = |_| {
                scope.spawn(|| {
                    let args = [
                        "model",
                        "register",
                        "-n",
                        "m",
                        "-p",
                        "m.pkl",
                        "--workspace",
                        place,
                        "--format",
                        "json",
                    ];
                    context.mlpack(&args).json()["version"].as_u64().unwrap()
                })
            };
            let running: Vec<_> = (0..10).map(register).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        versions.sort_unstable();
        assert_eq!(versions, (1..=10).collect::<Vec<_>>(), "{place}");
    };
    // The first of them makes the workspace.
    versions(".mlpack");
    let registry = need!(registry(false));
    versions(&format!("{}/models", registry.host));
    let workspace = format!("{}/models", registry.host);
    let args = ["model", "list", "--workspace", &workspace, "--query", "length(@)"];
    assert_eq!(context.mlpack(&args).ok(), "10");
    image_of_a_registered_model(&registry);
}

/// An image in the registry of the workspace gets the model's layer from there: no byte of it is sent again.
fn image_of_a_registered_model(registry: &Registry) {
    let mut context = context();
    context.name(&registry.host, "[HOST]");
    let place = format!("{}/team/models", registry.host);
    context.write("m.bin", noise(3 << 20));
    context.mlpack(&["model", "register", "-n", "Net", "-p", "m.bin", "--workspace", &place]).ok();
    let before = registry.log().len();
    let output = format!("{}/team/image:v1", registry.host);
    let built = package(&context, &["-m", "Net:1", "--workspace", &place], &output);
    built.ok();
    assert!(
        registry.since(before).contains("from=team%2Fmodels%2Fnet-"),
        "{}",
        registry.since(before)
    );
    context.mlpack(&["model", "download", "-i", "Net", "-t", "got", "--workspace", &place]).ok();
    assert!(fs::read(context.path("got/m.bin")).unwrap() == noise(3 << 20));
    context
        .mlpack(&["model", "update", "-i", "Net:1", "--alias", "best", "--workspace", &place])
        .ok();
    // An image of the workspace has it.
    package(&context, &["-m", "Net:1", "--workspace", &place], &format!("{place}/package:mine"))
        .ok();
    let delete = ["model", "delete", "-i", "Net@best", "--workspace", &place];
    context.mlpack(&delete).is(str![[r#"
--- stderr
error: model `Net:1` is used by image [HOST]/team/models/package:mine
hint: delete what uses it first (`mlpack service delete -n NAME`), or add `--force`
--- exit code 2

"#]]);
    context.mlpack(&[&delete[..], &["--force"]].concat()).ok();
    let args = [
        "model",
        "register",
        "-n",
        "Net",
        "-p",
        "m.bin",
        "--workspace",
        &place,
        "--query",
        "version",
    ];
    assert_eq!(context.mlpack(&args).ok(), "2");
}
