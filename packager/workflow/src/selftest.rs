//! Runs the files of an image on this machine, without a container engine: `init()`, and `run()` with a sample.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use mlpack_deploy::{Ended, explain_end};
use mlpack_oci::pending::PendingFolder;
use mlpack_oci::rootfs::unpack;
use mlpack_oci::{Image, Platform};
use mlpack_project::image::{FRONT_DOOR, WORKER};
use mlpack_source_build::find_program;

use crate::{Error, Refusal, Result, Session};

/// A test of a new image before it is sent to its destination.
#[derive(Debug, Clone, Default)]
pub struct Selftest {
    /// The body of the request; the sample of the script's schema if there is none.
    pub input: Option<PathBuf>,
}

/// Where the body of the request is in the image's file system.
const INPUT: &str = "tmp/mlpack-selftest-input";

/// Mounts what programs expect, and runs the rest of the arguments.
const MOUNT: &str = "\
mount=$1 root=$2; shift 2
\"$mount\" --rbind /dev \"$root/dev\"
\"$mount\" -t proc proc \"$root/proc\"
exec \"$@\"";

const NO_SAMPLE: &str = "the self-test called init() only: the script has no schema with a sample; give the body of a request with `--selftest-input`";

/// How many lines of the log are shown.
const SHOWN_LINES: usize = 30;

/// How the root of a process is changed on this machine.
pub(crate) struct Runner {
    input: Option<PathBuf>,
    unshare: PathBuf,
    namespaces: &'static [&'static str],
    mount: PathBuf,
    chroot: PathBuf,
}

impl Runner {
    /// Finds the programs and rights that a test needs, before anything is downloaded.
    pub(crate) fn find(session: &Session, test: &Selftest, platform: &Platform) -> Result<Self> {
        let input = test.input.as_ref().map(|input| session.cwd.join(input));
        if let Some(input) = &input {
            fs::File::open(input).map_err(Error::io("read", session.relative(input)))?;
        }
        let impossible = |reason: String| Error::from(Refusal::CannotTest { reason });
        if platform.architecture != session.platform.architecture {
            return Err(impossible(format!(
                "the image is for {platform}, this machine runs {}",
                session.platform
            )));
        }
        let path = search_path(session.packages.search_path.as_ref());
        let program = |name| {
            find_program(path.as_ref(), name)
                .ok_or_else(|| impossible(format!("there is no `{name}` on PATH")))
        };
        let (unshare, mount, chroot) = (program("unshare")?, program("mount")?, program("chroot")?);
        let mut reason = String::new();
        for namespaces in [
            // As root, where it may: files of other owners can be read.
            &["--mount", "--pid", "--fork", "--kill-child"][..],
            &["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"],
        ] {
            let tried = Command::new(&unshare).args(namespaces).arg("true").output();
            let tried = tried.map_err(Error::io("start", unshare.display()))?;
            if tried.status.success() {
                return Ok(Self { input, unshare, namespaces, mount, chroot });
            }
            reason = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
        }
        Err(impossible(reason))
    }

    /// Unpacks the image and runs the test. The files are deleted afterwards.
    pub(crate) fn run(&self, session: &Session, image: &Image, python: &str) -> Result<()> {
        let parent = session.staging();
        let cache = |source| Error::Cache { path: parent.clone(), source };
        fs::create_dir_all(&parent).map_err(cache)?;
        PendingFolder::sweep(&parent);
        let folder = PendingFolder::new_in(&parent).map_err(cache)?;
        let root = folder.path().join("root");
        let meter = session.progress.begin("Unpacking the image for its self-test", None);
        fs::create_dir(&root).map_err(cache)?;
        unpack(image, &root, &*meter)?;
        meter.finish("unpacked");
        self.prepare(session, &root)?;
        let started = Instant::now();
        let output = self.command(image, &root, python).output();
        let output = output.map_err(Error::io("start", self.unshare.display()))?;
        let log = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let ended =
                Ended { exit_code: output.status.code().map(i64::from), ..Ended::default() };
            let printed = String::from_utf8_lossy(&output.stdout);
            return Err(refusal(&printed, &log, ended).into());
        }
        let seconds = started.elapsed().as_secs_f64();
        match log.contains("run() was not called") {
            true => session.reporter.warning(NO_SAMPLE),
            false => session.progress.note(&format!("Self-test passed in {seconds:.1} s")),
        }
        Ok(())
    }

    /// Adds what a container engine would add to the files of an image.
    fn prepare(&self, session: &Session, root: &Path) -> Result<()> {
        for folder in ["dev", "proc", "tmp", "etc"] {
            let path = root.join(folder);
            // A link of the image would lead to a folder of this machine.
            if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                let _ = fs::remove_file(&path);
                fs::create_dir(&path).map_err(Error::io("make", path.display()))?;
            }
        }
        for file in ["etc/resolv.conf", "etc/hosts"] {
            if let Ok(text) = fs::read(Path::new("/").join(file)) {
                let to = root.join(file);
                let _ = fs::remove_file(&to);
                fs::write(&to, text).map_err(Error::io("write", to.display()))?;
            }
        }
        if let Some(input) = &self.input {
            let copied = fs::copy(input, root.join(INPUT)).map(drop);
            copied.map_err(Error::io("read", session.relative(input)))?;
        }
        Ok(())
    }

    fn command(&self, image: &Image, root: &Path, python: &str) -> Command {
        let mut command = Command::new(&self.unshare);
        command.args(self.namespaces).args(["--", "/bin/sh", "-euc", MOUNT, "sh"]);
        command.arg(&self.mount).arg(root).args(["env", "-i"]);
        let config = image.config.config().clone().unwrap_or_default();
        command.args(config.env().iter().flatten());
        command.arg(&self.chroot).arg(root).args([FRONT_DOOR, "selftest"]);
        if self.input.is_some() {
            command.arg("--input").arg(Path::new("/").join(INPUT));
        }
        command.args(["--", python, WORKER]);
        command.stdin(Stdio::null());
        command
    }
}

/// Returns PATH with the folders of system programs, which an ordinary user's may lack.
fn search_path(path: Option<&OsString>) -> Option<OsString> {
    let mut path = path.cloned().unwrap_or_default();
    path.push(":/usr/sbin:/sbin:/usr/bin:/bin");
    Some(path)
}

fn refusal(printed: &str, errors: &str, ended: Ended) -> Refusal {
    let log = format!("{printed}{errors}");
    let lines: Vec<&str> = log.lines().collect();
    let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    let (cause, hint) = match errors.lines().find_map(|line| line.split_once("run() answered with"))
    {
        Some((_, answer)) => (
            format!("run() answered with{answer}"),
            "fix the script or its sample, or give another body with `--selftest-input`".to_owned(),
        ),
        None => {
            let explanation = explain_end(&log, ended);
            (explanation.cause, explanation.hint)
        }
    };
    Refusal::Selftest { cause, log: shown, hint }
}
