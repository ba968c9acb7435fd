//! Token authentication against the real registry, with a token server of the tests.

use std::sync::Arc;

use axum::http::Method;
use mlpack_oci::{Platform, Reference, Silent};
use mlpack_registry::{BlobOutcome, Client, Credentials, Error, Secret};

use crate::kit::{
    Action, Proxy, Registry, Signer, TokenServer, User, basic, client, has, image, login, read_all,
    settings,
};

struct House {
    tokens: TokenServer,
    registry: Registry,
    dir: tempfile::TempDir,
}

impl House {
    async fn new(azure: bool) -> Self {
        let signer = Arc::new(Signer::new());
        let right = |name: &str, rights: &str| (name.to_owned(), rights.to_owned());
        let user = |rights| User { password: "secret".to_owned(), rights };
        let users = [
            ("writer", user(vec![right("*", "pull,push")])),
            ("reader", user(vec![right("*", "pull")])),
            ("team", user(vec![right("team/app", "pull,push")])),
            ("", User { password: String::new(), rights: vec![right("public", "pull")] }),
        ];
        let tokens = TokenServer::start(signer.clone(), &users, azure).await;
        let registry = Registry::token(&tokens, &signer);
        Self { tokens, registry, dir: tempfile::tempdir().unwrap() }
    }

    fn client(&self, credentials: Credentials) -> Client {
        let mut settings = settings(self.dir.path());
        settings.credentials = login(&self.registry.host, credentials);
        // Each test's clients know nothing of each other.
        settings.state_dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        client(settings)
    }

    fn reference(&self, name: &str) -> Reference {
        format!("{}/{name}:v1", self.registry.host).parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_fetched_once_per_scope() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(false).await;
    let writer = house.client(basic("writer", "secret"));
    let image = image(400, &[100, 200, 300, 400, 5_000_000]);
    writer.push(&image, &house.reference("public"), &[], &Silent).await.unwrap();
    assert_eq!(house.tokens.requests(), ["GET /oauth2/token repository:public:pull,push"]);

    // A mount asks for both repositories in one token, the push first.
    writer.push(&image, &house.reference("team/app"), &[], &Silent).await.unwrap();
    assert_eq!(
        house.tokens.requests()[1..],
        [
            "GET /oauth2/token repository:team/app:pull,push",
            "GET /oauth2/token repository:team/app:pull,push repository:public:pull",
        ]
    );

    let nobody = house.client(Credentials::Anonymous);
    let platform = Platform::linux_amd64();
    let pulled = nobody.image(&house.reference("public"), &platform).await.unwrap();
    assert_eq!(read_all(&pulled).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_own_error_and_remedy() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(false).await;
    let host = &house.registry.host;
    let image = image(410, &[100]);
    let target = house.reference("team/app");
    let push = async |credentials| {
        house.client(credentials).push(&image, &target, &[], &Silent).await.unwrap_err()
    };
    let nobody = push(Credentials::Anonymous).await;
    assert!(matches!(nobody, Error::LoginNeeded { action: "push", .. }), "{nobody:?}");
    assert_eq!(nobody.hint().unwrap(), format!("log in first: `mlpack login {host}`"));

    let wrong = push(basic("writer", "not-it")).await;
    assert!(matches!(wrong, Error::WrongCredentials { .. }), "{wrong:?}");
    assert_eq!(
        wrong.to_string(),
        format!("{host} refused the credentials of user `writer`: status 401 UNAUTHORIZED: no")
    );
    assert!(!format!("{wrong:?}").contains("not-it"));

    let reader = push(basic("reader", "secret")).await;
    assert!(matches!(reader, Error::Denied { action: "push", anonymous: false, .. }), "{reader:?}");

    let writer = house.client(basic("writer", "secret"));
    writer.push(&image, &target, &[], &Silent).await.unwrap();
    let platform = Platform::linux_amd64();
    let missing: Reference = format!("{host}/team/app:v9").parse().unwrap();
    let missing = writer.image(&missing, &platform).await.unwrap_err();
    assert!(matches!(missing, Error::ImageMissing { .. }), "{missing:?}");
    let nowhere = writer.image(&house.reference("nowhere"), &platform).await.unwrap_err();
    assert!(
        matches!(nowhere, Error::ImageMissing { .. } | Error::RepositoryMissing { .. }),
        "{nowhere:?}"
    );
    writer.check_login(host, basic("writer", "secret")).await.unwrap();
    let bad = writer.check_login(host, basic("writer", "no")).await.unwrap_err();
    assert!(matches!(bad, Error::WrongCredentials { .. }), "{bad:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_without_the_right_to_its_source_becomes_an_upload() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(false).await;
    let writer = house.client(basic("writer", "secret"));
    let image = image(420, &[5_000_000]);
    let hidden = house.reference("hidden");
    writer.push(&image, &hidden, &[], &Silent).await.unwrap();
    let team = house.client(basic("team", "secret"));
    let pulled = writer.image(&hidden, &Platform::linux_amd64()).await.unwrap();
    let pushed = team.push(&pulled, &house.reference("team/app"), &[], &Silent).await.unwrap();
    let sent = BlobOutcome::Uploaded { resumed_at: 0, sent: 5_000_000 };
    assert_eq!(pushed.blobs[0].outcome, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_by_identity_token_zero_user_and_directory_token() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(true).await;
    let zero = "00000000-0000-0000-0000-000000000000";
    for (name, credentials, requests) in [
        ("a", Credentials::IdentityToken(Secret::new("refresh-writer")), 1),
        ("b", basic(zero, "refresh-writer"), 1),
    ] {
        let before = house.tokens.requests().len();
        let client = house.client(credentials);
        client.push(&image(430, &[100]), &house.reference(name), &[], &Silent).await.unwrap();
        let seen = house.tokens.requests()[before..].to_vec();
        assert_eq!(seen.len(), requests);
        assert_eq!(seen[0], format!("POST /oauth2/token repository:{name}:pull,push"));
    }
    let expired = house.client(Credentials::IdentityToken(Secret::new("old")));
    let error = expired.push(&image(431, &[9]), &house.reference("c"), &[], &Silent).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::WrongCredentials { .. }), "{error:?}");
}

/// The directory's token goes to `/oauth2/exchange` of the registry's own host, so here a proxy
/// is registry and token server in one, as Azure's is.
#[tokio::test(flavor = "multi_thread")]
async fn azure_exchanges_a_directory_token_at_the_registry_itself() {
    let proxy = Proxy::start("127.0.0.1:1", false, |seen| {
        let json = |text: &str| Action::AnswerLate(200, Vec::new(), text.to_owned());
        let host = seen.headers["host"].to_str().unwrap();
        match seen.path.split('?').next().unwrap() {
            "/oauth2/exchange" => json(r#"{"refresh_token":"r"}"#),
            "/oauth2/token" => json(r#"{"access_token":"t"}"#),
            _ if seen.headers.get("authorization").is_some_and(|value| value == "Bearer t") => {
                Action::Answer(200, Vec::new(), r#"{"tags":["v1"]}"#.to_owned())
            }
            _ => {
                let challenge = format!(
                    "Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\",scope=\"x\""
                );
                Action::Answer(401, vec![("www-authenticate", challenge)], String::new())
            }
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.credentials =
        login(&proxy.host, Credentials::AzureAccessToken(Secret::new("directory-writer")));
    let reference: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    assert_eq!(client(settings).tags(&reference).await.unwrap(), ["v1"]);
    assert_eq!(
        proxy.lines(),
        [
            "GET /v2/a/tags/list",
            "POST /oauth2/exchange",
            "POST /oauth2/token",
            "GET /v2/a/tags/list"
        ]
    );
}

/// Token servers limit requests as registries do, and are waited for in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_says_429_is_asked_again() {
    let proxy = Proxy::start("127.0.0.1:1", false, |seen| {
        let host = seen.headers["host"].to_str().unwrap();
        match seen.path.split('?').next().unwrap() {
            // The registry was asked before.
            "/token" if seen.before < 3 => {
                Action::Answer(429, vec![("retry-after", "1".to_owned())], String::new())
            }
            "/token" => Action::Answer(200, Vec::new(), r#"{"token":"t"}"#.to_owned()),
            _ if seen.headers.contains_key("authorization") => {
                Action::Answer(200, Vec::new(), r#"{"tags":["v1"]}"#.to_owned())
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
    let started = std::time::Instant::now();
    assert_eq!(client(settings(dir.path())).tags(&reference).await.unwrap(), ["v1"]);
    assert!(started.elapsed() >= std::time::Duration::from_secs(2));
    let lines = proxy.lines();
    assert_eq!(lines.iter().filter(|line| line.ends_with("/token")).count(), 3, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_in_mid_upload_renews_the_token_and_goes_on() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(false).await;
    let realm = house.tokens.realm();
    // The login runs out with the second chunk.
    let proxy = Proxy::start(&house.registry.host, false, move |seen| match seen.method {
        Method::PATCH if seen.before == 1 => {
            let challenge =
                format!("Bearer realm=\"{realm}\",service=\"test\",error=\"invalid_token\"");
            Action::AnswerLate(401, vec![("www-authenticate", challenge)], String::new())
        }
        _ => Action::Pass,
    })
    .await;
    let mut settings = settings(house.dir.path());
    settings.credentials = login(&proxy.host, basic("writer", "secret"));
    settings.chunk_size = Some(4 << 20);
    let image = image(440, &[10 << 20]);
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    client(settings).push(&image, &target, &[], &Silent).await.unwrap();
    let requests = house.tokens.requests();
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
    let house = House::new(false).await;
    let realm = house.tokens.realm();
    let proxy = Proxy::start(&house.registry.host, false, move |_| {
        let challenge =
            format!("Bearer realm=\"{realm}\",service=\"test\",error=\"invalid_token\"");
        Action::Answer(401, vec![("www-authenticate", challenge)], String::new())
    })
    .await;
    let mut settings = settings(house.dir.path());
    settings.credentials = login(&proxy.host, basic("writer", "secret"));
    let target: Reference = format!("{}/a:v1", proxy.host).parse().unwrap();
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::TokenRefused { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("clocks"));
}

#[tokio::test(flavor = "multi_thread")]
async fn short_lived_tokens_are_renewed_before_they_run_out() {
    if !has("docker-registry") {
        return;
    }
    let house = House::new(false).await;
    house.tokens.set_life(1);
    let writer = house.client(basic("writer", "secret"));
    let target = house.reference("a");
    writer.push(&image(450, &[100]), &target, &[], &Silent).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let before = house.tokens.requests().len();
    writer.resolve(&target).await.unwrap();
    writer.push(&image(451, &[100]), &target, &[], &Silent).await.unwrap();
    assert!(house.tokens.requests().len() > before);
    // The registry itself never had to refuse one that had run out.
    assert!(!house.registry.log().contains("token is expired"), "{}", house.registry.log());
}
