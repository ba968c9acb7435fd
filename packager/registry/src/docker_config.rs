//! Docker's `config.json` and podman's `auth.json`: read, and written by login and logout.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::{Map, Value, json};

use crate::{CredentialStore, Credentials, Error, Result, Secret};

/// The key under which Docker keeps its own registry.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The key Docker uses for a registry.
fn key(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB_KEY,
        other => other,
    }
}

/// Whether two ways of writing a registry mean the same.
pub(crate) fn same_registry(a: &str, b: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        let host = text.split('/').next().unwrap_or(text).to_ascii_lowercase();
        key(&host).to_owned()
    };
    bare(a) == bare(b)
}

/// The credentials a file holds for a repository, the most particular first: podman may name
/// `HOST/NAMESPACE/REPOSITORY`.
pub(crate) fn read(path: &Path, registry: &str, repository: &str) -> Result<Option<Credentials>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(path, &error)),
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
            // docker-credential-helpers says so on stdout when it simply has nothing.
            if stdout.contains("credentials not found") {
                return Ok(None);
            }
            Err(helper_error(&helper, registry, &first_line(&stderr)))
        }
        Err(
            CredentialRetrievalError::HelperCommunicationError
            | CredentialRetrievalError::MalformedHelperResponse,
        ) => {
            let helper = helper(&config, server).unwrap_or_default();
            Err(helper_error(&helper, registry, "it cannot be run, or its answer cannot be read"))
        }
        Err(error) => Err(bad(path, &error)),
    }
}

impl CredentialStore {
    /// Writes credentials where Docker reads them: into the helper the file names for the registry,
    /// else into the file itself, which only its owner may then read. Other entries stay.
    ///
    /// # Errors
    /// The file cannot be read or written, or the helper fails.
    pub fn login(path: &Path, registry: &str, credentials: &Credentials) -> Result<()> {
        let (username, secret, entry) = match credentials.clone().meant() {
            Credentials::Basic { username, password } => {
                let auth = STANDARD.encode(format!("{username}:{}", password.reveal()));
                (username, password, json!({ "auth": auth }))
            }
            Credentials::IdentityToken(token) => {
                let auth = STANDARD.encode("00000000-0000-0000-0000-000000000000:");
                let entry = json!({ "auth": auth, "identitytoken": token.reveal() });
                ("<token>".to_owned(), token, entry)
            }
            _ => {
                return Err(bad(path, &"only a user with a password or an identity token is kept"));
            }
        };
        let mut config = load(path)?;
        if let Some(helper) = helper(&config, key(registry)) {
            let server = key(registry);
            let input = json!({
                "ServerURL": server, "Username": username, "Secret": secret.reveal()
            });
            run_helper(&helper, "store", &Secret::new(input.to_string()), registry)?;
            // Docker leaves an empty entry so that the registry shows as logged in.
            entries(&mut config, path)?.insert(server.to_owned(), json!({}));
        } else {
            entries(&mut config, path)?.insert(key(registry).to_owned(), entry);
        }
        save(path, &config)
    }

    /// Removes a registry from the helper and the file. `false` if it was in neither.
    ///
    /// # Errors
    /// The file cannot be read or written, or the helper fails.
    pub fn logout(path: &Path, registry: &str) -> Result<bool> {
        let mut config = load(path)?;
        let helper = helper(&config, key(registry));
        if let Some(helper) = &helper {
            run_helper(helper, "erase", &Secret::new(key(registry)), registry)?;
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
}

/// Podman's keys with a namespace are entries of their own.
fn is_namespace(name: &str) -> bool {
    !name.contains("://") && name.contains('/')
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    if bytes.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| bad(path, &format!("line {}: it is not JSON", error.line())))?;
    if value.is_object() { Ok(value) } else { Err(bad(path, &"it is not a JSON object")) }
}

fn load(path: &Path) -> Result<Value> {
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(bad(path, &error)),
    }
}

fn entries<'a>(config: &'a mut Value, path: &Path) -> Result<&'a mut Map<String, Value>> {
    let auths = &mut config["auths"];
    if auths.is_null() {
        *auths = json!({});
    }
    auths.as_object_mut().ok_or_else(|| bad(path, &"`auths` is not an object"))
}

/// The helper program for a server, if the file names one.
fn helper(config: &Value, server: &str) -> Option<String> {
    let own = config["credHelpers"].get(server).and_then(Value::as_str);
    let name = own.or_else(|| config["credsStore"].as_str()).filter(|name| !name.is_empty())?;
    Some(format!("docker-credential-{name}"))
}

/// The secret goes in by stdin: arguments can be seen by every user of the machine.
fn run_helper(helper: &str, verb: &str, input: &Secret, registry: &str) -> Result<()> {
    let failed = |reason: &str| helper_error(helper, registry, reason);
    let mut child = Command::new(helper)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input says so by its status.
        let _ = stdin.write_all(input.reveal().as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(&first_line(&String::from_utf8_lossy(&output.stderr))))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("it said nothing").chars().take(200).collect()
}

fn helper_error(helper: &str, registry: &str, reason: &str) -> Error {
    Error::CredentialHelper {
        helper: helper.to_owned(),
        registry: registry.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Writes beside the file and renames; `tempfile` gives it to its owner alone (mode 0600).
fn save(path: &Path, config: &Value) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        fs::create_dir_all(parent)?;
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        let mut text = serde_json::to_string_pretty(config).map_err(io::Error::other)?;
        text.push('\n');
        file.write_all(text.as_bytes())?;
        File::sync_all(file.as_file())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| bad(path, &error))
}

fn bad(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::CredentialFile { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
#[path = "docker_config_tests.rs"]
mod tests;
