//! Azure's inference server in an environment made from PyPI.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::get;
use crate::kit::pythons;

/// Downloads the newest pip into the current folder and lets it install itself. The page of files is what every index has
/// (PEP 503), newest last.
const FETCH_PIP: &str = r##"
import os, re, subprocess, sys, urllib.parse, urllib.request
page = os.environ.get('PIP_INDEX_URL', 'https://pypi.org/simple').rstrip('/') + '/pip/'
text = urllib.request.urlopen(page, timeout=60).read().decode()
link = re.findall(r'href="([^"#]*/pip-[0-9.]+-py3-none-any\.whl)', text)[-1]
wheel = link.rpartition('/')[2]
urllib.request.urlretrieve(urllib.parse.urljoin(page, link), wheel)
sys.exit(subprocess.call([sys.executable, wheel + '/pip', 'install', '--quiet', wheel]))
"##;

/// A virtual environment with the server.
pub(crate) struct Environment(PathBuf);

impl Environment {
    /// Makes an environment of a name below `target/`, or uses the one that is there.
    ///
    /// # Errors
    /// Why the test is skipped.
    pub(crate) fn make(name: &str, minor: u32, packages: &[&str]) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-3.{minor}"));
        // Tests that need the same one wait for the first.
        let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let environment = Self(folder);
        let complete = environment.0.join("complete");
        if complete.exists() {
            return Ok(environment);
        }
        let Some((_, python)) = pythons().into_iter().find(|(found, _)| *found == minor) else {
            return Err(format!("no Python 3.{minor}"));
        };
        let _ = std::fs::remove_dir_all(&environment.0);
        let made = |more: &[&str]| {
            let mut venv = Command::new(&python);
            let output = venv.args(["-m", "venv"]).args(more).arg(&environment.0).output();
            output.is_ok_and(|output| output.status.success())
        };
        // Debian's Python has no ensurepip.
        let bare = || made(&["--clear", "--without-pip"]) && environment.fetch_pip();
        if !made(&["--clear"]) && !bare() {
            return Err("cannot make a virtual environment".to_owned());
        }
        // The pip of an old Python installs what contradicts itself.
        environment.install(&["--upgrade", "pip"])?;
        environment.install(packages)?;
        std::fs::write(complete, "").map_err(|error| error.to_string())?;
        Ok(environment)
    }

    /// Installs pip from its own wheel, which Python can run.
    fn fetch_pip(&self) -> bool {
        let mut fetch = Command::new(self.python());
        fetch.args(["-c", FETCH_PIP]).current_dir(&self.0);
        fetch.status().is_ok_and(|status| status.success())
    }

    fn install(&self, arguments: &[&str]) -> Result<(), String> {
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet"]).args(arguments);
        let output = pip.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let offline = ["NewConnectionError", "Name or service not known", "ConnectTimeoutError"];
        assert!(offline.iter().any(|sign| text.contains(sign)), "{text}");
        Err("no network".to_owned())
    }

    /// The server's program.
    pub(crate) fn program(&self) -> PathBuf {
        self.0.join("bin/azmlinfsrv")
    }

    /// Its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.0.join("bin/python")
    }
}

/// A running server.
pub(crate) struct Reference {
    child: Child,
    pub(crate) address: String,
    _dir: tempfile::TempDir,
}

impl Reference {
    /// Starts the server and waits until it answers.
    pub(crate) fn start(
        environment: &Environment,
        script: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("score.py"), script).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(environment.program());
        command.args(["--entry_script", "score.py", "--port", &free.port().to_string()]);
        command.current_dir(dir.path()).envs(settings.iter().copied()).process_group(0);
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let address = free.to_string();
        while TcpStream::connect(&address).is_err() || get(&address, "/").status != 200 {
            let mut text = String::new();
            if child.try_wait().unwrap().is_some() {
                let mut log = std::fs::File::open(dir.path().join("log")).unwrap();
                log.read_to_string(&mut text).unwrap();
                panic!("the server did not start:\n{text}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Self { child, address, _dir: dir }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let command = format!("kill -s KILL -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &command]).status();
        let _ = self.child.wait();
    }
}
