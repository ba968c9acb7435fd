//! What a command works with: settings read from the outside once, and the rooms made from them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use etcetera::BaseStrategy as _;
use mlpack_deploy::{Connections, Deployer, DeploymentConfig, deployer_for};
use mlpack_engine::Engine;
use mlpack_oci::archive::{Flavour, open_docker_archive, open_oci_archive, write_archive};
use mlpack_oci::layer::LayerOptions;
use mlpack_oci::layout::Layout;
use mlpack_oci::{Image, Location, PinnedReference, Platform, Progress};
use mlpack_packages::CondaSettings;
use mlpack_project::base::{Catalogue, IndexCache};
use mlpack_project::image::Templates;
use mlpack_project::project::RegistryAccess;
use mlpack_registry::{Client, CredentialStore, Credentials, Proxies, Secret};
use mlpack_requirements::{IndexUrl, Indexes};
use tokio::runtime::Runtime;

use crate::args::{Format, Global};
use crate::failure::{Failure, Result};
use crate::outside::{self, conda_files, credential_files, is_on, variable};
use crate::stage::Stage;
use crate::{embedded, output, progress};

/// The outside world, read once.
pub(crate) struct Context {
    pub(crate) format: Format,
    pub(crate) cwd: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) catalogue: Catalogue,
    pub(crate) templates: Templates,
    pub(crate) runtime: Runtime,
    /// Threads for compressing and reading layers.
    pub(crate) threads: usize,
    global: Global,
    password: OnceLock<String>,
    /// The registry that the login of the flags is for.
    login_host: OnceLock<String>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        let terminal = output::decide(&global);
        let cwd = outside::current_dir().map_err(Failure::io("find", "the current directory"))?;
        let cache = match &global.cache_dir {
            Some(dir) => cwd.join(dir),
            None => etcetera::choose_base_strategy()
                .map_err(|error| Failure::Other {
                    message: format!("no folder for the cache: {error}"),
                    hint: Some("set MLPACK_CACHE_DIR".to_owned()),
                })?
                .cache_dir()
                .join("mlpack"),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("start", "the runtime"))?;
        Ok(Self {
            format: global.format,
            cwd,
            cache,
            progress: progress::listener(terminal, global.quiet),
            catalogue: Catalogue::parse(embedded::BASE_IMAGES.iter().copied())?,
            templates: Templates::new(embedded::TEMPLATES.iter().copied()),
            runtime,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            global,
            password: OnceLock::new(),
            login_host: OnceLock::new(),
        })
    }

    /// Indexes of layers that were read before.
    pub(crate) fn indexes(&self) -> IndexCache {
        IndexCache::new(self.cache.join("indexes"))
    }

    /// Modification time of what is packed: `SOURCE_DATE_EPOCH`, or the default.
    pub(crate) fn mtime(&self) -> Result<u64> {
        let Some(text) = variable("SOURCE_DATE_EPOCH") else {
            return Ok(LayerOptions::DEFAULT_MTIME);
        };
        text.parse().map_err(|_| {
            Failure::usage(
                format!("SOURCE_DATE_EPOCH is `{text}`"),
                "it is a whole number of seconds since 1970",
            )
        })
    }

    /// How packages are found and fetched.
    pub(crate) fn environment(
        &self,
        interpreters: &[PathBuf],
        exclude_newer: Option<&str>,
    ) -> Result<mlpack_packages::Settings> {
        let index = |name: &str, text: &str| -> Result<IndexUrl> {
            text.parse().map_err(|error| {
                Failure::usage(
                    format!("{name} is not an address: {error}"),
                    "write it as https://HOST/simple",
                )
            })
        };
        let main = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]
            .into_iter()
            .find_map(|name| Some((name, variable(name)?)));
        let extra = ["UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"]
            .into_iter()
            .find_map(|name| Some((name, variable(name)?)));
        let mut settings = mlpack_packages::Settings::new(&self.cache);
        settings.current_dir.clone_from(&self.cwd);
        settings.uv = variable("MLPACK_UV").map(PathBuf::from);
        settings.search_path = outside::search_path();
        settings.interpreters = interpreters.iter().map(|path| self.cwd.join(path)).collect();
        settings.exclude_newer = exclude_newer.map(str::to_owned);
        settings.conda = conda_settings()?;
        settings.variables = outside::variables().collect();
        settings.indexes = Indexes {
            index: main.map(|(name, text)| index(name, &text)).transpose()?,
            extra: match extra {
                Some((name, text)) => {
                    text.split_whitespace().map(|text| index(name, text)).collect::<Result<_>>()?
                }
                None => Vec::new(),
            },
            find_links: variable("UV_FIND_LINKS")
                .or_else(|| variable("PIP_FIND_LINKS"))
                .map(|text| text.split([' ', ',']).map(str::to_owned).collect())
                .unwrap_or_default(),
            no_index: is_on("UV_NO_INDEX") || is_on("PIP_NO_INDEX"),
        };
        Ok(settings)
    }

    /// A client for registries. `access` is the base image's own login, which counts after the
    /// flags and before everything stored.
    pub(crate) fn registry(&self, access: Option<&RegistryAccess>) -> Result<Client> {
        let mut store = CredentialStore::default();
        let flags = &self.global.registry;
        // A password is for one registry; the others of a command never see it.
        let bound = self.login_host.get();
        if let (Some(username), Some(host)) = (&flags.username, bound) {
            let password = self.password()?;
            store = store.with(
                host.clone(),
                Credentials::Basic { username: username.clone(), password: Secret::new(password) },
            );
        }
        if let Some(RegistryAccess { address: Some(address), username, password }) = access {
            store = store.with(
                address.clone(),
                match (username, password) {
                    (Some(username), Some(password)) => Credentials::Basic {
                        username: username.clone(),
                        password: Secret::new(password.reveal()),
                    },
                    _ => Credentials::Anonymous,
                },
            );
        }
        if let (Some(username), Some(password), Some(host)) =
            (variable("MLPACK_REGISTRY_USERNAME"), variable("MLPACK_REGISTRY_PASSWORD"), bound)
        {
            let password = Secret::new(password);
            store = store.with(host.clone(), Credentials::Basic { username, password });
        }
        // Sent to nobody but the registry itself, which gives a token of its own for it.
        if let (Some(token), Some(host)) = (variable("MLPACK_REGISTRY_AZURE_TOKEN"), bound) {
            let token = Credentials::AzureAccessToken(Secret::new(token));
            store = store.with(host.clone(), token);
        }
        for file in credential_files() {
            store = store.with_file(file);
        }
        let mut settings = mlpack_registry::Settings::new(self.cache.join("registry"));
        settings.credentials = store;
        settings.ca_certs = flags.ca_cert.iter().map(|file| self.cwd.join(file)).collect();
        settings.insecure_registries.clone_from(&flags.insecure_registry);
        settings.proxies = Proxies {
            https: variable("HTTPS_PROXY").or_else(|| variable("https_proxy")),
            http: variable("HTTP_PROXY").or_else(|| variable("http_proxy")),
            no_proxy: variable("NO_PROXY").or_else(|| variable("no_proxy")),
        };
        Ok(Client::new(settings, self.runtime.handle().clone())?)
    }

    /// Gives the login of the flags to the registry of `location`, unless another has it already:
    /// a command offers its output first, then what it reads.
    pub(crate) fn log_in_to(&self, location: &Location) {
        if let Location::Registry(reference) = location {
            let _ = self.login_host.set(reference.registry().to_owned());
        }
    }

    /// The user of `--username`.
    pub(crate) fn username(&self) -> Option<&str> {
        self.global.registry.username.as_deref()
    }

    /// The password of `--password-stdin`, read once.
    pub(crate) fn password(&self) -> Result<String> {
        if let Some(known) = self.password.get() {
            return Ok(known.clone());
        }
        let mut text = String::new();
        std::io::stdin()
            .take(64 << 10)
            .read_to_string(&mut text)
            .map_err(Failure::io("read", "the password from standard input"))?;
        Ok(self.password.get_or_init(|| text.trim_end_matches(['\r', '\n']).to_owned()).clone())
    }

    /// The Docker engine.
    pub(crate) fn engine(&self) -> Result<Engine> {
        let host = variable("DOCKER_HOST");
        Ok(self.runtime.block_on(Engine::connect(host.as_deref()))?)
    }

    /// The deployer of the compute target that a deployment config names.
    pub(crate) fn deployer(
        &self,
        config: &DeploymentConfig,
        compute_target: Option<&str>,
    ) -> Result<Box<dyn Deployer>> {
        let connections = Connections { docker_host: variable("DOCKER_HOST") };
        Ok(self.runtime.block_on(deployer_for(config, compute_target, &connections))?)
    }

    /// Opens an image wherever it is.
    pub(crate) fn open(
        &self,
        location: &Location,
        platform: &Platform,
        access: Option<&RegistryAccess>,
    ) -> Result<Image> {
        self.log_in_to(location);
        let at = |path: &Path| self.cwd.join(path);
        Ok(match location {
            Location::Layout { dir, tag } => {
                Layout::open(at(dir))?.image(tag.as_deref(), platform)?
            }
            Location::OciArchive { file, tag } => {
                open_oci_archive(&at(file), tag.as_deref(), platform)?
            }
            Location::DockerArchive { file, tag } => {
                open_docker_archive(&at(file), tag.as_deref(), platform)?
            }
            Location::Engine { name } => {
                let engine = self.engine()?;
                self.runtime.block_on(engine.image(name, &self.cache, platform, &*self.progress))?
            }
            Location::Registry(reference) => {
                let client = self.registry(access)?;
                self.runtime.block_on(client.image(reference, platform))?
            }
        })
    }

    /// Puts an image where it shall go.
    pub(crate) fn put(
        &self,
        image: &Image,
        location: &Location,
        access: Option<&RegistryAccess>,
    ) -> Result<PinnedReference> {
        self.log_in_to(location);
        let at = |path: &Path| self.cwd.join(path);
        // The place is printed as it was written, so that it can be pasted back.
        let as_written = |pinned: PinnedReference, path: &Path| PinnedReference {
            place: pinned.place.replace(&*at(path).to_string_lossy(), &path.to_string_lossy()),
            ..pinned
        };
        let progress = &*self.progress;
        Ok(match location {
            Location::Layout { dir, tag } => {
                as_written(Layout::create(at(dir))?.put(image, tag.as_deref(), progress)?, dir)
            }
            Location::OciArchive { file, tag } => as_written(
                write_archive(image, &at(file), Flavour::Oci, tag.as_deref(), progress)?,
                file,
            ),
            Location::DockerArchive { file, tag } => as_written(
                write_archive(image, &at(file), Flavour::Docker, tag.as_deref(), progress)?,
                file,
            ),
            Location::Engine { name } => {
                let engine = self.engine()?;
                self.runtime.block_on(engine.load(image, name, progress))?
            }
            Location::Registry(reference) => {
                let client = self.registry(access)?;
                self.runtime.block_on(client.push(image, reference, &[], progress))?.pinned
            }
        })
    }

    /// Where new layers are written: into the output itself if it is a layout, else into a folder
    /// that goes when the command ends.
    pub(crate) fn stage(&self, output: &Location) -> Result<Stage> {
        match output {
            Location::Layout { dir, .. } => Stage::in_layout(&self.cwd.join(dir)),
            _ => Stage::temporary(&self.cache.join("stage")),
        }
    }
}

/// Mirrors of conda channels, by the variables and files that conda itself reads (conda
/// documentation, "Settings" and "Searching for .condarc").
fn conda_settings() -> Result<CondaSettings> {
    let list = |name: &str| {
        let parts = |text: String| {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        variable(name).map(parts)
    };
    let alias = variable("CONDA_CHANNEL_ALIAS").map(|alias| {
        alias.parse().map_err(|error| {
            Failure::usage(
                format!("CONDA_CHANNEL_ALIAS is not an address: {error}"),
                "write it as https://HOST/PATH",
            )
        })
    });
    Ok(CondaSettings {
        alias: alias.transpose()?,
        defaults: list("CONDA_DEFAULT_CHANNELS"),
        channels: list("CONDA_CHANNELS"),
        files: if is_on("MLPACK_NO_CONDARC") { Vec::new() } else { conda_files() },
    })
}
