//! Plain pull and push, and that another client agrees.

use std::process::Command;

use mlpack_oci::{Digest, Image, Platform, Reference, Silent};
use mlpack_registry::{BlobAction, BlobOutcome, ConnectionError, Error};

use crate::kit::{
    Action, Authority, Proxy, Registry, basic, client, has, image, login, read_all, settings,
};

fn digests(image: &Image) -> Vec<Digest> {
    image.layers.iter().map(|layer| layer.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_pulled_and_skopeo_agrees() {
    if !has("docker-registry") || !has("skopeo") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let image = image(1, &[3_000_000, 9_000_000, 0, 17]);
    let target: Reference = format!("{}/team/app:v1", registry.host).parse().unwrap();
    let pushed = client.push(&image, &target, &["v2".to_owned()], &Silent).await.unwrap();
    assert_eq!(pushed.pinned.to_string(), format!("{}/team/app@{}", registry.host, image.digest));
    assert_eq!(pushed.bytes_sent, 12_000_017 + image.config_bytes.len() as u64,);

    let pulled = client.image(&target, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(pulled.digest, image.digest);
    assert_eq!(pulled.manifest_bytes, image.manifest_bytes);
    assert_eq!(read_all(&pulled).await, digests(&image));
    for tag in ["v1", "v2"] {
        let tagged = format!("{}/team/app:{tag}", registry.host).parse().unwrap();
        assert_eq!(client.resolve(&tagged).await.unwrap(), image.digest);
    }

    let copied = dir.path().join("copied");
    let status = Command::new("skopeo")
        .args(["copy", "--quiet", "--src-tls-verify=false"])
        .arg(format!("docker://{target}"))
        .arg(format!("dir:{}", copied.display()))
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(std::fs::read(copied.join("manifest.json")).unwrap(), &*image.manifest_bytes);

    // And what skopeo pushes we read.
    let other: Reference = format!("{}/by/skopeo:v1", registry.host).parse().unwrap();
    let status = Command::new("skopeo")
        .args(["copy", "--quiet", "--dest-tls-verify=false"])
        .arg(format!("dir:{}", copied.display()))
        .arg(format!("docker://{other}"))
        .status()
        .unwrap();
    assert!(status.success());
    let pulled = client.image(&other, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(read_all(&pulled).await, digests(&image));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_push_sends_nothing_and_another_repository_mounts() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host, false, |_| Action::Pass).await;
    let dir = tempfile::tempdir().unwrap();
    let image = image(10, &[5_000_000, 6_000_000]);
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let first = client(settings(dir.path()));
    first.push(&image, &target, &[], &Silent).await.unwrap();
    assert_eq!(proxy.blob_bytes(), 11_000_000 + image.config_bytes.len() as u64);
    // The manifest goes last, under its digest before its tag.
    let lines = proxy.lines();
    assert_eq!(
        lines[lines.len() - 2..],
        [format!("PUT /v2/a/manifests/{}", image.digest), "PUT /v2/a/manifests/v1".to_owned()]
    );
    assert_eq!(proxy.count("PUT"), 3 + 2, "three blobs before");

    proxy.forget();
    // Another run: nothing is in memory.
    let second = client(settings(dir.path()));
    let pushed = second.push(&image, &target, &[], &Silent).await.unwrap();
    assert!(pushed.blobs.iter().all(|blob| blob.outcome == BlobOutcome::Present));
    assert_eq!((proxy.blob_bytes(), pushed.bytes_sent), (0, 0));
    assert_eq!(
        proxy.lines(),
        [format!("HEAD /v2/a/manifests/{}", image.digest), "PUT /v2/a/manifests/v1".to_owned()]
    );

    proxy.forget();
    let other: Reference = format!("{}/b:v1", proxy.host).parse().unwrap();
    let plan = second.plan_push(&image, &other).await.unwrap();
    let mount = BlobAction::Mount { from: "a".to_owned() };
    assert!(plan.iter().all(|blob| blob.action == mount), "{plan:?}");
    let pushed = second.push(&image, &other, &[], &Silent).await.unwrap();
    let mounted = BlobOutcome::Mounted { from: "a".to_owned() };
    assert!(pushed.blobs.iter().all(|blob| blob.outcome == mounted), "{:?}", pushed.blobs);
    assert_eq!(proxy.blob_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_to_registry_streams_and_mounts() {
    if !has("docker-registry") {
        return;
    }
    let (one, two) = (Registry::open(), Registry::open());
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let image = image(20, &[7_000_000, 100]);
    let source: Reference = format!("{}/base:v1", one.host).parse().unwrap();
    client.push(&image, &source, &[], &Silent).await.unwrap();
    let pulled = client.image(&source, &Platform::linux_amd64()).await.unwrap();

    let copy: Reference = format!("{}/copy:v1", two.host).parse().unwrap();
    let pushed = client.push(&pulled, &copy, &[], &Silent).await.unwrap();
    assert_eq!(pushed.bytes_sent, 7_000_100 + image.config_bytes.len() as u64);
    let found = client.image(&copy, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(read_all(&found).await, digests(&image));

    // A new client only knows the image's origin.
    let fresh_dir = tempfile::tempdir().unwrap();
    let fresh = crate::kit::client(settings(fresh_dir.path()));
    let pulled = fresh.image(&source, &Platform::linux_amd64()).await.unwrap();
    let beside: Reference = format!("{}/app:v1", one.host).parse().unwrap();
    let pushed = fresh.push(&pulled, &beside, &[], &Silent).await.unwrap();
    let outcomes: Vec<_> = pushed.blobs.iter().map(|blob| blob.outcome.clone()).collect();
    let mounted = BlobOutcome::Mounted { from: "base".to_owned() };
    assert_eq!(outcomes, vec![mounted; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_by_a_given_authority_and_basic_login() {
    if !has("docker-registry") {
        return;
    }
    let authority = Authority::new();
    let registry = Registry::htpasswd(&authority);
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let target: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    let image = image(30, &[100, 5_000_000]);
    let mut with_ca = settings(dir.path());
    with_ca.ca_certs.push(ca);

    let unknown = client(settings(dir.path())).push(&image, &target, &[], &Silent).await;
    let unknown = unknown.unwrap_err();
    assert!(
        unknown
            .to_string()
            .starts_with(&format!("certificate of {} is not trusted", registry.host)),
        "{unknown}"
    );
    assert_eq!(
        unknown.hint().unwrap(),
        "pass the certificate of its authority with `--ca-cert FILE`"
    );

    let nobody = client(with_ca.clone()).push(&image, &target, &[], &Silent).await.unwrap_err();
    assert_eq!(nobody.hint().unwrap(), format!("log in first: `mlpack login {}`", registry.host));

    let mut wrong = with_ca.clone();
    wrong.credentials = login(&registry.host, basic("user", "wrong-secret"));
    let wrong = client(wrong).push(&image, &target, &[], &Silent).await.unwrap_err();
    assert!(
        wrong
            .to_string()
            .starts_with(&format!("{} rejected the credentials of user `user`: ", registry.host)),
        "{wrong}"
    );
    assert!(!format!("{wrong} {wrong:?}").contains("wrong-secret"));

    let mut right = with_ca;
    right.credentials = login(&registry.host, basic("user", "secret"));
    let right = client(right);
    right.check_login(&registry.host, basic("user", "secret")).await.unwrap();
    assert!(right.check_login(&registry.host, basic("user", "no")).await.is_err());
    right.push(&image, &target, &[], &Silent).await.unwrap();
    let pulled = right.image(&target, &Platform::linux_amd64()).await.unwrap();
    assert_eq!(read_all(&pulled).await, digests(&image));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_points_at_the_clock() {
    if !has("docker-registry") {
        return;
    }
    let authority = Authority::new();
    let registry = Registry::with_tls(&authority, 2020);
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let mut settings = settings(dir.path());
    settings.ca_certs.push(ca);
    let target: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::Certificate { .. })), "{error:?}");
    assert_eq!(
        error.hint().unwrap(),
        "the certificate is expired or not valid yet, or this machine's clock is wrong: check `date`"
    );
}

/// Callers may spawn any of the client's work on any thread.
#[tokio::test]
async fn the_work_can_be_spawned() {
    fn is_send(_: &impl Send) {}
    let dir = tempfile::tempdir().unwrap();
    let client = client(settings(dir.path()));
    let (image, target) = (image(40, &[1]), "127.0.0.1:1/a:v1".parse::<Reference>().unwrap());
    let platform = Platform::linux_amd64();
    is_send(&client.push(&image, &target, &[], &Silent));
    is_send(&client.plan_push(&image, &target));
    is_send(&client.image(&target, &platform));
    is_send(&client.resolve(&target));
}
