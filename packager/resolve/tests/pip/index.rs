//! A folder of packages, served as an index.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A server for as long as the test runs.
pub(crate) struct Index {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Index {
    /// Serves a folder, to everyone or to who knows `user:password`.
    pub(crate) fn serve(folder: PathBuf, login: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::default();
        let login = login.map(|login| format!("Basic {}", STANDARD.encode(login)));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (folder, login, log) = (folder.clone(), login.clone(), Arc::clone(&log));
                std::thread::spawn(move || {
                    answer(stream.unwrap(), &folder, login.as_deref(), &log);
                });
            }
        });
        Self { port, asked }
    }

    /// The option that names it.
    pub(crate) fn option(&self) -> String {
        format!("--index-url http://127.0.0.1:{}/simple", self.port)
    }

    /// The packages whose pages were asked for since the last time, sorted, each once.
    pub(crate) fn pages(&self) -> Vec<String> {
        let mut pages: Vec<String> = std::mem::take(&mut *self.asked.lock().unwrap())
            .iter()
            .filter_map(|path| Some(path.strip_prefix("/simple/")?.trim_matches('/').to_owned()))
            .collect();
        pages.sort();
        pages.dedup();
        pages
    }
}

fn answer(mut stream: TcpStream, folder: &Path, login: Option<&str>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut known) = (String::new(), login.is_none());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        known |= login.is_some_and(|login| line.trim_end().ends_with(login));
        line.clear();
    }
    asked.lock().unwrap().push(path.clone());
    let wanted = path.trim_matches('/').rsplit('/').next().unwrap_or_default();
    let (status, body) = if !known {
        ("401 Unauthorized", Vec::new())
    } else if path.starts_with("/files/") {
        ("200 OK", std::fs::read(folder.join(wanted)).unwrap())
    } else {
        let mut page = String::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with(&format!("{wanted}-")) {
                let hash =
                    mlpack_oci::Digest::of(&std::fs::read(folder.join(&name)).unwrap()).hex();
                page += &format!("<a href=\"/files/{name}#sha256={hash}\">{name}</a>\n");
            }
        }
        let status = if page.is_empty() { "404 Not Found" } else { "200 OK" };
        (status, page.into_bytes())
    };
    let kind = if path.starts_with("/files/") { "application/octet-stream" } else { "text/html" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
