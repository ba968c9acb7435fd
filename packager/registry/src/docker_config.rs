//! Docker's `config.json` and podman's `auth.json`: read, and written by login and logout.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use mlpack_oci::pending::{PendingFile, sweep};
use serde_json::{Map, Value, json};

use crate::Secret;
use crate::credential_helper;
use crate::credentials::{AZURE_TOKEN_USER, Credentials, HELPER_TOKEN_USER};
use crate::error::{AuthError, Result};

/// The key under which Docker stores the login to Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Returns the key Docker uses for a registry.
fn key(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB_KEY,
        other => other,
    }
}

/// Returns whether two spellings mean the same registry.
pub(crate) fn same_registry(a: &str, b: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        let host = text.split('/').next().unwrap_or(text).to_ascii_lowercase();
        key(&host).to_owned()
    };
    bare(a) == bare(b)
}

/// Reads the credentials a file contains for a repository. The most specific entry wins: podman
/// allows `HOST/NAMESPACE/REPOSITORY`.
pub(crate) fn read(path: &Path, registry: &str, repository: &str) -> Result<Option<Credentials>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(path, &error).into()),
    };
    let config = parse(path, &bytes)?;
    let mut name = format!("{registry}/{repository}");
    while let Some(slash) = name.rfind('/') {
        if config["auths"].get(&name).is_some() {
            break;
        }
        name.truncate(slash);
    }
    let server = if name == registry { key(registry) } else { &name };
    match docker_credential::get_credential_from_reader(&bytes[..], server) {
        Ok(DockerCredential::IdentityToken(token)) if !token.is_empty() => {
            Ok(Some(Credentials::IdentityToken(token.into())))
        }
        Ok(DockerCredential::UsernamePassword(username, password)) if !username.is_empty() => {
            Ok(Some(Credentials::Basic { username, password: password.into() }))
        }
        Ok(_) | Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { helper, stdout, stderr }) => {
            // docker-credential-helpers reports an unknown registry on stdout.
            if stdout.contains("credentials not found") {
                return Ok(None);
            }
            Err(credential_helper::failed(&helper, registry, &stderr).into())
        }
        Err(
            CredentialRetrievalError::HelperCommunicationError
            | CredentialRetrievalError::MalformedHelperResponse,
        ) => {
            let helper = helper(&config, server).unwrap_or_default();
            let reason = "it cannot be run, or its answer cannot be read";
            Err(credential_helper::failed(&helper, registry, reason).into())
        }
        Err(error) => Err(bad(path, &error).into()),
    }
}

/// Stores credentials in the helper the file names for the registry, else in the file itself.
pub(crate) fn login(path: &Path, registry: &str, credentials: &Credentials) -> Result<()> {
    let (username, secret, entry) = match credentials.clone().normalized() {
        Credentials::Basic { username, password } => {
            let auth = STANDARD.encode(format!("{username}:{}", password.reveal()));
            (username, password, json!({ "auth": auth }))
        }
        Credentials::IdentityToken(token) => {
            let auth = STANDARD.encode(format!("{AZURE_TOKEN_USER}:"));
            let entry = json!({ "auth": auth, "identitytoken": token.reveal() });
            (HELPER_TOKEN_USER.to_owned(), token, entry)
        }
        _ => {
            return Err(bad(path, &"only a password or an identity token can be stored").into());
        }
    };
    let path = &*real(path);
    let _lock = lock(path)?;
    let mut config = load(path)?;
    if let Some(helper) = helper(&config, key(registry)) {
        let server = key(registry);
        let input = json!({
            "ServerURL": server, "Username": username, "Secret": secret.reveal()
        });
        credential_helper::run(&helper, "store", &Secret::new(input.to_string()), registry)?;
        // Docker adds an empty entry so that the registry is listed as logged in.
        entries(&mut config, path)?.insert(server.to_owned(), json!({}));
    } else {
        entries(&mut config, path)?.insert(key(registry).to_owned(), entry);
    }
    save(path, &config)
}

/// Removes a registry from the helper and the file; returns `false` if it was in neither.
pub(crate) fn logout(path: &Path, registry: &str) -> Result<bool> {
    let path = &*real(path);
    let _lock = lock(path)?;
    let mut config = load(path)?;
    let helper = helper(&config, key(registry));
    if let Some(helper) = &helper {
        credential_helper::run(helper, "erase", &Secret::new(key(registry)), registry)?;
    }
    let auths = entries(&mut config, path)?;
    let before = auths.len();
    auths.retain(|name, _| !same_registry(name, registry) || is_namespace(name));
    let removed = auths.len() != before;
    if removed {
        save(path, &config)?;
    }
    Ok(removed || helper.is_some())
}

/// Returns whether a key is podman's for a namespace, which is an entry independent of its host.
fn is_namespace(name: &str) -> bool {
    !name.contains("://") && name.contains('/')
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    if bytes.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| bad(path, &format!("line {}: it is not JSON", error.line())))?;
    if value.is_object() { Ok(value) } else { Err(bad(path, &"it is not a JSON object").into()) }
}

fn load(path: &Path) -> Result<Value> {
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(bad(path, &error).into()),
    }
}

fn entries<'a>(config: &'a mut Value, path: &Path) -> Result<&'a mut Map<String, Value>> {
    let auths = &mut config["auths"];
    if auths.is_null() {
        *auths = json!({});
    }
    auths.as_object_mut().ok_or_else(|| bad(path, &"`auths` is not an object").into())
}

/// Returns the helper program for a server, if the file names one.
fn helper(config: &Value, server: &str) -> Option<String> {
    let own = config["credHelpers"].get(server).and_then(Value::as_str);
    let name = own.or_else(|| config["credsStore"].as_str()).filter(|name| !name.is_empty())?;
    Some(format!("docker-credential-{name}"))
}

/// Returns the file that a path leads to, so that a link stays one.
fn real(path: &Path) -> PathBuf {
    const MAX_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = parent(&path).join(target);
    }
    path
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks the folder of a file until the value is dropped: logins change the file one after the other.
fn lock(path: &Path) -> Result<File> {
    let lock = || -> io::Result<File> {
        fs::create_dir_all(parent(path))?;
        let folder = File::open(parent(path))?;
        folder.lock()?;
        Ok(folder)
    };
    lock().map_err(|error| bad(path, &error).into())
}

/// Replaces the file by one that only its owner may read.
fn save(path: &Path, config: &Value) -> Result<()> {
    let write = || -> io::Result<()> {
        sweep(parent(path));
        let mut file = PendingFile::new_in(parent(path))?;
        let mut text = serde_json::to_string_pretty(config).map_err(io::Error::other)?;
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.persist_durably(path, 0o600)
    };
    write().map_err(|error| bad(path, &error).into())
}

fn bad(path: &Path, reason: &dyn std::fmt::Display) -> AuthError {
    AuthError::CredentialFile { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
#[path = "docker_config_tests.rs"]
mod tests;
