//! Proxies, and registries that cannot be reached.

use std::sync::Arc;
use std::time::Duration;

use mlpack_http::ManualClock;
use mlpack_oci::{Reference, Silent};
use mlpack_registry::{ConnectionError, Error, RetryPolicy};

use crate::kit::{Action, Proxy, Registry, client, has, image, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_unless_the_host_is_excepted() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host, false, |_| Action::Pass).await;
    let dir = tempfile::tempdir().unwrap();
    // A name that does not exist: only the proxy can reach it.
    let host = "registry.invalid:5000";
    let target: Reference = format!("{host}/a:v1").parse().unwrap();
    let mut settings = settings(dir.path());
    settings.insecure_registries.push(host.to_owned());
    settings.proxies.http = Some(format!("http://{}", proxy.host));
    client(settings.clone()).push(&image(700, &[5_000_000]), &target, &[], &Silent).await.unwrap();
    assert!(proxy.blob_bytes() > 5_000_000);

    settings.proxies.no_proxy = Some(".invalid".to_owned());
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::NameUnknown { .. })), "{error:?}");
    let named = format!("cannot resolve {host}: ");
    let reason = error.to_string().strip_prefix(&named).unwrap().to_owned();
    assert!(!reason.contains(':'), "more than the root cause: {reason}");
    assert_eq!(
        error.hint().unwrap(),
        "check the spelling of `registry.invalid` and the network, or set HTTPS_PROXY"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_host_is_given_up_within_two_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    drop(listener);
    let target: Reference = format!("{host}/a:v1").parse().unwrap();
    // With the default waits.
    let clock = ManualClock::new();
    let mut settings = settings(dir.path());
    settings.retry = RetryPolicy::default();
    settings.clock = Arc::new(clock.clone());
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert_eq!(clock.sleeps(), [300, 700].map(Duration::from_millis));
    assert_eq!(error.to_string(), format!("cannot connect to {host}: Connection refused"));
}

/// A registry that has answered before is being restarted, which takes longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_vanishes_is_waited_for() {
    if !has("docker-registry") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open();
    let target: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    let clock = ManualClock::new();
    let mut settings = settings(dir.path());
    settings.clock = Arc::new(clock.clone());
    let client = client(settings);
    client.push(&image(710, &[100]), &target, &[], &Silent).await.unwrap();
    let host = registry.host.clone();
    drop(registry);
    let error = client.resolve(&target).await.unwrap_err();
    assert_eq!(clock.sleeps().len(), 4);
    assert_eq!(error.to_string(), format!("connection to {host} failed: Connection refused"));
}
