//! The floors of the house: which crate may know which, from `cargo metadata`.

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
        ("mlpack-registry", vec!["mlpack-oci"]),
        ("mlpack-engine", vec!["mlpack-oci"]),
        ("mlpack-documents", vec![]),
        ("mlpack-requirements", vec!["mlpack-documents"]),
        ("mlpack-environment", vec!["mlpack-documents", "mlpack-oci", "mlpack-requirements"]),
        (
            "mlpack-project",
            vec!["mlpack-documents", "mlpack-environment", "mlpack-oci", "mlpack-requirements"],
        ),
        ("mlpack-host-base", vec!["mlpack-oci", "mlpack-project"]),
        ("mlpack-deploy", vec!["mlpack-documents", "mlpack-engine", "mlpack-oci"]),
        (
            "mlpack",
            vec![
                "mlpack-project",
                "mlpack-deploy",
                "mlpack-engine",
                "mlpack-environment",
                "mlpack-host-base",
                "mlpack-oci",
                "mlpack-registry",
                "mlpack-requirements",
            ],
        ),
    ];
    let expected = expected.map(|(name, to)| (name, BTreeSet::from_iter(to)));
    assert_eq!(arrows, BTreeMap::from(expected));
}

/// Images and plans are made on disk alone; the network has three doors.
#[test]
fn rooms_without_a_network_know_no_network() {
    let metadata = metadata();
    let doors = |crates: &[&str]| -> BTreeSet<String> {
        let knows = |package: &&Package| direct(package).any(|name| crates.contains(&name));
        metadata.packages.iter().filter(knows).map(|package| package.name.to_string()).collect()
    };
    let http = ["mlpack-deploy", "mlpack-environment", "mlpack-registry"].map(str::to_owned);
    assert_eq!(doors(&["reqwest", "hyper", "ureq"]), BTreeSet::from(http));
    assert_eq!(doors(&["bollard"]), BTreeSet::from(["mlpack-engine".to_owned()]));
}
