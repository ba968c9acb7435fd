//! Plain requests to a service, and a service that answers them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

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

/// A request as it came: `METHOD PATH`, the headers in lower case, the body.
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// `HOST:PORT` of a service that gives `answer` (status line, headers and body) to each request, one
/// after the other, and the first lines of those so far.
pub(crate) fn answering(
    answer: impl Fn(&Request) -> String + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A client that tries TLS first is not answered.
            let Some(asked) = read(&stream) else { continue };
            lines.lock().unwrap().push(asked.line.clone());
            let _ = stream.write_all(answer(&asked).as_bytes());
        }
    });
    (host, seen)
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.rsplit_once(" HTTP/")?.0.to_owned();
    let mut headers = String::new();
    while !headers.ends_with("\n\r\n") {
        reader.read_line(&mut headers).ok().filter(|n| *n > 0)?;
    }
    let headers = headers.to_ascii_lowercase();
    let length =
        headers.split("content-length: ").nth(1).map_or("0", |rest| rest.lines().next().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body: String::from_utf8(body).unwrap() })
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
