//! What is fetched of a base in a registry to tell its facts and to judge it, by the registry's count.

use snapbox::str;

use crate::kit::{TestContext, base, registry, relabel, served};
use crate::need;

/// Bytes of the layers of an image, the lowest `skip` left out.
fn layers(context: &TestContext, image: &str, skip: usize) -> u64 {
    let seen = context.mlpack(&["inspect", image, "--format", "json"]).json();
    let layers = seen["layers"].as_array().unwrap();
    layers[skip..].iter().map(|layer| layer["size"].as_u64().unwrap()).sum()
}

/// A layer is read once, and the second look costs one request.
#[test]
fn a_second_check_is_one_request_for_the_manifest() {
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let context = TestContext::bare().own_cache();
    let remote = format!("{}/bases/python:v1", registry.host);
    context.mlpack(&["push", &base, &remote]).ok();
    let check = ["check", &remote, "--policy", "current"];
    let before = registry.log().len();
    let first = context.mlpack(&check);
    let fetched = served(&registry.since(before));
    let size = layers(&context, &base, 0);
    assert!((size..size + 10_000).contains(&fetched), "{fetched} bytes of {size}");

    let before = registry.log().len();
    assert_eq!(context.mlpack(&check).ok(), first.ok());
    let log = registry.since(before);
    let requests: Vec<_> = log.lines().filter(|line| line.contains("response completed")).collect();
    assert!(requests.len() == 1 && requests[0].contains("/manifests/v1"), "{log}");
}

/// Of an image built on a known one only the layers above are fetched.
#[test]
fn only_layers_that_nobody_has_read_are_fetched() {
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let context = need!(TestContext::offline()).own_cache();
    let remote = format!("{}/team/name:v1", registry.host);
    let args = [context.project(&base), vec!["--output".to_owned(), remote.clone()]].concat();
    context.mlpack(&args).ok();
    let known = context.mlpack(&["inspect", &base, "--format", "json"]).json();
    let above = layers(&context, &remote, known["layers"].as_array().unwrap().len());
    let before = registry.log().len();
    context.mlpack(&["check", &remote, "--policy", "current"]).ok();
    let fetched = served(&registry.since(before));
    assert!((above..above + 10_000).contains(&fetched), "{fetched} bytes of {above}");
}

/// What the config decides is decided before a layer is fetched, for `check` and `package` alike.
#[test]
fn a_base_of_the_wrong_architecture_costs_no_layer() {
    let base = base("debian12-py311");
    let registry = need!(registry(false));
    let mut context = need!(TestContext::offline()).own_cache();
    context.name(&registry.host, "[HOST]");
    let copy = context.program("cp", &["-r", base.strip_prefix("oci:").unwrap(), "base"]);
    context.answer(copy, "").ok();
    relabel(&context.path("base"), "arm64");
    let remote = format!("{}/bases/arm:v1", registry.host);
    let platform = ["--platform", "linux/arm64"];
    context.mlpack(&[&["push", "oci:base", &remote][..], &platform].concat()).ok();

    let before = registry.log().len();
    let check = ["check", &remote, "--policy"];
    context.mlpack(&[&check[..], &["azureml-2019"], &platform].concat()).is(str![[r#"
[HOST]/bases/arm:v1@sha256:453b55a04028d98947e7a8da26a35342215661b93844bc6e0285c814872f584d

FACT          VALUE            READ FROM
architecture  arm64            0bb4c23c34d2 config architecture
user          root (none set)  0bb4c23c34d2 config User
entrypoint    python3          0bb4c23c34d2 config Entrypoint and Cmd

policy azureml-2019
?       os            not read     wanted ubuntu >=16.04
?       conda         not read     wanted >=4.5
?       python        not read     wanted 3.5 or 3.6
FAILED  architecture  found arm64  wanted amd64
architecture: Use the linux/amd64 variant of the base. Azure ML (2019) ran amd64 images only.
--- stderr
warning: `mlpack check [HOST]/bases/arm:v1` is now `mlpack base check [HOST]/bases/arm:v1`
error: the base image does not meet the policy `azureml-2019`: architecture
hint: use another base image, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
    let package = [
        context.project_under(&remote, "azureml-2019"),
        ["--output", "oci:out"].map(str::to_owned).to_vec(),
        platform.map(str::to_owned).to_vec(),
    ];
    context.mlpack(&package.concat()).is(str![[r#"
--- stderr
base image [HOST]/bases/arm:v1
?       os            not read     wanted ubuntu >=16.04
?       conda         not read     wanted >=4.5
?       python        not read     wanted 3.5 or 3.6
FAILED  architecture  found arm64  wanted amd64
architecture: Use the linux/amd64 variant of the base. Azure ML (2019) ran amd64 images only.
error: the base image does not meet the policy `azureml-2019`: architecture
hint: use another base image, ignore a requirement by name with --allow, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
    let fetched = served(&registry.since(before));
    assert!(fetched < 10_000, "{fetched} bytes, more than the config");

    // A policy that takes it asks for the rest.
    let before = registry.log().len();
    context.mlpack(&[&check[..], &["current"], &platform].concat()).ok();
    let (fetched, size) = (served(&registry.since(before)), layers(&context, &base, 0));
    assert!(fetched >= size, "{fetched} bytes of {size}");
}
