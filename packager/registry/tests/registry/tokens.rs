//! Token authentication against the real registry, with a token server of the tests.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use mlpack_http::ManualClock;
use mlpack_oci::{Digest, Platform, Reference, Silent};
use mlpack_registry::{AuthError, BlobOutcome, ContentError, Credentials, Error};

use crate::kit::{
    Action, Proxy, TokenContext, basic, client, has, image, login, read_all, settings,
};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_fetched_once_per_scope() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    let writer = context.client(basic("writer", "secret"));
    let image = image(400, &[100, 200, 300, 400, 5_000_000]);
    writer.push(&image, &context.reference("public"), &[], &Silent).await.unwrap();
    assert_eq!(context.tokens.requests(), ["GET /oauth2/token repository:public:pull,push"]);

    // A mount asks for both repositories in one token, the push first.
    writer.push(&image, &context.reference("team/app"), &[], &Silent).await.unwrap();
    assert_eq!(
        context.tokens.requests()[1..],
        [
            "GET /oauth2/token repository:team/app:pull,push",
            "GET /oauth2/token repository:team/app:pull,push repository:public:pull",
        ]
    );

    let nobody = context.client(Credentials::Anonymous);
    let platform = Platform::linux_amd64();
    let pulled = nobody.image(&context.reference("public"), &platform).await.unwrap();
    assert_eq!(read_all(&pulled).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_a_separate_error_and_hint() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    let host = &context.registry.host;
    let image = image(410, &[100]);
    let target = context.reference("team/app");
    let push = async |credentials| {
        context.client(credentials).push(&image, &target, &[], &Silent).await.unwrap_err()
    };
    let nobody = push(Credentials::Anonymous).await;
    assert!(
        matches!(nobody, Error::Auth(AuthError::LoginNeeded { action: "push", .. })),
        "{nobody:?}"
    );
    assert_eq!(nobody.hint().unwrap(), format!("log in first: `mlpack login {host}`"));

    let wrong = push(basic("writer", "not-it")).await;
    assert!(matches!(wrong, Error::Auth(AuthError::WrongCredentials { .. })), "{wrong:?}");
    assert_eq!(
        wrong.to_string(),
        format!("{host} rejected the credentials of user `writer`: status 401 UNAUTHORIZED: no")
    );
    assert!(!format!("{wrong:?}").contains("not-it"));

    let reader = push(basic("reader", "secret")).await;
    assert!(
        matches!(reader, Error::Auth(AuthError::Denied { action: "push", anonymous: false, .. })),
        "{reader:?}"
    );

    let writer = context.client(basic("writer", "secret"));
    writer.push(&image, &target, &[], &Silent).await.unwrap();
    let platform = Platform::linux_amd64();
    let missing: Reference = format!("{host}/team/app:v9").parse().unwrap();
    let missing = writer.image(&missing, &platform).await.unwrap_err();
    assert!(matches!(missing, Error::Content(ContentError::ImageMissing { .. })), "{missing:?}");
    let nowhere = writer.image(&context.reference("nowhere"), &platform).await.unwrap_err();
    assert!(
        matches!(
            nowhere,
            Error::Content(
                ContentError::ImageMissing { .. } | ContentError::RepositoryMissing { .. }
            )
        ),
        "{nowhere:?}"
    );
    writer.check_login(host, basic("writer", "secret")).await.unwrap();
    let bad = writer.check_login(host, basic("writer", "no")).await.unwrap_err();
    assert!(matches!(bad, Error::Auth(AuthError::WrongCredentials { .. })), "{bad:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_without_the_right_to_its_source_becomes_an_upload() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    let writer = context.client(basic("writer", "secret"));
    let image = image(420, &[5_000_000]);
    let hidden = context.reference("hidden");
    writer.push(&image, &hidden, &[], &Silent).await.unwrap();
    let team = context.client(basic("team", "secret"));
    let pulled = writer.image(&hidden, &Platform::linux_amd64()).await.unwrap();
    let pushed = team.push(&pulled, &context.reference("team/app"), &[], &Silent).await.unwrap();
    let sent = BlobOutcome::Uploaded { resumed_at: 0, sent: 5_000_000 };
    assert_eq!(pushed.blobs[0].outcome, sent);
}

/// Token servers limit requests as registries do.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_says_429_is_asked_again() {
    let proxy = Proxy::start("127.0.0.1:1", false, |seen| {
        let host = seen.headers["host"].to_str().unwrap();
        match seen.path.split('?').next().unwrap() {
            "/token" if seen.before < 2 => {
                Action::Answer(429, vec![("retry-after", "1".to_owned())], String::new())
            }
            "/token" => Action::Answer(200, Vec::new(), r#"{"token":"t"}"#.to_owned()),
            _ if seen.headers.contains_key("authorization") => {
                let digest = Digest::of(b"x").to_string();
                Action::Answer(200, vec![("docker-content-digest", digest)], String::new())
            }
            _ => {
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"x\"");
                Action::Answer(401, vec![("www-authenticate", challenge)], String::new())
            }
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let reference: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let clock = ManualClock::new();
    let mut settings = settings(dir.path());
    settings.clock = Arc::new(clock.clone());
    assert_eq!(client(settings).resolve(&reference).await.unwrap(), Digest::of(b"x"));
    assert_eq!(clock.sleeps(), [Duration::from_secs(1); 2]);
    let lines = proxy.lines();
    assert_eq!(lines.iter().filter(|line| line.ends_with("/token")).count(), 3, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_in_mid_upload_renews_the_token_and_goes_on() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    let realm = context.tokens.realm();
    // The login runs out with the second chunk.
    let proxy = Proxy::start(&context.registry.host, false, move |seen| match seen.method {
        Method::PATCH if seen.before == 1 => {
            let challenge =
                format!("Bearer realm=\"{realm}\",service=\"test\",error=\"invalid_token\"");
            Action::AnswerLate(401, vec![("www-authenticate", challenge)], String::new())
        }
        _ => Action::Pass,
    })
    .await;
    let mut settings = settings(context.dir.path());
    settings.credentials = login(&proxy.host, basic("writer", "secret"));
    settings.chunk_size = Some(4 << 20);
    let image = image(440, &[10 << 20]);
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    client(settings).push(&image, &target, &[], &Silent).await.unwrap();
    let requests = context.tokens.requests();
    assert_eq!(requests, vec!["GET /oauth2/token repository:a:pull,push"; 2]);
    let patches: Vec<_> = proxy
        .seen()
        .iter()
        .filter(|seen| seen.method == Method::PATCH)
        .map(|seen| seen.headers["content-range"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(patches, ["0-4194303", "4194304-8388607", "4194304-8388607", "8388608-10485759"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_token_that_is_refused_points_at_the_clock() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    let realm = context.tokens.realm();
    let proxy = Proxy::start(&context.registry.host, false, move |_| {
        let challenge =
            format!("Bearer realm=\"{realm}\",service=\"test\",error=\"invalid_token\"");
        Action::Answer(401, vec![("www-authenticate", challenge)], String::new())
    })
    .await;
    let mut settings = settings(context.dir.path());
    settings.credentials = login(&proxy.host, basic("writer", "secret"));
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::TokenRefused { .. })), "{error:?}");
    assert!(error.hint().unwrap().contains("clocks"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_before_they_expire() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(false).await;
    context.tokens.set_life(60);
    let clock = ManualClock::new();
    let mut settings = settings(context.dir.path());
    settings.credentials = login(&context.registry.host, basic("writer", "secret"));
    settings.clock = Arc::new(clock.clone());
    let (writer, image) = (client(settings), image(450, &[100]));
    let target = context.reference("a");
    let requests = async || {
        writer.plan_push(&image, &target).await.unwrap();
        context.tokens.requests().len()
    };
    assert_eq!(requests().await, 1);
    // A fifth of the lifetime is left.
    clock.advance(Duration::from_secs(47));
    assert_eq!(requests().await, 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(requests().await, 2);
}
