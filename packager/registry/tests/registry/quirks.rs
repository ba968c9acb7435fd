//! What single registries are known to do, each by name, on the wire before the real registry.

use std::sync::Mutex;
use std::time::Duration;

use axum::http::Method;
use mlpack_oci::{Digest, Image, Platform, Reference, Silent};
use mlpack_registry::{BlobOutcome, Pushed, Result, Settings};

use crate::kit::{Action, Proxy, Registry, Seen, client, has, image, read_all, settings};

const MIB: u64 = 1 << 20;

/// A registry behind a quirk, and a push of one image of 20 MB and some through it.
struct Case {
    registry: Registry,
    proxy: Proxy,
    settings: Settings,
    _dir: tempfile::TempDir,
}

impl Case {
    async fn new(keeps: bool, quirk: impl Fn(&Seen) -> Action + Send + Sync + 'static) -> Self {
        let registry = Registry::open();
        let proxy = Proxy::start(&registry.host, keeps, quirk).await;
        let dir = tempfile::tempdir().unwrap();
        Self { registry, proxy, settings: settings(dir.path()), _dir: dir }
    }

    fn target(&self) -> Reference {
        format!("{}/a:v1", self.proxy.host).parse().unwrap()
    }

    async fn push(&self, image: &Image) -> Result<Pushed> {
        client(self.settings.clone()).push(image, &self.target(), &[], &Silent).await
    }

    /// The image is whole in the registry itself.
    async fn check(&self, image: &Image) {
        let dir = tempfile::tempdir().unwrap();
        let direct: Reference = format!("{}/a:v1", self.registry.host).parse().unwrap();
        let platform = Platform::linux_amd64();
        let pulled = client(settings(dir.path())).image(&direct, &platform).await.unwrap();
        let expected: Vec<Digest> = image.layers.iter().map(|layer| layer.digest).collect();
        assert_eq!(read_all(&pulled).await, expected);
    }

    /// Content lengths of the PATCHes so far; `None` for a stream.
    fn patches(&self) -> Vec<Option<u64>> {
        let seen = self.proxy.seen();
        let patches = seen.iter().filter(|seen| seen.method == Method::PATCH);
        patches.map(length).collect()
    }
}

fn length(seen: &Seen) -> Option<u64> {
    seen.headers.get("content-length")?.to_str().unwrap().parse().ok()
}

fn refuse(status: u16, code: &str) -> Action {
    let text = format!(r#"{{"errors":[{{"code":"{code}","message":"quirk"}}]}}"#);
    Action::Answer(status, Vec::new(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn ghcr_refuses_patches_with_a_length_over_4_mib() {
    if !has("docker-registry") {
        return;
    }
    let mut case = Case::new(false, |seen| match length(seen) {
        Some(length) if seen.method == Method::PATCH && length > 4 * MIB => {
            refuse(416, "BLOB_UPLOAD_INVALID")
        }
        _ => Action::Pass,
    })
    .await;
    let image = image(100, &[20 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [None], "one stream is taken as it is");
    case.check(&image).await;

    // With chunks asked for, they shrink until they fit, and the next push knows.
    case.settings.chunk_size = Some(16 * MIB);
    case.proxy.forget();
    let image = super::kit::image(101, &[20 * MIB]);
    case.push(&image).await.unwrap();
    let of = |sizes: &[u64]| sizes.iter().map(|size| Some(size * MIB)).collect::<Vec<_>>();
    assert_eq!(case.patches(), of(&[16, 8, 4, 4, 4, 4, 4]));
    case.proxy.forget();
    let image = super::kit::image(102, &[8 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), of(&[4, 4]));
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ecr_answers_201_and_names_a_least_chunk() {
    if !has("docker-registry") {
        return;
    }
    let mut case = Case::new(false, |seen| match seen.method {
        Method::PATCH => Action::As(201),
        Method::POST => Action::With("oci-chunk-min-length", (5 * MIB).to_string()),
        _ => Action::Pass,
    })
    .await;
    case.settings.chunk_size = Some(MIB);
    let image = image(110, &[12 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [Some(5 * MIB), Some(5 * MIB), Some(2 * MIB)]);
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_takes_one_request_per_blob() {
    if !has("docker-registry") {
        return;
    }
    let cut = Mutex::new(true);
    let case = Case::new(true, move |seen| match seen.method {
        Method::PATCH if seen.headers.contains_key("content-range") => refuse(400, "UNSUPPORTED"),
        Method::PATCH if std::mem::take(&mut *cut.lock().unwrap()) => Action::CutUpload(3 * MIB),
        _ => Action::Pass,
    })
    .await;
    let image = image(120, &[9 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), [None, Some(6 * MIB), None], "cut, refused, begun anew");
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_forgets_the_session_of_a_retried_chunk() {
    if !has("docker-registry") {
        return;
    }
    // The second chunk breaks; whatever is asked of that session then is 404.
    let dead = Mutex::new(None::<String>);
    let mut case = Case::new(false, move |seen| {
        let id = seen.path.split('?').next().unwrap().to_owned();
        let mut dead = dead.lock().unwrap();
        if dead.as_ref() == Some(&id) {
            return refuse(404, "BLOB_UPLOAD_UNKNOWN");
        }
        if seen.method == Method::PATCH && seen.before == 1 {
            *dead = Some(id);
            return Action::CutUpload(MIB);
        }
        Action::Pass
    })
    .await;
    case.settings.chunk_size = Some(4 * MIB);
    let image = image(130, &[10 * MIB]);
    let pushed = case.push(&image).await.unwrap();
    assert_eq!(case.patches().len(), 2 + 3);
    let outcome = &pushed.blobs[0].outcome;
    assert!(matches!(outcome, BlobOutcome::Uploaded { resumed_at: 0, .. }), "{outcome:?}");
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_413_or_411_changes_the_way_of_sending() {
    if !has("docker-registry") {
        return;
    }
    // A front server that limits bodies to 16 MiB.
    let case = Case::new(false, |seen| match length(seen) {
        None if seen.method == Method::PATCH => refuse(413, "SIZE"),
        Some(length) if length > 16 * MIB => refuse(413, "SIZE"),
        _ => Action::Pass,
    })
    .await;
    let first = image(140, &[20 * MIB]);
    case.push(&first).await.unwrap();
    assert_eq!(case.patches(), [None, Some(16 * MIB), Some(4 * MIB)]);
    case.check(&first).await;

    // One that wants lengths and knows no PATCH.
    let case = Case::new(false, |seen| match seen.method {
        Method::PATCH => refuse(411, "LENGTH"),
        _ => Action::Pass,
    })
    .await;
    let image = image(141, &[20 * MIB]);
    case.push(&image).await.unwrap();
    case.check(&image).await;
    let puts = case.proxy.seen();
    let whole = puts.iter().filter(|s| s.method == Method::PUT && length(s) == Some(20 * MIB));
    assert_eq!(whole.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_waited_out_as_long_as_it_asks() {
    if !has("docker-registry") {
        return;
    }
    // Each method once, with an HTML page for a body.
    let case = Case::new(false, |seen| {
        if seen.before > 0 {
            return Action::Pass;
        }
        let wait = vec![("retry-after", "1".to_owned())];
        Action::AnswerLate(429, wait, "<html>Too many</html>".to_owned())
    })
    .await;
    let image = image(150, &[6 * MIB]);
    let started = tokio::time::Instant::now();
    case.push(&image).await.unwrap();
    // HEAD, POST and PATCH of the layer waited one after the other.
    assert!(started.elapsed() >= Duration::from_secs(3), "{:?}", started.elapsed());
    case.check(&image).await;

    let case = Case::new(false, |_| {
        Action::Answer(429, vec![("retry-after", "900".to_owned())], String::new())
    })
    .await;
    let error = case.push(&image).await.unwrap_err();
    assert_eq!(case.proxy.seen().len(), 1, "asking for more than we wait is final");
    assert_eq!(
        error.hint().unwrap(),
        format!(
            "wait 900 s, or `mlpack login {}`: a login often has a higher limit",
            case.proxy.host
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_503_here_and_there_is_retried() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_is_no_idle_line() {
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
async fn a_short_range_is_believed() {
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
async fn a_connection_cut_at_a_byte_goes_on_there() {
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
    assert_eq!(ranges, [None, Some(format!("bytes={at}-"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn distribution_loses_a_broken_session_and_the_blob_is_sent_anew() {
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
async fn ranges_may_be_ignored() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mount_becomes_an_upload() {
    if !has("docker-registry") {
        return;
    }
    for answer in [None, Some(405), Some(403), Some(404)] {
        let case = Case::new(false, move |seen| match answer {
            Some(status) if seen.path.contains("mount=") => refuse(status, "UNSUPPORTED"),
            None if seen.path.contains("mount=") => Action::Unmounted,
            _ => Action::Pass,
        })
        .await;
        let image = image(230, &[5 * MIB]);
        case.push(&image).await.unwrap();
        let other: Reference = format!("{}/b:v1", case.proxy.host).parse().unwrap();
        let run = client(case.settings.clone());
        case.proxy.forget();
        let pushed = run.push(&image, &other, &[], &Silent).await.unwrap();
        let sent = BlobOutcome::Uploaded { resumed_at: 0, sent: 5 * MIB };
        assert_eq!(pushed.blobs[0].outcome, sent, "{answer:?}");
        // The session of a 202 is used, no other is opened.
        let posts = case.proxy.count("POST");
        assert_eq!(posts, if answer.is_none() { 2 } else { 4 }, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_tag_may_be_pushed_again_but_not_moved() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |seen| match seen.method {
        Method::PUT if seen.path.ends_with("/manifests/v1") && seen.before > 3 => {
            refuse(409, "TAG_ALREADY_EXISTS")
        }
        _ => Action::Pass,
    })
    .await;
    let first = image(240, &[100]);
    case.push(&first).await.unwrap();
    case.push(&first).await.unwrap();
    case.push(&first).await.unwrap();
    let error = case.push(&image(241, &[100])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the tag `v1` of {}/a cannot be moved: status 409 TAG_ALREADY_EXISTS: quirk",
            case.proxy.host
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn locations_may_be_relative() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |_| Action::Relative).await;
    let image = image(250, &[6 * MIB, 100]);
    case.push(&image).await.unwrap();
    case.check(&image).await;
}
