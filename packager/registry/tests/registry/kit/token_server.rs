//! The token server the registry needs for token authentication, with Azure's two endpoints.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Signer;

/// A user and the user's rights.
#[derive(Clone, Default)]
pub(crate) struct User {
    pub(crate) password: String,
    /// Repositories with `pull` or `pull,push`; the name `*` is any.
    pub(crate) rights: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) struct TokenServer {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    signer: Arc<Signer>,
    users: HashMap<String, User>,
    /// Seconds a token is valid.
    life: AtomicU64,
    /// Whether the key of the answer is `access_token`.
    azure: bool,
    requests: Mutex<Vec<String>>,
    counter: AtomicU64,
}

impl TokenServer {
    /// Starts the server. The user named `` is the anonymous one. With `azure` the answers look like
    /// Azure's: refresh token `refresh-USER`, directory token `directory-USER`.
    pub(crate) async fn start(signer: Arc<Signer>, users: &[(&str, User)], azure: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            signer,
            users: users.iter().map(|(name, user)| ((*name).to_owned(), user.clone())).collect(),
            life: AtomicU64::new(300),
            azure,
            requests: Mutex::default(),
            counter: AtomicU64::new(0),
        });
        let router = Router::new().fallback(answer).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inner }
    }

    pub(crate) fn realm(&self) -> String {
        format!("http://{}/oauth2/token", self.address)
    }

    pub(crate) fn set_life(&self, seconds: u64) {
        self.inner.life.store(seconds, Ordering::Relaxed);
    }

    /// Returns the method, path and scopes of every request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner.requests.lock().unwrap().clone()
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let pairs = |text: &str| -> Vec<(String, String)> {
        reqwest::Url::parse(&format!("http://x/?{text}"))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect()
    };
    let mut query = pairs(parts.uri.query().unwrap_or_default());
    query.extend(pairs(std::str::from_utf8(&body).unwrap()));
    let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone());
    let scopes: Vec<String> = query
        .iter()
        .filter(|(key, _)| key == "scope")
        .flat_map(|(_, scopes)| scopes.split(' ').map(str::to_owned))
        .filter(|scope| !scope.is_empty())
        .collect();
    inner.requests.lock().unwrap().push(format!(
        "{} {} {}",
        parts.method,
        parts.uri.path(),
        scopes.join(" ")
    ));
    let refuse = || {
        (StatusCode::UNAUTHORIZED, r#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#)
            .into_response()
    };
    if parts.uri.path() == "/oauth2/exchange" {
        let token = get("access_token").unwrap_or_default();
        return match token.strip_prefix("directory-") {
            Some(user) => json!({"refresh_token": format!("refresh-{user}")}).to_string(),
            None => return refuse(),
        }
        .into_response();
    }
    let basic = parts.headers.get("authorization").and_then(|value| {
        let text = value.to_str().ok()?.strip_prefix("Basic ")?;
        String::from_utf8(STANDARD.decode(text).ok()?).ok()
    });
    let user = match (get("refresh_token"), basic) {
        (Some(token), _) => match token.strip_prefix("refresh-") {
            Some(user) if parts.method == "POST" => user.to_owned(),
            _ => return refuse(),
        },
        (None, Some(basic)) => {
            let (name, password) = basic.split_once(':').unwrap();
            match inner.users.get(name) {
                Some(user) if user.password == password => name.to_owned(),
                _ => return refuse(),
            }
        }
        (None, None) => String::new(),
    };
    let Some(user) = inner.users.get(&user) else { return refuse() };
    let access: Vec<_> = scopes.iter().filter_map(|scope| grant(user, scope)).collect();
    let life = inner.life.load(Ordering::Relaxed);
    let now = now();
    let token = inner.signer.sign(&json!({
        "iss": "test", "aud": "test", "sub": "", "nbf": now - 5, "iat": now, "exp": now + life,
        "jti": inner.counter.fetch_add(1, Ordering::Relaxed).to_string(), "access": access
    }));
    let key = if inner.azure { "access_token" } else { "token" };
    json!({ key: token, "expires_in": life }).to_string().into_response()
}

/// Returns the part of a scope the user has a right to.
fn grant(user: &User, scope: &str) -> Option<serde_json::Value> {
    let mut parts = scope.splitn(3, ':');
    let (kind, name, wanted) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, rights) =
        user.rights.iter().find(|(repository, _)| repository == name || repository == "*")?;
    let actions: Vec<&str> = wanted
        .split(',')
        .filter(|action| rights.split(',').any(|right| right == *action))
        .collect();
    Some(json!({"type": kind, "name": name, "actions": actions}))
}

#[allow(clippy::disallowed_methods, reason = "tokens carry the time")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
