//! The forms an image can have in a registry: Docker's and the OCI's, alone or in an index, with
//! foreign layers.

use axum::http::Method;
use mlpack_oci::spec::MediaType;
use mlpack_oci::{Digest, Image, Platform, Reference, Silent};
use mlpack_registry::{BlobAction, BlobOutcome, ContentError, Error};
use serde_json::{Value, json};

use crate::kit::{Action, Proxy, Registry, client, foreign_image, has, image, read_all, settings};

fn digests(image: &Image) -> Vec<Digest> {
    image.layers.iter().map(|layer| layer.digest).collect()
}

/// The same image as Docker writes it: the same blobs, another manifest.
fn as_docker(image: &Image) -> String {
    let mut manifest: Value = serde_json::from_slice(&image.manifest_bytes).unwrap();
    manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json".into();
    manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json".into();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip".into();
    }
    manifest.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_and_oci_manifests_and_indexes_are_read() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let (wanted, other) = (image(800, &[1000, 20]), image(801, &[50]));
    for image in [&wanted, &other] {
        let target: Reference = format!("{}/a:oci", registry.host).parse().unwrap();
        client.push(image, &target, &[], &Silent).await.unwrap();
    }
    let docker = (as_docker(&wanted), as_docker(&other));
    let docker_kind = "application/vnd.docker.distribution.manifest.v2+json";
    registry.put_manifest("a", "docker", docker_kind, &docker.0);
    registry.put_manifest("a", "docker-other", docker_kind, &docker.1);
    let oci_kind = "application/vnd.oci.image.manifest.v1+json";
    let entry = |kind: &str, bytes: &[u8], architecture: &str| {
        json!({"mediaType": kind, "digest": Digest::of(bytes).to_string(), "size": bytes.len(),
               "platform": {"os": "linux", "architecture": architecture}})
    };
    for (tag, kind, first, second) in [
        (
            "oci-index",
            "application/vnd.oci.image.index.v1+json",
            entry(oci_kind, &other.manifest_bytes, "arm64"),
            entry(oci_kind, &wanted.manifest_bytes, "amd64"),
        ),
        (
            "docker-list",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            entry(docker_kind, docker.1.as_bytes(), "arm64"),
            entry(docker_kind, docker.0.as_bytes(), "amd64"),
        ),
    ] {
        let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": [first, second]});
        registry.put_manifest("a", tag, kind, &index.to_string());
    }
    for tag in ["docker", "oci-index", "docker-list"] {
        let reference: Reference = format!("{}/a:{tag}", registry.host).parse().unwrap();
        let found = client.image(&reference, &Platform::linux_amd64()).await.unwrap();
        assert_eq!((found.id, read_all(&found).await), (wanted.id, digests(&wanted)), "{tag}");
    }
    let reference: Reference = format!("{}/a:oci-index", registry.host).parse().unwrap();
    let error = client.image(&reference, &"linux/s390x".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("linux/amd64"), "it lists the platforms: {error}");

    // The digest decides, not the tag beside it.
    let both = format!("{}/a:docker-other@{}", registry.host, wanted.digest);
    let found = client.image(&both.parse().unwrap(), &Platform::linux_amd64()).await.unwrap();
    assert_eq!(found.digest, wanted.digest);
}

/// A layer of Windows that only Microsoft may distribute is neither sent nor fetched from the
/// address in its descriptor.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_layers_are_kept_and_not_followed() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    // The registry refuses manifests with addresses unless its configuration allows them.
    let proxy = Proxy::start(&registry.host, false, |seen| match seen.method {
        Method::PUT if seen.path.contains("/manifests/") => {
            Action::AnswerLate(201, Vec::new(), String::new())
        }
        _ => Action::Pass,
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let image = foreign_image(810, 1000, "http://10.1.2.3/layer");
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let plan = client.plan_push(&image, &target).await.unwrap();
    assert_eq!(plan[0].action, BlobAction::Foreign);
    let pushed = client.push(&image, &target, &[], &Silent).await.unwrap();
    assert_eq!(pushed.blobs[0].outcome, BlobOutcome::Foreign);
    assert!(matches!(pushed.blobs[1].outcome, BlobOutcome::Uploaded { sent: 1000, .. }));
    let foreign = image.layers[0].digest.to_string();
    assert!(proxy.seen().iter().all(|seen| !seen.path.contains(&foreign)));

    let text = String::from_utf8(image.manifest_bytes.to_vec()).unwrap();
    let proxy = Proxy::start(&registry.host, false, move |seen| {
        if seen.method == Method::GET && seen.path.contains("/manifests/") {
            return Action::Answer(200, Vec::new(), text.clone());
        }
        Action::Pass
    })
    .await;
    let behind: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let pulled = client.image(&behind, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(pulled.manifest.layers()[0].urls().as_deref().unwrap(), ["http://10.1.2.3/layer"]);
    assert_eq!(
        *pulled.layers[0].descriptor.media_type(),
        MediaType::ImageLayerNonDistributableGzip
    );
    let opened = tokio::task::spawn_blocking(move || pulled.open(&pulled.layers[0]).map(drop));
    let error = opened.await.unwrap().unwrap_err().to_string();
    assert!(error.contains(&foreign), "{error}");
}

/// What is pulled is hashed, whatever the registry answered to the push.
#[tokio::test(flavor = "multi_thread")]
async fn a_config_of_other_bytes_or_too_many_is_refused() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let image = image(820, &[1000]);
    let direct: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    client(settings(dir.path())).push(&image, &direct, &[], &Silent).await.unwrap();
    let read = async |body: String| {
        let proxy = Proxy::start(&registry.host, false, move |seen| match seen.method {
            Method::GET if seen.is_blob() => Action::Answer(200, Vec::new(), body.clone()),
            _ => Action::Pass,
        })
        .await;
        let behind: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
        let other = tempfile::tempdir().unwrap();
        let platform = Platform::linux_amd64();
        client(settings(other.path())).image(&behind, &platform).await.unwrap_err()
    };
    let error = read("{}".to_owned()).await;
    assert!(
        matches!(error, Error::Content(ContentError::DigestMismatch { what: "config", .. })),
        "{error:?}"
    );
    let error = read("x".repeat(5 << 20)).await.to_string();
    assert!(error.ends_with("is too large: 5242880 bytes, the limit is 4194304"), "{error}");
}
