//! A folder of packages, served as an index.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_oci::Digest;
use serde_json::json;
use zip::ZipArchive;

/// A server that runs until the test ends.
pub(crate) struct Index {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Index {
    /// Serves a folder, to everyone or only with `user:password`.
    pub(crate) fn serve(folder: PathBuf, login: Option<&str>) -> Self {
        Self::start(folder, login, &[])
    }

    /// Serves a folder with upload times, by the beginnings of file names.
    pub(crate) fn dated(folder: PathBuf, times: &[(&str, &str)]) -> Self {
        Self::start(folder, None, times)
    }

    fn start(folder: PathBuf, login: Option<&str>, times: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::default();
        let login = login.map(|login| format!("Basic {}", STANDARD.encode(login)));
        let log = Arc::clone(&asked);
        let times = times.iter().map(|(file, time)| ((*file).to_owned(), (*time).to_owned()));
        let served = Arc::new(Served { folder, login, times: times.collect() });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, log) = (Arc::clone(&served), Arc::clone(&log));
                std::thread::spawn(move || answer(stream.unwrap(), &served, &log));
            }
        });
        Self { port, asked }
    }

    /// Returns the option that names it.
    pub(crate) fn option(&self) -> String {
        format!("--index-url http://127.0.0.1:{}/simple", self.port)
    }

    /// Returns the packages whose pages were requested since the last call, sorted, each once.
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

/// What the threads of the server share.
struct Served {
    folder: PathBuf,
    /// The `Authorization` that is required.
    login: Option<String>,
    /// Upload times by the beginnings of file names; without any, pages are HTML.
    times: Vec<(String, String)>,
}

impl Served {
    /// Returns the page of a package: its media type and text. The text is empty if there is none.
    fn page(&self, package: &str) -> (&'static str, String) {
        let (mut html, mut files) = (String::new(), Vec::new());
        for entry in fs::read_dir(&self.folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.split('-').next().unwrap().replace('_', "-") != package {
                continue;
            }
            let hash = Digest::of(&fs::read(self.folder.join(&name)).unwrap()).hex();
            html += &format!("<a href=\"/files/{name}#sha256={hash}\">{name}</a>\n");
            let time = self.times.iter().find(|(file, _)| name.starts_with(&format!("{file}-")));
            files.push(json!({
                "filename": name, "url": format!("/files/{name}"), "hashes": {"sha256": hash},
                "upload-time": time.map(|(_, time)| time),
            }));
        }
        if self.times.is_empty() || files.is_empty() {
            return ("text/html", html);
        }
        let page = json!({"meta": {"api-version": "1.1"}, "name": package, "files": files});
        ("application/vnd.pypi.simple.v1+json", page.to_string())
    }
}

/// Returns the metadata of a wheel (PEP 658).
fn metadata(wheel: &Path) -> Vec<u8> {
    let mut zip = ZipArchive::new(fs::File::open(wheel).unwrap()).unwrap();
    let mut names = zip.file_names().map(|name| name.unwrap().into_owned());
    let name = names.find(|name| name.ends_with("/METADATA")).unwrap();
    drop(names);
    let mut text = Vec::new();
    zip.by_name(&name).unwrap().read_to_end(&mut text).unwrap();
    text
}

fn answer(mut stream: TcpStream, served: &Served, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut known) = (String::new(), served.login.is_none());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        known |= served.login.as_ref().is_some_and(|login| line.trim_end().ends_with(login));
        line.clear();
    }
    asked.lock().unwrap().push(path.clone());
    let name = path.trim_matches('/').rsplit('/').next().unwrap_or_default();
    let (status, kind, body) = if !known {
        ("401 Unauthorized", "text/html", Vec::new())
    } else if let Some(wheel) = name.strip_suffix(".metadata") {
        ("200 OK", "text/plain", metadata(&served.folder.join(wheel)))
    } else if path.starts_with("/files/") {
        match fs::read(served.folder.join(name)) {
            Ok(bytes) => ("200 OK", "application/octet-stream", bytes),
            Err(_) => ("404 Not Found", "text/plain", Vec::new()),
        }
    } else {
        let (kind, page) = served.page(name);
        let status = if page.is_empty() { "404 Not Found" } else { "200 OK" };
        (status, kind, page.into_bytes())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
