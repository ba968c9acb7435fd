//! What a malicious registry must not achieve.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use mlpack_http::ManualClock;
use mlpack_oci::{Platform, Reference, Silent};
use mlpack_registry::{ConnectionError, Error, RetryPolicy};

use crate::kit::{Action, Proxy, Registry, basic, client, has, image, login, read_all, settings};

#[tokio::test(flavor = "multi_thread")]
async fn the_login_is_not_sent_to_a_redirect_host() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let image = image(300, &[100, 5_000_000]);
    let direct: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    client(settings(dir.path())).push(&image, &direct, &[], &Silent).await.unwrap();

    // Azure redirects to a storage host for blobs, which refuses the registry's login.
    let storage = Proxy::start(&registry.host, false, |seen| {
        if seen.headers.contains_key("authorization") {
            return Action::Answer(403, Vec::new(), String::new());
        }
        Action::Pass
    })
    .await;
    let host = storage.host.clone();
    let front = Proxy::start(&registry.host, false, move |seen| {
        if !seen.headers.contains_key("authorization") {
            let challenge = vec![("www-authenticate", "Basic realm=\"x\"".to_owned())];
            return Action::Answer(401, challenge, String::new());
        }
        if seen.method == Method::GET && seen.is_blob() {
            let location = format!("http://{host}{}?sig=a%2Fb//c", seen.path);
            return Action::Answer(307, vec![("location", location)], String::new());
        }
        Action::Pass
    })
    .await;
    let mut with_login = settings(tempfile::tempdir().unwrap().path());
    with_login.credentials = login(&front.host, basic("user", "secret"));
    let behind: Reference = format!("{}/a:v1", front.host).parse().unwrap();
    let pulled = client(with_login).image(&behind, &Platform::linux_amd64()).await.unwrap();
    let digests: Vec<_> = image.layers.iter().map(|layer| layer.digest).collect();
    assert_eq!(read_all(&pulled).await, digests);
    assert_eq!(storage.seen().len(), 3);
    assert!(storage.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
    assert!(storage.seen().iter().all(|seen| seen.path.ends_with("?sig=a%2Fb//c")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_location_on_a_private_address_is_refused() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    for (location, kind) in [
        ("https://10.1.2.3/upload", "private"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("https://[fd00::1]/upload", "private"),
    ] {
        let proxy = Proxy::start(&registry.host, false, move |seen| match seen.method {
            Method::POST => {
                Action::Answer(202, vec![("location", location.to_owned())], String::new())
            }
            _ => Action::Pass,
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
        let pushed =
            client(settings(dir.path())).push(&image(310, &[100]), &target, &[], &Silent).await;
        let error = pushed.unwrap_err().to_string();
        assert!(error.contains(kind) && error.contains("refusing to follow"), "{error}");
    }
}

/// Behind a proxy, registries often name an address that only they know.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_where_the_registry_sent_it_says_so() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere =
        Proxy::start(&registry.host, false, |_| Action::Answer(401, Vec::new(), String::new()))
            .await;
    for (location, reason) in [
        (format!("http://{unused}/v2/a?sig=secret"), "cannot connect to "),
        // TLS where there is none.
        (format!("https://{}/v2/a", registry.host), "connection to "),
        ("http://registry.internal/v2/a".to_owned(), "refusing plain HTTP to "),
        (format!("http://{}/v2/a", elsewhere.host), ""),
    ] {
        let origin = location.split("/v2").next().unwrap().to_owned();
        let proxy = Proxy::start(&registry.host, false, move |seen| match seen.method {
            Method::POST => {
                Action::Answer(202, vec![("location", location.clone())], String::new())
            }
            _ => Action::Pass,
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
        let mut settings = settings(dir.path());
        settings.retry = RetryPolicy::default();
        let clock = ManualClock::new();
        settings.clock = Arc::new(clock.clone());
        let pushed = client(settings).push(&image(310, &[100]), &target, &[], &Silent).await;
        let error = pushed.unwrap_err();
        let said = format!("{} sent the upload to {origin} (its Location header): ", proxy.host);
        let rest = error.to_string();
        let rest = rest.strip_prefix(&said).unwrap_or_else(|| panic!("{error}"));
        assert!(rest.starts_with(reason) && !rest.contains("secret"), "{rest}");
        assert!(error.hint().unwrap().contains("`http.host`"));
        let waited: Duration = clock.sleeps().iter().sum();
        assert!(waited < Duration::from_secs(10), "{waited:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_a_download_to_a_private_address_is_refused() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let image = image(320, &[100]);
    let direct: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    client(settings(dir.path())).push(&image, &direct, &[], &Silent).await.unwrap();
    let proxy = Proxy::start(&registry.host, false, |seen| match seen.method {
        Method::GET if seen.is_blob() => {
            let to = "https://192.168.0.1/x".to_owned();
            Action::Answer(307, vec![("location", to)], String::new())
        }
        _ => Action::Pass,
    })
    .await;
    let behind: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let other = tempfile::tempdir().unwrap();
    let error = client(settings(other.path())).image(&behind, &Platform::linux_amd64()).await;
    assert!(matches!(
        error.unwrap_err(),
        Error::Connection(ConnectionError::PrivateTarget { kind: "private", .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_manifest_is_not_read() {
    let endless = "x".repeat(5 << 20);
    let proxy = Proxy::start("127.0.0.1:1", false, move |_| {
        Action::Answer(200, Vec::new(), endless.clone())
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let read = client(settings(dir.path())).image(&target, &Platform::linux_amd64()).await;
    let error = read.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("manifest in {} is too large: 5242880 bytes, the limit is 4194304", proxy.host)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_another_kind_or_digest_is_refused() {
    let text = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
    let proxy = Proxy::start("127.0.0.1:1", false, move |_| {
        let kind = "application/vnd.oci.image.index.v1+json".to_owned();
        Action::Answer(200, vec![("content-type", kind)], text.to_owned())
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let platform = Platform::linux_amd64();
    let read = |reference: String| {
        let client = client(settings(dir.path()));
        let platform = platform.clone();
        async move {
            let reference: Reference = reference.parse().unwrap();
            client.image(&reference, &platform).await.unwrap_err().to_string()
        }
    };
    let error = read(format!("{}/a:v1", proxy.host)).await;
    assert!(
        error.contains("the content type is") && error.contains("but the manifest says"),
        "{error}"
    );
    let wanted = mlpack_oci::Digest::of(b"other");
    let error = read(format!("{}/a@{wanted}", proxy.host)).await;
    let found = mlpack_oci::Digest::of(text.as_bytes());
    assert_eq!(
        error,
        format!("digest mismatch for manifest of {}/a: expected {wanted}, got {found}", proxy.host)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_stores_other_bytes_is_caught() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let lie = mlpack_oci::Digest::of(b"lie");
    let proxy = Proxy::start(&registry.host, false, move |seen| match seen.method {
        Method::PUT if seen.path.contains("/manifests/") => {
            Action::Answer(201, vec![("docker-content-digest", lie.to_string())], String::new())
        }
        _ => Action::Pass,
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let image = image(330, &[100]);
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let error = client(settings(dir.path())).push(&image, &target, &[], &Silent).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "digest mismatch for manifest of {}/a: expected {}, got {lie}",
            proxy.host, image.digest
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_refused_for_other_machines() {
    let dir = tempfile::tempdir().unwrap();
    // An address that is not loopback; nothing listens there.
    let target: Reference = "192.0.2.1:5000/a:v1".parse().unwrap();
    let mut quick = settings(dir.path());
    quick.idle_timeout = std::time::Duration::from_millis(300);
    quick.retry.attempts = 0;
    let error = client(quick).image(&target, &Platform::linux_amd64()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Connection(
                ConnectionError::Broken { .. }
                    | ConnectionError::Unreachable { .. }
                    | ConnectionError::Silent { .. }
            )
        ),
        "{error}"
    );

    // A token server needs TLS too.
    let proxy = Proxy::start("127.0.0.1:1", false, |_| {
        let challenge = "Bearer realm=\"http://192.0.2.1/token\",service=\"x\"".to_owned();
        Action::Answer(401, vec![("www-authenticate", challenge)], String::new())
    })
    .await;
    let mut with_login = settings(dir.path());
    with_login.credentials = login(&proxy.host, basic("user", "secret"));
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let error = client(with_login).image(&target, &Platform::linux_amd64()).await.unwrap_err();
    assert_eq!(error.to_string(), "refusing plain HTTP to `192.0.2.1`");
}
