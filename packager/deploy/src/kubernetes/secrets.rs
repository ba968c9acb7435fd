//! Secrets of a service: its keys, its variables, and the registry's login.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::front_door::KEYS;
use crate::image_facts::PullLogin;
use crate::service_keys::ServiceKeys;

/// A secret to create.
pub(super) struct SecretObject {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) data: Value,
}

impl SecretObject {
    fn opaque(name: String, data: impl IntoIterator<Item = (String, String)>) -> Self {
        let data = data.into_iter().map(|(key, text)| (key, STANDARD.encode(text).into()));
        Self { name, kind: "Opaque", data: Value::Object(data.collect()) }
    }

    /// The keys that clients authenticate with.
    pub(super) fn keys(service: &str, keys: &ServiceKeys) -> Self {
        Self::opaque(format!("{service}-keys"), [(KEYS.to_owned(), keys.to_lines())])
    }

    /// The variables that were set for the service, which may be secrets.
    pub(super) fn variables(service: &str, variables: &BTreeMap<String, String>) -> Option<Self> {
        let name = format!("{service}-variables");
        (!variables.is_empty()).then(|| Self::opaque(name, variables.clone()))
    }

    /// The login of the image's registry, as `kubectl create secret docker-registry` writes it.
    pub(super) fn pull(service: &str, login: &PullLogin) -> Self {
        let PullLogin { server, username, password } = login;
        let password = password.reveal();
        let auth = STANDARD.encode(format!("{username}:{password}"));
        let entry = json!({ "username": username, "password": password, "auth": auth });
        let config = json!({ "auths": { server.as_str(): entry } }).to_string();
        Self {
            name: format!("{service}-pull"),
            kind: "kubernetes.io/dockerconfigjson",
            data: json!({ ".dockerconfigjson": STANDARD.encode(config) }),
        }
    }
}
