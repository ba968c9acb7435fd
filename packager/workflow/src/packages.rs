//! The packages of a plan: resolved, looked into for the checks, and downloaded only once.

use mlpack_install::{
    Bytecode, Fetched, InstallOptions, Installation, Inventory, Pruned, fetch_packages, install,
};
use mlpack_lock::{LockedEnvironment, incompatibilities};
use mlpack_packages::Settings;
use mlpack_requirements::CondaFile;
use mlpack_resolve::Resolution;

use crate::environment::EnvironmentInputs;
use crate::inputs::Inputs;
use crate::lock_use::locked;
use crate::{LockUse, PackageRequest, Refusal, Result, Session, remembered};

/// Exact packages and how they are installed.
pub(crate) struct Packages {
    pub(crate) environment: LockedEnvironment,
    /// With the indexes and logins that the pip list names.
    settings: Settings,
    /// Lends the logins of its channels to archives that are not in the cache.
    conda: Option<CondaFile>,
    slim: bool,
    bytecode: Option<Bytecode>,
    fetched: Option<Fetched>,
}

impl Packages {
    /// Takes the packages from the lock file or resolves them, and fails if one of them does not
    /// run on the base.
    pub(crate) fn find(
        session: &Session,
        request: &PackageRequest,
        inputs: &Inputs,
        on: EnvironmentInputs<'_>,
    ) -> Result<Self> {
        let named = request.project.lock.is_some();
        let Resolution { environment, settings, .. } = match request.lock_use {
            LockUse::Ignored => remembered::resolve(session, on, &inputs.lock, request.refresh)?,
            lock_use => match locked(session, on, &inputs.lock, lock_use, named)? {
                Some(resolution) => resolution,
                None => remembered::resolve(session, on, &inputs.lock, request.refresh)?,
            },
        };
        let wrong = incompatibilities(&environment, &environment.target);
        if let Some(first) = wrong.first() {
            let message = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            return Err(Refusal::Incompatible { message, hint: first.hint().to_owned() }.into());
        }
        let bytecode = match request.bytecode {
            true => {
                let python = environment.target.python;
                let found = Bytecode::find(python, session.mtime, session.threads, &settings);
                Some(session.runtime.block_on(found)?)
            }
            false => None,
        };
        let (conda, slim) = (inputs.conda.clone(), request.slim);
        Ok(Self { environment, settings, conda, slim, bytecode, fetched: None })
    }

    /// Returns what the packages contain. They are downloaded if one was never looked into.
    pub(crate) fn inventory(&mut self, session: &Session) -> Result<Inventory> {
        if let Some(known) = Inventory::known(&self.environment, &session.cache)? {
            return Ok(known);
        }
        let fetched = self.fetch(session)?;
        let inventory = Inventory::read(&fetched, &session.cache, session.threads)?;
        self.fetched = Some(fetched);
        Ok(inventory)
    }

    fn fetch(&mut self, session: &Session) -> mlpack_install::Result<Fetched> {
        if let Some(fetched) = self.fetched.take() {
            return Ok(fetched);
        }
        let (conda, progress) = (self.conda.as_ref(), &*session.progress);
        let fetched = fetch_packages(&self.environment, conda, &self.settings, progress);
        session.runtime.block_on(fetched)
    }

    fn options(&self) -> InstallOptions<'_> {
        InstallOptions { slim: self.slim, bytecode: self.bytecode.as_ref() }
    }

    /// Returns what of the options shows in the layers.
    pub(crate) fn options_key(&self) -> String {
        self.options().key()
    }

    /// Lists the files of the packages; they are downloaded if they are not in the cache.
    pub(crate) fn install(&mut self, session: &Session) -> mlpack_install::Result<Installation> {
        let fetched = self.fetch(session)?;
        let installed = install(&fetched, &self.environment, &self.options())?;
        for note in &installed.notes {
            session.progress.note(note);
        }
        for Pruned { rule, files, bytes } in installed.pruned() {
            let megabytes = bytes as f64 / 1e6;
            let rule = rule.words();
            session.progress.note(&format!("Omitted {rule}: {files} files, {megabytes:.1} MB"));
        }
        Ok(installed)
    }
}
