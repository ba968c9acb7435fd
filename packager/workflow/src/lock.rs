//! Locking: the exact packages of a project, decided by `plan` and written by `execute`.

use std::io;
use std::path::PathBuf;

use mlpack_lock::{Error as LockError, LockFile, LockTarget};
use mlpack_project::check::{Finding, Needs};
use mlpack_project::image::{Change, Contents};
use serde::Serialize;

use crate::base::select;
use crate::checks::{Checks, OnError};
use crate::environment::{self, EnvironmentInputs, resolve};
use crate::inputs::{Destination, Inputs};
use crate::lock_use::{note_differences, recorded_inputs};
use crate::{Error, ProjectRequest, Refusal, Result, Session};

/// A lock file to write or to compare.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project.
    pub project: ProjectRequest,
    /// Which packages are upgraded.
    pub update: Update,
    /// Whether an out-of-date file is refused instead of rewritten.
    pub check: bool,
}

/// Which packages are upgraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// None that can be kept.
    None,
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

/// How a lock file compares with its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum State {
    /// It is checked and up to date.
    #[serde(rename = "fits")]
    Checked,
    /// Nothing is to be written.
    #[serde(rename = "up to date")]
    UpToDate,
    /// It is written.
    #[serde(rename = "written")]
    Written,
}

/// What becomes of a lock file.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The file, relative to the current directory.
    #[serde(rename = "lock")]
    pub name: String,
    /// How it compares with the project.
    pub state: State,
    /// Number of packages.
    pub packages: usize,
    /// Packages that differ from those of the file as it is.
    pub changes: Vec<Change>,
    #[serde(skip)]
    write: Option<Write>,
}

#[derive(Debug)]
struct Write {
    path: PathBuf,
    lock: LockFile,
    links: Vec<PathBuf>,
}

/// Decides what becomes of the lock file of a project.
///
/// # Errors
/// [`Refusal::NoLock`] and [`Refusal::StaleLock`] if the request is to check, else
/// [`Refusal::Findings`] if lines of the lists cannot be installed; or if packages cannot be found.
pub fn plan(session: &Session, request: &Request) -> Result<Plan> {
    let mut project = request.project.clone();
    if project.inference_config.is_none() {
        // No entry script is needed to lock a conda file.
        project.options.entry_script.get_or_insert_with(|| "score.py".to_owned());
    }
    let inputs = Inputs::read(session, &project)?;
    if let (None, Some(source)) = (&inputs.conda, &inputs.project.conda) {
        return Err(Error::io("read", source.path().display())(io::ErrorKind::NotFound.into()));
    }
    let mut report = |finding: &Finding| session.reporter.finding(finding);
    let nowhere = Destination::default();
    let mut checks =
        Checks::new(session, &inputs, &nowhere, &project.allow, OnError::Stop, &mut report);
    // Before anything is downloaded.
    if !request.check {
        checks.run_of_packages(Needs::Project)?;
    }
    let base = select(session, &project, &inputs.project, None)?.base;
    let interpreter = environment::select(&project, inputs.conda.as_ref(), &base)?;
    if !request.check {
        checks.subject.set_base(&base.facts, interpreter.python(inputs.conda.as_ref()));
        checks.run_of_packages(Needs::Base)?;
    }
    let on = EnvironmentInputs::of(&inputs, &interpreter, &base);
    let links = session.packages.indexes.folders(inputs.directory());
    let (name, path) = (session.relative(&inputs.lock), inputs.lock.clone());
    let lock = Lock { session, on, name, path, links };
    if request.check { lock.check() } else { lock.renew(&request.update) }
}

/// Writes the lock file, if the plan says so.
///
/// # Errors
/// If it cannot be written.
pub fn execute(session: &Session, plan: &Plan) -> Result<()> {
    if let Some(Write { path, lock, links }) = &plan.write {
        lock.save(path, session.lock_places(links))?;
    }
    Ok(())
}

/// The lock file of a project on its base.
struct Lock<'a> {
    session: &'a Session,
    on: EnvironmentInputs<'a>,
    name: String,
    path: PathBuf,
    /// Folders of wheels, which the file names relative to itself.
    links: Vec<PathBuf>,
}

impl Lock<'_> {
    fn check(self) -> Result<Plan> {
        let Some(lock) = LockFile::load(&self.path, self.session.lock_places(&self.links))? else {
            return Err(Refusal::NoLock { lock: self.name }.into());
        };
        let now = recorded_inputs(self.session, self.on, &self.path)?;
        let fit = lock.fit(&now, &self.on.selection.interpreter, &self.on.locked_base());
        if !fit.is_good() {
            let differences = fit.differences;
            return Err(Refusal::StaleLock { lock: self.name, differences }.into());
        }
        note_differences(self.session, &self.name, &fit);
        Ok(self.unchanged(State::Checked, &lock))
    }

    fn renew(self, update: &Update) -> Result<Plan> {
        // A file that is replaced as a whole need not be readable.
        let before = match update {
            Update::All => {
                LockFile::load(&self.path, self.session.lock_places(&self.links)).ok().flatten()
            }
            _ => LockFile::load(&self.path, self.session.lock_places(&self.links))?,
        };
        let inputs = recorded_inputs(self.session, self.on, &self.path)?;
        let target = &self.on.selection.interpreter;
        if let Some(lock) = before.as_ref().filter(|_| *update == Update::None) {
            let mut fit = lock.fit(&inputs, target, &self.on.locked_base());
            if fit.is_good() {
                let other_base = fit.other_base.take().is_some();
                note_differences(self.session, &self.name, &fit);
                if !other_base {
                    return Ok(self.unchanged(State::UpToDate, lock));
                }
                // The same packages run on another base: only its name is updated.
                let lock = LockFile { base: self.on.locked_base(), ..lock.clone() };
                return Ok(self.written(before.as_ref(), lock));
            }
            let note = format!("{} is out of date: {}", self.name, fit.differences.join("; "));
            self.session.progress.note(&note);
        }
        let locked = match (&before, update) {
            (Some(lock), Update::None) => Some(lock.without(&[], &self.path)?),
            (Some(lock), Update::Named(names)) => Some(lock.without(names, &self.path)?),
            (None, Update::Named(_)) => {
                return Err(LockError::Missing { path: self.path }.into());
            }
            _ => None,
        };
        let environment = resolve(self.session, self.on, locked.as_ref())?.environment;
        let cuda = match target {
            LockTarget::New { virtual_packages, .. } => virtual_packages.cuda.clone(),
            LockTarget::Base(_) => None,
        };
        let base = self.on.locked_base();
        Ok(self.written(before.as_ref(), LockFile { inputs, base, cuda, environment }))
    }

    fn unchanged(self, state: State, lock: &LockFile) -> Plan {
        let packages = lock.environment.conda.len() + lock.environment.packages.len();
        Plan { name: self.name, state, packages, changes: Vec::new(), write: None }
    }

    fn written(self, before: Option<&LockFile>, lock: LockFile) -> Plan {
        if before == Some(&lock) {
            return self.unchanged(State::UpToDate, &lock);
        }
        let changes = match before {
            Some(before) => Contents::of_lock(before).changes(&Contents::of_lock(&lock)),
            None => Vec::new(),
        };
        let (path, links) = (self.path.clone(), self.links.clone());
        let unchanged = self.unchanged(State::Written, &lock);
        Plan { changes, write: Some(Write { path, lock, links }), ..unchanged }
    }
}
