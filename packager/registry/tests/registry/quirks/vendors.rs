//! What particular registries require or refuse.

use std::sync::Mutex;

use axum::http::Method;
use mlpack_oci::{Reference, Silent};
use mlpack_registry::BlobOutcome;

use super::{Case, MIB, length, reason, refuse};
use crate::kit::{Action, client, has, image};

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
    assert_eq!(case.patches(), [None], "one stream is accepted");
    case.check(&image).await;

    // With chunks asked for, they shrink until they fit, and the next push knows.
    case.settings.chunk_size = Some(16 * MIB);
    case.proxy.forget();
    let image = crate::kit::image(101, &[20 * MIB]);
    case.push(&image).await.unwrap();
    let of = |sizes: &[u64]| sizes.iter().map(|size| Some(size * MIB)).collect::<Vec<_>>();
    assert_eq!(case.patches(), of(&[16, 8, 4, 4, 4, 4, 4]));
    case.proxy.forget();
    let image = crate::kit::image(102, &[8 * MIB]);
    case.push(&image).await.unwrap();
    assert_eq!(case.patches(), of(&[4, 4]));
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_whose_first_chunk_is_refused_goes_in_one_stream() {
    if !has("docker-registry") {
        return;
    }
    let large = 256 * MIB + 1;
    let case = Case::new(false, |seen| match length(seen) {
        Some(length) if seen.method == Method::PATCH && length > 4 * MIB => {
            refuse(416, "BLOB_UPLOAD_INVALID")
        }
        _ => Action::Pass,
    })
    .await;
    let first = image(103, &[large]);
    case.push(&first).await.unwrap();
    assert_eq!(case.patches(), [Some(64 * MIB), None]);
    case.check(&first).await;
    // Another run: the strategy is on disk.
    case.proxy.forget();
    case.push(&image(104, &[large])).await.unwrap();
    assert_eq!(case.patches(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_goes_in_chunks_of_64_mib() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |_| Action::Pass).await;
    let image = image(105, &[256 * MIB + 1, 256 * MIB]);
    case.push(&image).await.unwrap();
    let mut patches = case.patches();
    patches.sort_unstable();
    let chunk = Some(64 * MIB);
    assert_eq!(patches, [None, Some(1), chunk, chunk, chunk, chunk]);
    case.check(&image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ecr_answers_201_and_names_a_minimum_chunk() {
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
async fn a_repository_that_must_be_created_first_has_a_hint() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |seen| match seen.method {
        Method::POST => Action::Answer(
            404,
            vec![("x-amzn-requestid", "1-2-3".to_owned())],
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#.to_owned(),
        ),
        _ => Action::Pass,
    })
    .await;
    let error = case.push(&image(115, &[100])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "repository `{}/a` does not exist: status 404 NAME_UNKNOWN: no such repository (request id 1-2-3)",
            case.proxy.host
        )
    );
    assert_eq!(error.hint().unwrap(), "create it first in the registry, or choose another name");
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
    assert_eq!(case.patches(), [None, Some(6 * MIB), None], "cut, refused, from scratch");
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
async fn a_413_or_411_changes_the_strategy() {
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

    // One that requires lengths and does not support PATCH.
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

/// A server that refuses by the headers alone closes the connection on the body, and its answer may
/// be lost with it: a broken connection then, which is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_may_come_before_the_body_was_read() {
    if !has("docker-registry") {
        return;
    }
    let case = Case::new(false, |seen| match length(seen) {
        None if seen.method == Method::PATCH => Action::Answer(413, Vec::new(), reason("SIZE")),
        Some(length) if length > 16 * MIB => Action::Answer(413, Vec::new(), reason("SIZE")),
        _ => Action::Pass,
    })
    .await;
    let image = image(145, &[40 * MIB]);
    case.push(&image).await.unwrap();
    case.check(&image).await;
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
            "tag `v1` of `{}/a` cannot be moved to another image: status 409 TAG_ALREADY_EXISTS: quirk",
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
