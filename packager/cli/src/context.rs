//! What every verb starts from: the global options, and sessions made of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::Args;
use mlpack_cache::{CacheFolder, InUse};
use mlpack_documents::Templates;
use mlpack_oci::Progress;
use mlpack_oci::layer::LayerOptions;
use mlpack_packages::Settings;
use mlpack_project::base::Catalogue;
use mlpack_project::image::FrontDoor;
use mlpack_workflow::Session;
use tokio::runtime::{Handle, Runtime};

use crate::args::{ProjectArgs, RegistryArgs};
use crate::failure::{Failure, Result};
use crate::output::{Format, When};
use crate::reporter::Printer;
use crate::{embedded, output, progress, settings};

/// Options of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Format of results and errors
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When to use colors and progress bars
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,
    /// Do not show progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    // Not clap's `env`: a variable that is set would appear in every usage line.
    /// Cache directory [env: MLPACK_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What verbs start from.
pub(crate) struct Context {
    pub(crate) format: Format,
    cache_dir: Option<PathBuf>,
    /// Keeps what is in the cache until the command ends.
    cache_in_use: OnceLock<InUse>,
    progress: Arc<dyn Progress>,
    runtime: Runtime,
    /// The command line, for what describes it.
    pub(crate) command_line: fn() -> clap::Command,
}

impl Context {
    pub(crate) fn new(global: Global, command_line: fn() -> clap::Command) -> Result<Self> {
        let no_color = settings::variable("NO_COLOR").is_some();
        let terminal = output::decide(global.color, no_color);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("start", "the runtime"))?;
        Ok(Self {
            format: global.format,
            cache_dir: global.cache_dir,
            cache_in_use: OnceLock::new(),
            progress: progress::listener(terminal, global.quiet),
            runtime,
            command_line,
        })
    }

    /// Returns what runs tasks.
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Returns the current directory.
    pub(crate) fn cwd(&self) -> Result<PathBuf> {
        settings::current_dir().map_err(Failure::io("find", "the current directory"))
    }

    /// Returns the cache directory, absolute.
    pub(crate) fn cache_dir(&self) -> Result<PathBuf> {
        let cache = match &self.cache_dir {
            Some(dir) => dir.clone(),
            None => settings::cache_dir()?,
        };
        Ok(self.cwd()?.join(cache))
    }

    /// Returns what receives progress.
    pub(crate) fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// Marks the cache and keeps what is in it. One that cannot be written is reported when it has to
    /// be: many verbs do without.
    fn hold_cache(&self, dir: &Path) -> Result<()> {
        if self.cache_in_use.get().is_some() {
            return Ok(());
        }
        match CacheFolder::open(dir).and_then(|cache| cache.hold(self.progress())) {
            Ok(held) => {
                let _ = self.cache_in_use.set(held);
                Ok(())
            }
            Err(mlpack_cache::Error::Io { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the documents that projects are made of.
    pub(crate) fn templates(&self) -> Templates {
        Templates::new(embedded::TEMPLATES.iter().copied())
    }

    /// Makes a session for a verb that reads and moves images.
    pub(crate) fn session(&self, registry: &RegistryArgs) -> Result<Session> {
        let cwd = self.cwd()?;
        let cache = self.cache_dir()?;
        self.hold_cache(&cache)?;
        Ok(Session {
            registries: registry.add_to(settings::registries(), &cwd),
            packages: Settings { current_dir: cwd.clone(), ..Settings::new(&cache) },
            workspace_folder: cwd.clone(),
            kubeconfigs: settings::kubeconfigs(&cwd),
            azure: settings::azure(&cwd),
            cwd,
            cache,
            threads: threads(),
            mtime: LayerOptions::DEFAULT_MTIME,
            version: env!("CARGO_PKG_VERSION"),
            workspace: settings::variable("MLPACK_WORKSPACE"),
            now: settings::now(0),
            strict: false,
            catalogue: Catalogue::parse(embedded::BASE_IMAGES.iter().copied())?,
            templates: self.templates(),
            front_door: FrontDoor::default(),
            docker_host: settings::variable("DOCKER_HOST"),
            platform: settings::platform(),
            runtime: self.runtime.handle().clone(),
            progress: Arc::clone(&self.progress),
            reporter: Arc::new(Printer::new(self.format)),
        })
    }

    /// Makes a session for a verb that resolves and packs a project.
    pub(crate) fn packaging(
        &self,
        registry: &RegistryArgs,
        project: Option<&ProjectArgs>,
    ) -> Result<Session> {
        let mut session = self.session(registry)?;
        if let Some(project) = project {
            session = project.in_workspace(session);
        }
        let mut packages = settings::packages(session.packages.clone())?;
        if let Some(project) = project {
            packages = project.add_to(packages, &session.cwd);
        }
        let front_door = settings::front_door(&session.cwd)?;
        let strict = project.is_some_and(ProjectArgs::is_strict);
        Ok(Session { packages, front_door, strict, mtime: settings::mtime()?, ..session })
    }
}

/// Returns the number of threads that hash, compress and read.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
