//! Tokens from the sources that have them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mlpack_http::Cause;
use mlpack_oci::Secret;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::cloud::Cloud;
use crate::http::Http;
use crate::{Error, Result};

/// The metadata service of every virtual machine (Azure, "Azure Instance Metadata Service").
const METADATA_SERVICE: &str = "http://169.254.169.254";

/// How long a metadata service may take: elsewhere, nothing is at its address.
const PROBE: Duration = Duration::from_secs(1);

/// How long an identity service may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long `az` may take; its first start after an update is slow.
const COMMAND_LINE: Duration = Duration::from_secs(60);

/// How long a token is valid if nothing is said.
const DEFAULT_LIFE: u64 = 300;

/// Names of sources in messages.
const PRINCIPAL: &str = "the service principal of AZURE_CLIENT_ID";
const WORKLOAD: &str = "the workload identity of AZURE_FEDERATED_TOKEN_FILE";
const APP_SERVICE: &str = "the managed identity of IDENTITY_ENDPOINT";
const VIRTUAL_MACHINE: &str = "the managed identity of this virtual machine";
const COMMAND: &str = "`az account get-access-token`";

/// A token of Azure.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    /// Until when it is used.
    pub(crate) until: Instant,
    /// The subscription that its source is set to.
    pub(crate) subscription: Option<String>,
}

/// Signs in with a tenant, a client and its password (RFC 6749, section 4.4).
pub(crate) async fn of_principal(
    http: &Http,
    cloud: &Cloud,
    names: (&str, &str),
    secret: &Secret,
) -> Result<Token> {
    let extra = [("client_secret", secret.reveal())];
    of_client(PRINCIPAL, http, cloud, names, &extra).await
}

/// Signs in with the token that a cluster or a pipeline gave to a workload (RFC 7523, section 2.2).
pub(crate) async fn of_workload(
    http: &Http,
    cloud: &Cloud,
    names: (&str, &str),
    file: &Path,
) -> Result<Token> {
    let assertion = std::fs::read_to_string(file)
        .map_err(|error| failed(WORKLOAD, format!("cannot read {}: {error}", file.display())))?;
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let extra = [("client_assertion_type", kind), ("client_assertion", assertion.trim())];
    of_client(WORKLOAD, http, cloud, names, &extra).await
}

async fn of_client(
    source: &'static str,
    http: &Http,
    cloud: &Cloud,
    (tenant, client): (&str, &str),
    extra: &[(&str, &str)],
) -> Result<Token> {
    let url = cloud.authority.join(&format!("{tenant}/oauth2/v2.0/token"));
    let url = url.map_err(|_| failed(source, format!("`{tenant}` is no tenant")))?;
    let scope = format!("{}/.default", cloud.audience.trim_end_matches('/'));
    let mut form =
        vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &scope)];
    form.extend(extra);
    let answer = http.send("sign in", |http| http.post(url.clone()).form(&form)).await;
    read(source, &answer.map_err(|error| of_source(source, error))?.body)
}

/// Asks the endpoint that an App Service, a function or a job has (Azure, "REST endpoint reference").
pub(crate) async fn of_app_service(
    cloud: &Cloud,
    endpoint: &str,
    header: &Secret,
    client: Option<&str>,
) -> Result<Token> {
    let bad = |_| failed(APP_SERVICE, "it is no URL".to_owned());
    let url = identity_url(endpoint, "2019-08-01", cloud, client).map_err(bad)?;
    let asked = ask_here(url, ("X-IDENTITY-HEADER", header.reveal()), TIMEOUT).await;
    match asked.map_err(|error| failed(APP_SERVICE, Cause::of(error).reason))? {
        (true, body) => read(APP_SERVICE, &body),
        (false, body) => Err(failed(APP_SERVICE, reason(&body).unwrap_or("it refused").to_owned())),
    }
}

/// Asks the metadata service of a virtual machine; `None` where there is none.
pub(crate) async fn of_virtual_machine(
    cloud: &Cloud,
    service: Option<&str>,
    client: Option<&str>,
) -> Result<Option<Token>> {
    let service = service.unwrap_or(METADATA_SERVICE).trim_end_matches('/');
    let endpoint = format!("{service}/metadata/identity/oauth2/token");
    let bad = |_| failed(VIRTUAL_MACHINE, format!("`{service}` is no URL"));
    let url = identity_url(&endpoint, "2018-02-01", cloud, client).map_err(bad)?;
    let Ok((is_success, body)) = ask_here(url, ("Metadata", "true"), PROBE).await else {
        return Ok(None);
    };
    match (is_success, reason(&body)) {
        (true, _) => read(VIRTUAL_MACHINE, &body).map(Some),
        (false, Some(reason)) => Err(failed(VIRTUAL_MACHINE, reason.to_owned())),
        // Something else is at that address.
        (false, None) => Ok(None),
    }
}

/// Asks a service of this machine or its link, which no proxy has. Returns whether it succeeded, and the answer.
async fn ask_here(
    url: Url,
    (name, value): (&'static str, &str),
    connect: Duration,
) -> Result<(bool, Value), reqwest::Error> {
    let http = reqwest::Client::builder().no_proxy().connect_timeout(connect).timeout(TIMEOUT);
    let answer = http.build()?.get(url).header(name, value).send().await?;
    let is_success = answer.status().is_success();
    Ok((is_success, answer.json().await.unwrap_or_default()))
}

/// Returns the words of a refusal.
fn reason(body: &Value) -> Option<&str> {
    body["error_description"].as_str().or(body["error"].as_str()).or(body["message"].as_str())
}

fn identity_url(
    endpoint: &str,
    version: &str,
    cloud: &Cloud,
    client: Option<&str>,
) -> Result<Url, url::ParseError> {
    let mut url = Url::parse(endpoint)?;
    url.query_pairs_mut()
        .append_pair("api-version", version)
        .append_pair("resource", &cloud.audience)
        .extend_pairs(client.map(|client| ("client_id", client)));
    Ok(url)
}

/// Asks the Azure command line, which people are signed in to.
pub(crate) async fn of_command_line(program: &Path, cloud: &Cloud) -> Result<Token> {
    let mut command = Command::new(program);
    command.args(["account", "get-access-token", "--output", "json", "--resource"]);
    command.arg(&cloud.audience).stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(COMMAND_LINE, command.output()).await;
    let ended = ended.map_err(|_| {
        failed(COMMAND, format!("it did not end within {} s", COMMAND_LINE.as_secs()))
    })?;
    let output = ended.map_err(|error| failed(COMMAND, error.to_string()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let line = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
        return Err(failed(COMMAND, line.trim_start_matches("ERROR: ").to_owned()));
    }
    read(COMMAND, &serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// Reads what every source answers: the names differ.
fn read(source: &'static str, answer: &Value) -> Result<Token> {
    let text = |key: &str| answer[key].as_str().map(str::to_owned);
    let secret = text("access_token").or_else(|| text("accessToken"));
    let secret = secret.filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| failed(source, "the answer has no token".to_owned()))?;
    // A number, or a text with one.
    let life = &answer["expires_in"];
    let life = life.as_u64().or_else(|| life.as_str()?.parse().ok()).unwrap_or(DEFAULT_LIFE);
    // Renewed early, so that it is still valid when a slow request arrives.
    let until = Instant::now() + Duration::from_secs(life.min(86_400) * 4 / 5);
    Ok(Token { secret: secret.into(), until, subscription: text("subscription") })
}

fn of_source(source: &'static str, error: Error) -> Error {
    match error {
        Error::Refused { message, .. } => failed(source, message),
        Error::Unreachable { host, reason, .. } => failed(source, format!("{host}: {reason}")),
        error => error,
    }
}

fn failed(source_name: &'static str, reason: String) -> Error {
    Error::SignIn { source_name, reason }
}
