//! A command in a container, by the WebSocket that Azure opens for it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

use crate::cloud::is_private;
use crate::{Error, ResourceManager, Result};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The longest output that is read, in bytes.
const MAX_OUTPUT: usize = 4 << 20;

/// What the terminal is asked to be; wide, so that no line is broken.
const ROWS: u32 = 24;
const COLUMNS: u32 = 4096;

/// Written before and after the output. In the command, each is in two pieces: the terminal echoes the command.
const MARKS: [[&str; 2]; 2] = [["<mlpack", "-begin>"], ["<mlpack", "-end>"]];

impl ResourceManager {
    /// Runs a line of the shell in a running container and returns its output in base64: a terminal changes bytes. Azure
    /// takes no arguments for the program, so the line is typed.
    ///
    /// # Errors
    /// [`Error::Refused`] if the container does not run, or [`Error::Answer`].
    pub async fn shell(&self, container: &str, version: &str, line: &str) -> Result<String> {
        let body =
            json!({ "command": "/bin/sh", "terminalSize": { "rows": ROWS, "cols": COLUMNS } });
        let opened = self.post(&format!("{container}/exec"), version, &body).await?;
        let failed = |reason: String| Error::Answer {
            action: "run a command in the container".to_owned(),
            reason,
        };
        let (Some(address), Some(password)) =
            (opened["webSocketUri"].as_str(), opened["password"].as_str())
        else {
            return Err(failed("it has no `webSocketUri` and `password`".to_owned()));
        };
        let output = timeout(LIMIT, talk(address, password, line)).await;
        output
            .map_err(|_| failed(format!("it did not end within {} s", LIMIT.as_secs())))?
            .map_err(failed)
    }
}

/// Sends the password and the line, and returns what is between the marks.
async fn talk(address: &str, password: &str, line: &str) -> Result<String, String> {
    let mut socket = connect(address).await?;
    let [begin, end] = MARKS.map(|mark| format!("'{}''{}'", mark[0], mark[1]));
    let typed = format!("echo {begin}; {line} | base64 | tr -d '\\n'; echo {end}; exit\n");
    for text in [password, &typed] {
        socket.send(Message::text(text)).await.map_err(|error| error.to_string())?;
    }
    let [begin, end] = MARKS.map(|mark| mark.concat());
    let mut output = Vec::new();
    while let Some(message) = socket.next().await {
        match message.map_err(|error| error.to_string())? {
            Message::Text(text) => output.extend_from_slice(text.as_bytes()),
            Message::Binary(bytes) => output.extend_from_slice(&bytes),
            Message::Close(_) => break,
            _ => {}
        }
        if output.len() > MAX_OUTPUT {
            return Err(format!("the output is larger than {} MiB", MAX_OUTPUT >> 20));
        }
        let text = String::from_utf8_lossy(&output);
        if let Some((_, rest)) = text.split_once(&begin)
            && let Some((found, _)) = rest.split_once(&end)
        {
            return Ok(found.split_whitespace().collect());
        }
    }
    Err("the connection ended before the command".to_owned())
}

/// Opens a WebSocket, through a proxy if there is one.
async fn connect(address: &str) -> Result<WebSocketStream<reqwest::Upgraded>, String> {
    let bad = "its `webSocketUri` is no private URL";
    let rest = address.split_once("://").ok_or(bad)?;
    // The same addresses as those of HTTP, with other schemes (RFC 6455, section 3).
    let scheme = if rest.0 == "ws" { "http" } else { "https" };
    let url = Url::parse(&format!("{scheme}://{}", rest.1)).ok().filter(is_private).ok_or(bad)?;
    let client = Client::builder().http1_only().redirect(reqwest::redirect::Policy::none()).build();
    let request = client.map_err(|error| error.to_string())?.get(url);
    let answer = request
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, generate_key())
        .send()
        .await
        .map_err(|error| mlpack_http::Cause::of(error).reason)?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(format!("its `webSocketUri` answered {}", answer.status()));
    }
    let upgraded = answer.upgrade().await.map_err(|error| error.without_url().to_string())?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}
