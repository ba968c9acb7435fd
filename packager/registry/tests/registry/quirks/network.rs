//! What happens to requests and answers in transit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use mlpack_http::ManualClock;
use mlpack_oci::{Platform, Reference, Silent};

use super::{Case, MIB, refuse};
use crate::kit::{Action, Proxy, Registry, client, has, image, read_all, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_retried_after_the_wait_it_demands() {
    if !has("docker-registry") {
        return;
    }
    // Each method once, with an HTML page for a body.
    let mut case = Case::new(false, |seen| {
        if seen.before > 0 {
            return Action::Pass;
        }
        let wait = vec![("retry-after", "1".to_owned())];
        Action::AnswerLate(429, wait, "<html>Too many</html>".to_owned())
    })
    .await;
    let image = image(150, &[6 * MIB]);
    let clock = ManualClock::new();
    case.settings.clock = Arc::new(clock.clone());
    case.push(&image).await.unwrap();
    // HEAD, POST, PATCH, PUT, and the GET that queries the upload after the PATCH.
    assert_eq!(clock.sleeps(), [Duration::from_secs(1); 5]);
    case.check(&image).await;

    let case = Case::new(false, |_| {
        Action::Answer(429, vec![("retry-after", "900".to_owned())], String::new())
    })
    .await;
    let error = case.push(&image).await.unwrap_err();
    assert_eq!(case.proxy.seen().len(), 1, "a longer wait than the limit is final");
    assert_eq!(
        error.hint().unwrap(),
        format!("wait 900 s, or run `mlpack login {}` for a higher limit", case.proxy.host)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_occasional_503_is_retried() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(true, |seen| {
        if seen.before % 3 == 0 { refuse(503, "UNAVAILABLE") } else { Action::Pass }
    })
    .await;
    let image = image(160, &[6 * MIB, 5 * MIB]);
    case.push(&image).await.unwrap();
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_put_may_take_longer_than_a_connection_may_be_idle() {
    if !has("docker-registry") {
        return;
    }
    let mut case = Case::new(false, |seen| match seen.method {
        Method::PUT if seen.is_upload() => Action::Late(Duration::from_secs(3)),
        _ => Action::Pass,
    })
    .await;
    case.settings.idle_timeout = Duration::from_secs(1);
    let image = image(170, &[6 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches().len(), 1);
    case.check(&image).await;
}

/// However many layers there are, the registry is not flooded, and the longest uploads start first.
#[tokio::test(flavor = "multi_thread")]
async fn four_blobs_are_sent_at_once_and_the_largest_first() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |seen| match seen.method {
        Method::PATCH => Action::Late(Duration::from_millis(200)),
        _ => Action::Pass,
    })
    .await;
    let image = image(175, &[5, 12, 6, 11, 7, 10, 8, 9].map(|size| size * MIB));
    case.push(&image).await.unwrap();
    assert_eq!(case.proxy.most_at_once(), 4);
    let lines = case.proxy.lines();
    let looked = lines.iter().filter(|line| line.starts_with("HEAD") && line.contains("/blobs/"));
    let mut first: Vec<_> = looked.take(4).map(|line| &line[line.len() - 71..]).collect();
    let mut big = [1, 3, 5, 7].map(|layer: usize| image.layers[layer].digest.to_string());
    first.sort_unstable();
    big.sort_unstable();
    assert_eq!(first, big);
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_connection_is_not_an_idle_one() {
    if !has("docker-registry") {
        return;
    }
    let mut case = Case::new(false, |seen| match seen.method {
        Method::PATCH => Action::Slow(2 * MIB),
        Method::GET if seen.is_blob() => Action::Slow(2 * MIB),
        _ => Action::Pass,
    })
    .await;
    case.settings.idle_timeout = Duration::from_secs(1);
    let image = image(180, &[6 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches().len(), 1);
    let platform = Platform::linux_amd64();
    let pulled = client(case.settings.clone()).image(&case.target(), &platform).await.unwrap();
    assert_eq!(read_all(&pulled).await, [image.layers[0].digest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_registry_is_given_up() {
    if !has("docker-registry") {
        return;
    }
    let mut case = Case::new(false, |seen| match seen.method {
        Method::POST => Action::Late(Duration::from_secs(30)),
        _ => Action::Pass,
    })
    .await;
    case.settings.idle_timeout = Duration::from_secs(1);
    case.settings.retry.attempts = 1;
    let error = case.push(&image(185, &[6 * MIB])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no response from {} within 1 s to a request to start an upload", case.proxy.host)
    );
    assert_eq!(
        error.hint().unwrap(),
        "check the network; the same command continues where this one stopped"
    );
    assert!(case.proxy.count("POST") > 2, "each of the two blobs is tried once more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_shorter_than_sent_is_continued() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(true, |seen| match seen.method {
        Method::PATCH if seen.before == 0 => Action::Shorten(4 * MIB),
        _ => Action::Pass,
    })
    .await;
    let image = image(190, &[10 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [None, Some(6 * MIB)]);
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_resumed_at_the_byte() {
    if !has("docker-registry") {
        return;
    }
    let at = 3 * MIB + 12_345;
    let case = Case::new(true, move |seen| match seen.method {
        Method::PATCH if seen.before == 0 => Action::CutUpload(at),
        Method::GET if seen.is_blob() && !seen.headers.contains_key("range") => {
            Action::CutDownload(at)
        }
        _ => Action::Pass,
    })
    .await;
    let image = image(200, &[10 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [None, Some(10 * MIB - at)]);
    case.check(&image).await;

    case.proxy.forget();
    let platform = Platform::linux_amd64();
    let pulled = client(case.settings.clone()).image(&case.target(), &platform).await.unwrap();
    assert_eq!(read_all(&pulled).await, [image.layers[0].digest]);
    let seen = case.proxy.seen();
    let ranges: Vec<_> = seen
        .iter()
        .filter(|s| s.path.ends_with(&image.layers[0].digest.to_string()))
        .map(|seen| seen.headers.get("range").map(|range| range.to_str().unwrap().to_owned()))
        .collect();
    // A broken connection can lose bytes that had arrived already.
    let [None, Some(range)] = &ranges[..] else { panic!("{ranges:?}") };
    let start: u64 = range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap();
    assert!(start > 0 && start <= at, "{range}");
}

#[tokio::test(flavor = "multi_thread")]
async fn distribution_loses_a_broken_session_and_the_blob_is_sent_again() {
    if !has("docker-registry") {
        return;
    }
    // The real registry binds its session to an offset that a broken request spoils.
    let case = Case::new(false, |seen| match seen.method {
        Method::PATCH if seen.before == 0 => Action::CutUpload(3 * MIB),
        _ => Action::Pass,
    })
    .await;
    let image = image(210, &[10 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [None, None]);
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_ranges_is_read_from_the_start() {
    if !has("docker-registry") {
        return;
    }
    // A cut, and then a server that answers 200 with the whole blob.
    let registry = Registry::open();
    let dir = tempfile::tempdir().unwrap();
    let image = image(220, &[5 * MIB]);
    let direct: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    client(settings(dir.path())).push(&image, &direct, &[], &Silent).await.unwrap();
    let layer = image.layers[0].digest;
    let count = Mutex::new(0);
    let proxy = Proxy::start(&registry.host, false, move |seen| {
        if !seen.path.ends_with(&layer.to_string()) {
            return Action::Pass;
        }
        *count.lock().unwrap() += 1;
        if *count.lock().unwrap() == 1 { Action::CutDownload(MIB) } else { Action::Rangeless }
    })
    .await;
    let behind: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let other = tempfile::tempdir().unwrap();
    let platform = Platform::linux_amd64();
    let pulled = client(settings(other.path())).image(&behind, &platform).await.unwrap();
    assert_eq!(read_all(&pulled).await, [layer]);
}
