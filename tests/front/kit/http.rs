//! Plain requests to a service.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Status, headers and body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks for a page of a service at `http://HOST:PORT/PATH`.
#[track_caller]
pub(crate) fn get(uri: &str) -> Reply {
    request("GET", uri, "")
}

/// Sends JSON.
#[track_caller]
pub(crate) fn post(uri: &str, body: &str) -> Reply {
    request("POST", uri, body)
}

#[track_caller]
fn request(method: &str, uri: &str, body: &str) -> Reply {
    let rest = uri.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, body: body.to_owned() }
}
