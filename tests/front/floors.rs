//! The tiers of the crates: which one may depend on which, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

fn direct(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().map(|dependency| dependency.name.as_str())
}

#[test]
fn the_arrows_between_the_crates_are_these() {
    let metadata = metadata();
    let own = |name: &str| name == "mlpack" || name.starts_with("mlpack-");
    let arrows: BTreeMap<&str, BTreeSet<&str>> = metadata
        .packages
        .iter()
        .map(|package| (package.name.as_str(), direct(package).filter(|name| own(name)).collect()))
        .collect();
    let expected = [
        ("mlpack-oci", vec![]),
        ("mlpack-elf", vec![]),
        ("mlpack-cache", vec!["mlpack-oci"]),
        ("mlpack-http", vec![]),
        ("mlpack-registry", vec!["mlpack-http", "mlpack-oci"]),
        ("mlpack-engine", vec!["mlpack-oci"]),
        ("mlpack-cluster", vec![]),
        ("mlpack-azure", vec!["mlpack-http", "mlpack-oci"]),
        ("mlpack-documents", vec![]),
        // The program of an image and its embedding: no crate of the packager.
        ("mlpack-serve", vec![]),
        ("mlpack-serve-binary", vec![]),
        ("mlpack-requirements", vec!["mlpack-documents"]),
        ("mlpack-lock", vec!["mlpack-documents", "mlpack-oci", "mlpack-requirements"]),
        (
            "mlpack-packages",
            vec![
                "mlpack-documents",
                "mlpack-http",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-requirements",
            ],
        ),
        (
            "mlpack-source-build",
            vec![
                "mlpack-elf",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-requirements",
            ],
        ),
        (
            // Its tests install what they resolve.
            "mlpack-resolve",
            vec![
                "mlpack-documents",
                "mlpack-install",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-requirements",
                "mlpack-source-build",
            ],
        ),
        (
            "mlpack-install",
            vec![
                "mlpack-elf",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-requirements",
                "mlpack-source-build",
            ],
        ),
        (
            "mlpack-project",
            vec![
                "mlpack-documents",
                "mlpack-install",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-requirements",
            ],
        ),
        ("mlpack-host-base", vec!["mlpack-elf", "mlpack-oci", "mlpack-project"]),
        ("mlpack-models", vec!["mlpack-oci", "mlpack-registry"]),
        ("mlpack-model-source", vec!["mlpack-documents", "mlpack-http", "mlpack-oci"]),
        (
            "mlpack-deploy",
            vec![
                "mlpack-azure",
                "mlpack-cluster",
                "mlpack-documents",
                "mlpack-engine",
                "mlpack-oci",
            ],
        ),
        (
            "mlpack-workflow",
            vec![
                "mlpack-deploy",
                "mlpack-documents",
                "mlpack-engine",
                "mlpack-host-base",
                "mlpack-install",
                "mlpack-lock",
                "mlpack-model-source",
                "mlpack-models",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-project",
                "mlpack-registry",
                "mlpack-requirements",
                "mlpack-resolve",
                "mlpack-source-build",
            ],
        ),
        (
            "mlpack-fuzz",
            vec![
                "mlpack-deploy",
                "mlpack-documents",
                "mlpack-lock",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-project",
                "mlpack-requirements",
            ],
        ),
        (
            "mlpack",
            vec![
                "mlpack-cache",
                "mlpack-deploy",
                "mlpack-documents",
                "mlpack-lock",
                "mlpack-model-source",
                "mlpack-models",
                "mlpack-oci",
                "mlpack-packages",
                "mlpack-project",
                "mlpack-registry",
                "mlpack-requirements",
                "mlpack-serve-binary",
                "mlpack-workflow",
            ],
        ),
    ];
    let expected = expected.map(|(name, to)| (name, BTreeSet::from_iter(to)));
    assert_eq!(arrows, BTreeMap::from(expected));
}

/// Images and plans are made on disk alone; five crates of the packager reach the network, and the front door of images
/// serves it.
#[test]
fn only_some_crates_reach_the_network() {
    let metadata = metadata();
    let users = |crates: &[&str]| -> BTreeSet<String> {
        let knows = |package: &&Package| direct(package).any(|name| crates.contains(&name));
        metadata.packages.iter().filter(knows).map(|package| package.name.to_string()).collect()
    };
    let http = [
        "mlpack-azure",
        "mlpack-deploy",
        "mlpack-http",
        "mlpack-model-source",
        "mlpack-packages",
        "mlpack-registry",
        "mlpack-serve",
    ]
    .map(str::to_owned);
    assert_eq!(users(&["reqwest", "hyper", "ureq"]), BTreeSet::from(http));
    assert_eq!(users(&["bollard"]), BTreeSet::from(["mlpack-engine".to_owned()]));
    assert_eq!(users(&["kube"]), BTreeSet::from(["mlpack-cluster".to_owned()]));
}
