//! A separate home, working directory and environment for every test.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::answer::Substitution;
use super::layout::{blob_path, image};
use super::lock::{lock, shared};
use super::wheels::wheels;
use super::{Answer, skip};

/// Variables that say how this machine reaches package indexes.
const NETWORK: [&str; 12] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
];

/// An entry script with nothing wrong.
const SCRIPT: &str = "\
import json


def init():
    print(\"init was here\", flush=True)


def run(raw_data):
    return {\"sum\": sum(json.loads(raw_data)[\"data\"])}
";

/// The root of this repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A temporary folder with `home` and `work` in it, and the environment of the command.
pub(crate) struct TestContext {
    dir: TempDir,
    variables: BTreeMap<OsString, OsString>,
    substitutions: Vec<Substitution>,
}

impl TestContext {
    /// A context without an index: packages come from the folder of small wheels. The cache is the
    /// one that all tests share. None if there is no uv and none can be fetched.
    #[track_caller]
    pub(crate) fn offline() -> Option<Self> {
        let mut context = Self::bare().inheriting(&["PATH"]);
        context.set("MLPACK_UV", uv()?);
        context.set("UV_FIND_LINKS", wheels());
        context.set("UV_NO_INDEX", "1");
        Some(context)
    }

    /// A context with PyPI, or the index that this machine is configured to use.
    #[track_caller]
    pub(crate) fn online() -> Option<Self> {
        super::network().then(|| Self::bare().inheriting(&["PATH"]).inheriting(&NETWORK))
    }

    /// A context that inherits nothing, for what resolves nothing.
    pub(crate) fn bare() -> Self {
        let dir = tempfile::Builder::new().prefix("mlpack-front-").tempdir().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let mut context = Self { dir, variables: BTreeMap::new(), substitutions: Vec::new() };
        context.set("HOME", context.dir.path().join("home"));
        // The same in every build, so that goldens have the digests of images.
        context.set("MLPACK_FRONT_DOOR", repository().join("fixtures/front-door"));
        // No test reaches Azure, even if `az` of this machine is signed in.
        context.set("MLPACK_AZURE_CLOUD", "http://127.0.0.1:1");
        // The machine's configuration below /etc does not count.
        context.set("MLPACK_NO_CONDARC", "1");
        context.set("TZ", "UTC");
        context.set("LANG", "C.UTF-8");
        let cache = shared().join("cache");
        context.set("MLPACK_CACHE_DIR", &cache);
        for (path, name) in [
            (context.dir.path().to_owned(), "[TEMP]"),
            (cache, "[CACHE]"),
            (super::bases::bases_dir(), "[BASES]"),
            (repository().to_owned(), "[REPOSITORY]"),
        ] {
            context.name(&path.to_string_lossy(), name);
        }
        context
    }

    /// Lets variables of the test's own environment through.
    pub(crate) fn inheriting(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = env::var_os(name) {
                self.set(name, value);
            }
        }
        self
    }

    /// Lets images have the front door that runs.
    pub(crate) fn running(mut self) -> Self {
        self.variables.remove(OsStr::new("MLPACK_FRONT_DOOR"));
        self
    }

    /// Gives this context a separate cache.
    pub(crate) fn own_cache(mut self) -> Self {
        let cache = self.dir.path().join("cache");
        self.set("MLPACK_CACHE_DIR", cache);
        self
    }

    /// Sets a variable of the command's environment.
    pub(crate) fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.variables.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
    }

    /// Lets goldens have `name` where the command prints `text`.
    pub(crate) fn name(&mut self, text: &str, name: &str) {
        self.substitutions.push(Substitution::literal(text, name));
    }

    /// The same for a regular expression.
    pub(crate) fn name_pattern(&mut self, pattern: &str, name: &str) {
        self.substitutions.push(Substitution::pattern(pattern, name));
    }

    /// The folder that everything of this context is in.
    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the working directory.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("work").join(path)
    }

    /// Writes a file in the working directory.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Copies a folder of `fixtures/` into the working directory.
    pub(crate) fn fixture(&self, name: &str) {
        copy(&repository().join("fixtures").join(name), &self.path(""));
    }

    /// A small project: an entry script that adds numbers, no packages but the server, a model.
    /// Arguments of `package` for it on a base, without `--output`.
    pub(crate) fn project(&self, base: &str) -> Vec<String> {
        self.project_under(base, "current")
    }

    /// The same under a policy.
    pub(crate) fn project_under(&self, base: &str, policy: &str) -> Vec<String> {
        self.write("score.py", SCRIPT);
        self.write("environment.yml", "name: sums\ndependencies:\n  - pip:\n    - core==1.0\n");
        self.write(
            "inferenceconfig.json",
            r#"{"entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml"}"#,
        );
        self.write("model.bin", "a model\n".repeat(100));
        self.project_arguments(base, policy)
    }

    /// Arguments of `package` for the small project, whose files are there.
    #[allow(clippy::unused_self, reason = "it is the context's project")]
    pub(crate) fn project_arguments(&self, base: &str, policy: &str) -> Vec<String> {
        let args = [
            "package",
            "--ic",
            "inferenceconfig.json",
            "-m",
            "model=model.bin",
            "--bi",
            base,
            "--policy",
            policy,
        ];
        args.map(str::to_owned).to_vec()
    }

    /// Unpacks what the layers of a layout's image have at a path, all of it without one, into a
    /// folder of the working directory.
    pub(crate) fn unpack(&self, layout: &str, path: &str, folder: &str) {
        fs::create_dir(self.path(folder)).unwrap();
        for layer in image(&self.path(layout)).layers() {
            let mut command = self.program("tar", &["--extract", "--gzip", "--file"]);
            command.arg(blob_path(&self.path(layout), &layer)).arg("--directory").arg(folder);
            if !path.is_empty() {
                command.arg(path);
            }
            // Layers that have nothing there say so and fail.
            let output = command.output().unwrap();
            assert!(output.status.success() || !path.is_empty(), "{output:?}");
        }
    }

    /// The command in this context, not started.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        self.program(env!("CARGO_BIN_EXE_mlpack"), args)
    }

    /// Any program in this context.
    pub(crate) fn program<A: AsRef<OsStr>>(&self, name: &str, args: &[A]) -> Command {
        let mut command = Command::new(name);
        command.args(args).env_clear().envs(&self.variables).current_dir(self.path(""));
        command.stdin(Stdio::null());
        command
    }

    /// Runs the command, quietly: progress and notes differ from run to run.
    pub(crate) fn mlpack<A: AsRef<OsStr>>(&self, args: &[A]) -> Answer {
        let mut command = self.command(args);
        command.arg("--quiet");
        self.answer(command, "")
    }

    /// Runs the command with a text as its standard input.
    pub(crate) fn mlpack_with<A: AsRef<OsStr>>(&self, args: &[A], input: &str) -> Answer {
        let mut command = self.command(args);
        command.arg("--quiet");
        self.answer(command, input)
    }

    /// A text to be compared in the form of an answer.
    pub(crate) fn normalized(&self, text: &str) -> Answer {
        Answer::made_of(text, self.substitutions.clone())
    }

    /// Runs a program and takes what it says.
    pub(crate) fn answer(&self, mut command: Command, input: &str) -> Answer {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Answer::new(&output, self.substitutions.clone())
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A uv for contexts without an index: the one on PATH if it is new enough, else the one that the
/// command itself fetches, which is asked for once.
#[track_caller]
pub(crate) fn uv() -> Option<PathBuf> {
    let _lock = lock("uv");
    let known = shared().join("uv-found");
    if let Ok(path) = fs::read_to_string(&known)
        && Path::new(&path).is_file()
    {
        return Some(path.into());
    }
    let context = TestContext::online()?;
    let base = super::base("debian12-py311");
    let mut args = context.project(&base);
    context.write("environment.yml", "dependencies:\n  - pip:\n    - idna\n");
    args.push("--dry-run".to_owned());
    let answer = context.mlpack(&args);
    let fetched = find(&shared().join("cache"));
    let path = fetched.or_else(|| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).map(|dir| dir.join("uv")).find(|path| path.is_file())
    });
    let Some(path) = path else {
        skip(&format!("no uv: {}", answer.text()));
        return None;
    };
    fs::write(known, path.as_os_str().as_encoded_bytes()).unwrap();
    Some(path)
}

/// A file named `uv` below a folder.
fn find(dir: &Path) -> Option<PathBuf> {
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        let kind = entry.file_type().ok()?;
        if kind.is_file() && entry.file_name() == "uv" {
            return Some(path);
        }
        if kind.is_dir()
            && let Some(found) = find(&path)
        {
            return Some(found);
        }
    }
    None
}
