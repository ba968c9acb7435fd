//! Azure's ways to log in: refresh tokens and access tokens of the directory.

use mlpack_oci::{Digest, Reference, Silent};
use mlpack_registry::{AuthError, Credentials, Error, Secret};

use crate::kit::{Action, Proxy, TokenContext, basic, client, has, image, login, settings};

#[tokio::test(flavor = "multi_thread")]
async fn azure_accepts_an_identity_token_and_its_token_user() {
    if !has("docker-registry") {
        return;
    }
    let context = TokenContext::start(true).await;
    let zero = "00000000-0000-0000-0000-000000000000";
    for (name, credentials, requests) in [
        ("a", Credentials::IdentityToken(Secret::new("refresh-writer")), 1),
        ("b", basic(zero, "refresh-writer"), 1),
    ] {
        let before = context.tokens.requests().len();
        let client = context.client(credentials);
        client.push(&image(430, &[100]), &context.reference(name), &[], &Silent).await.unwrap();
        let seen = context.tokens.requests()[before..].to_vec();
        assert_eq!(seen.len(), requests);
        assert_eq!(seen[0], format!("POST /oauth2/token repository:{name}:pull,push"));
    }
    let expired = context.client(Credentials::IdentityToken(Secret::new("old")));
    let error = expired.push(&image(431, &[9]), &context.reference("c"), &[], &Silent).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Auth(AuthError::WrongCredentials { .. })), "{error:?}");
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
                let digest = Digest::of(b"x").to_string();
                Action::Answer(200, vec![("docker-content-digest", digest)], String::new())
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
    assert_eq!(client(settings).resolve(&reference).await.unwrap(), Digest::of(b"x"));
    assert_eq!(
        proxy.lines(),
        [
            "HEAD /v2/a/manifests/v1",
            "POST /oauth2/exchange",
            "POST /oauth2/token",
            "HEAD /v2/a/manifests/v1"
        ]
    );
}
