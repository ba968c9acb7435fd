//! The conda channels of `fixtures/channel.py`: as folders, over HTTP with and without a login, and
//! as the real conda installs them.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lock::lock;
use super::{repository, skip};

/// The folder with the channels `main` and `extra`.
pub(crate) struct Channel {
    pub(crate) dir: PathBuf,
}

/// Channels of small packages, whose Pythons do not run. Written by the first test that asks, with
/// any Python and without network; `None` if there is no Python.
#[track_caller]
pub(crate) fn channel() -> Option<Channel> {
    made("small-channel", &["--small"])
}

/// Channels with Pythons of this machine and packages of PyPI; `None` if they lack one of the
/// packages, which are named by the start of their archive, `python-3.11`, or for another
/// architecture with their folder, `linux-aarch64/numpy-1.26`.
#[track_caller]
pub(crate) fn runnable_channel(needed: &[&str]) -> Option<Channel> {
    let channel = made("channel", &[])?;
    for name in needed {
        let (folder, start) = name.split_once('/').unwrap_or((OWN_FOLDER, name));
        let folders = [folder, "noarch"].map(|folder| channel.dir.join("main").join(folder));
        let mut archives = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        if !archives.any(|file| file.unwrap().file_name().to_string_lossy().starts_with(start)) {
            skip(&format!("the conda channel has no {name}: {NEEDED}"));
            return None;
        }
    }
    Some(channel)
}

/// The folder of packages for this machine's architecture.
const OWN_FOLDER: &str = if cfg!(target_arch = "aarch64") { "linux-aarch64" } else { "linux-64" };

/// What the channel with Pythons that run is made of.
const NEEDED: &str = "it is made of this machine's Pythons that have a separate prefix, as `pyenv install` makes them";

#[track_caller]
fn made(name: &str, options: &[&str]) -> Option<Channel> {
    let dir = repository().join("fixtures/built").join(name);
    let _lock = lock(name);
    if !dir.join("extra/noarch/repodata.json").is_file() {
        let script = repository().join("fixtures/channel.py");
        let made = Command::new("python3").arg(script).arg(&dir).args(options).output();
        if !made.as_ref().is_ok_and(|output| output.status.success()) {
            skip(&format!("python3 fixtures/channel.py failed: {made:?}"));
            return None;
        }
    }
    Some(Channel { dir })
}

impl Channel {
    /// `file://` address of a channel.
    pub(crate) fn address(&self, name: &str) -> String {
        format!("file://{}", self.dir.join(name).display())
    }

    /// Longest prefix in characters that the programs of an interpreter (`3.9`) can hold.
    pub(crate) fn prefix_length(&self, python: &str) -> usize {
        let said = fs::read(self.dir.join(".records/interpreters.json")).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        said[python]["said"]["prefix"].as_str().unwrap().len()
    }

    /// Serves the channels by HTTP on a free port of the loopback.
    pub(crate) fn serve(&self, auth: ChannelAuth) -> ChannelServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { dir: self.dir.clone(), auth, ..Shared::default() });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.closed.load(Ordering::SeqCst) {
                    return;
                }
                let server = Arc::clone(&server);
                // Who breaks off a request is no fault of the server.
                thread::spawn(move || stream.and_then(|stream| server.answer(stream)));
            }
        });
        ChannelServer { host, shared }
    }
}

/// How a served channel authenticates.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum ChannelAuth {
    /// Nothing.
    #[default]
    Open,
    /// `user` with the password `secret`.
    Login,
    /// `/t/tk-secret` before the path, the way of anaconda.org.
    Token,
}

/// A server that runs until it is dropped.
pub(crate) struct ChannelServer {
    /// `127.0.0.1:PORT`
    pub(crate) host: String,
    shared: Arc<Shared>,
}

impl ChannelServer {
    /// The address of a channel, without its login or token.
    pub(crate) fn address(&self, name: &str) -> String {
        format!("http://{}/{name}", self.host)
    }

    /// The address of a channel with the login or the token in it.
    pub(crate) fn secret_address(&self, name: &str) -> String {
        match self.shared.auth {
            ChannelAuth::Open => self.address(name),
            ChannelAuth::Login => format!("http://user:secret@{}/{name}", self.host),
            ChannelAuth::Token => format!("http://{}/t/tk-secret/{name}", self.host),
        }
    }

    /// What it was asked so far and how it answered: `GET /main/noarch/repodata.json 200`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// From here on archives are sent up to their middle, where they wait for [`Self::release`].
    pub(crate) fn hold(&self) {
        self.shared.state.lock().unwrap().held = true;
    }

    /// Sends the rest of what is held, and everything from here on.
    pub(crate) fn release(&self) {
        self.shared.state.lock().unwrap().held = false;
        self.shared.changed.notify_all();
    }

    /// Waits until the requests so far are as wanted; a minute without that fails the test.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: impl Fn(&[String]) -> bool) {
        let state = self.shared.state.lock().unwrap();
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(state, Duration::from_secs(60), |state| !wanted(&state.requests))
            .unwrap();
        assert!(!timeout.timed_out(), "{:?}", state.requests);
    }
}

impl Drop for ChannelServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(&self.host);
    }
}

#[derive(Default)]
struct State {
    requests: Vec<String>,
    held: bool,
}

#[derive(Default)]
struct Shared {
    dir: PathBuf,
    auth: ChannelAuth,
    state: Mutex<State>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Shared {
    /// Answers one request and closes.
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        let mut login = String::new();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("authorization")
            {
                value.clone_into(&mut login);
            }
        }
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // As a proxy it is asked for `http://HOST/PATH`.
        let path = path.strip_prefix("http://conda.invalid").unwrap_or(path);
        let (status, file) = self.find(path, &login);
        let line = format!("{method} {path} {}", &status[..3]);
        self.state.lock().unwrap().requests.push(line);
        self.changed.notify_all();
        let length = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|meta| meta.len()))?;
        let challenge = match self.auth {
            ChannelAuth::Login => "WWW-Authenticate: Basic realm=\"test\"\r\n",
            ChannelAuth::Open | ChannelAuth::Token => "",
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\n{challenge}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        match file {
            Some(file) if method == "GET" => {
                self.send(file, length, !path.ends_with(".json"), stream)
            }
            _ => Ok(()),
        }
    }

    /// The status, and the file if it may be had.
    fn find(&self, path: &str, login: &str) -> (&'static str, Option<File>) {
        let path = match self.auth {
            ChannelAuth::Open => Some(path),
            ChannelAuth::Login => {
                let expected = format!("Basic {}", STANDARD.encode("user:secret"));
                if login != expected {
                    return ("401 Unauthorized", None);
                }
                Some(path)
            }
            ChannelAuth::Token => path.strip_prefix("/t/tk-secret"),
        };
        let Some(path) = path else { return ("403 Forbidden", None) };
        let path = self.dir.join(path.trim_start_matches('/'));
        if !path.is_file() || path.components().any(|part| part.as_os_str() == "..") {
            return ("404 Not Found", None);
        }
        File::open(path).map_or(("404 Not Found", None), |file| ("200 OK", Some(file)))
    }

    /// Sends a file; an archive waits in its middle while archives are held.
    fn send(
        &self,
        mut file: File,
        length: u64,
        archive: bool,
        mut stream: TcpStream,
    ) -> io::Result<()> {
        io::copy(&mut (&mut file).take(length / 2), &mut stream)?;
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| archive && state.held).unwrap());
        io::copy(&mut file, &mut stream).map(|_| ())
    }
}

/// Lets the real conda install packages of the channel `main` into a folder, which it makes. The
/// environment is compared with one that is unpacked in a folder and was made for a prefix, if they
/// are given: a line for each path that differs. `None` if conda cannot be set up here.
#[track_caller]
pub(crate) fn real_conda(
    channel: &Channel,
    packages: &[&str],
    prefix: &Path,
    compared: Option<(&Path, &str)>,
) -> Option<String> {
    let built = repository().join("fixtures/built/conda");
    // It is set up and its channel written by one at a time.
    let _lock = lock("conda");
    if !built.join("conda-meta/history").is_file() && !super::network() {
        return None;
    }
    let mut command = Command::new("python3");
    command
        .arg(repository().join("fixtures/second_opinion.py"))
        .arg(channel.dir.join("main"))
        .arg("--prefix")
        .arg(prefix);
    if let Some((tree, made_for)) = compared {
        command.arg("--compare").arg(tree).arg("--as").arg(made_for);
    }
    let output = command.arg("--install").args(packages).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("needs a CPython 3.6") {
        skip(said.trim());
        return None;
    }
    // 3 says that there are differences.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
