//! What every verb starts from: the global options, and sessions made of them.

use std::path::PathBuf;
use std::sync::Arc;

use mlpack_environment::Settings;
use mlpack_oci::Progress;
use mlpack_oci::layer::LayerOptions;
use mlpack_project::base::Catalogue;
use mlpack_project::image::Templates;
use mlpack_workflow::Session;
use tokio::runtime::Runtime;

use crate::args::{ProjectArgs, RegistryArgs};
use crate::cli::{Format, Global};
use crate::failure::{Failure, Result};
use crate::reporter::Printer;
use crate::{embedded, output, progress, settings};

/// The global options of a run.
pub(crate) struct Context {
    pub(crate) format: Format,
    cache_dir: Option<PathBuf>,
    progress: Arc<dyn Progress>,
    runtime: Runtime,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        let terminal = output::decide(global.color);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("start", "the runtime"))?;
        Ok(Self {
            format: global.format,
            cache_dir: global.cache_dir,
            progress: progress::listener(terminal, global.quiet),
            runtime,
        })
    }

    /// Returns the current directory.
    #[allow(clippy::unused_self, reason = "verbs ask their context, not the environment")]
    pub(crate) fn cwd(&self) -> Result<PathBuf> {
        settings::current_dir().map_err(Failure::io("find", "the current directory"))
    }

    /// Returns the documents that projects are made of.
    #[allow(clippy::unused_self, reason = "verbs ask their context, not the environment")]
    pub(crate) fn templates(&self) -> Templates {
        Templates::new(embedded::TEMPLATES.iter().copied())
    }

    /// Makes a session for a verb that reads and moves images.
    pub(crate) fn session(&self, registry: &RegistryArgs) -> Result<Session> {
        let cwd = self.cwd()?;
        let cache = match &self.cache_dir {
            Some(dir) => dir.clone(),
            None => settings::cache_dir()?,
        };
        let cache = cwd.join(cache);
        Ok(Session {
            registries: settings::registries(&cwd, registry),
            packages: Settings::new(&cache),
            cwd,
            cache,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            mtime: LayerOptions::DEFAULT_MTIME,
            version: env!("CARGO_PKG_VERSION"),
            catalogue: Catalogue::parse(embedded::BASE_IMAGES.iter().copied())?,
            templates: self.templates(),
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
        let session = self.session(registry)?;
        let packages = settings::packages(&session.cwd, &session.cache, project)?;
        Ok(Session { packages, mtime: settings::mtime()?, ..session })
    }
}
