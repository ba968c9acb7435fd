//! Facts about a base image, each with the layer and path it was read from.

use mlpack_lock::VirtualPackages;
use mlpack_oci::rootfs::{Found, RootFs};
use mlpack_oci::{Digest, Image};
use mlpack_requirements::{Architecture, Glibc, Target};
use serde::{Deserialize, Serialize};

use super::conda::{self, Conda};
use super::fact::{Evidence, Fact};
use super::interpreters::{self, Interpreter};
use crate::{Error, Result};

/// The operating system, as `os-release(5)` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Os {
    /// `ID`: `ubuntu`, `debian`.
    pub id: String,
    /// `VERSION_ID`: `18.04`.
    pub version: Option<String>,
    /// `PRETTY_NAME`.
    pub name: Option<String>,
}

/// A fact as a line of text, and as it is recorded in images built on the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactLine {
    /// `os`, `glibc`, `python` and so on.
    pub name: String,
    /// What was read.
    pub value: String,
    /// Digest of the layer or config it was read from.
    pub digest: Digest,
    /// The path there.
    pub path: String,
}

/// The facts about a base image.
#[derive(Debug, Clone, Serialize)]
pub struct BaseFacts {
    /// Operating system.
    pub os: Option<Fact<Os>>,
    /// As the config names it: `amd64`.
    pub architecture: Fact<String>,
    /// The GNU C library.
    pub glibc: Option<Fact<Glibc>>,
    /// Conda installations, those on `PATH` first.
    pub conda: Vec<Fact<Conda>>,
    /// Interpreters, the one `PATH` finds first in front.
    pub pythons: Vec<Fact<Interpreter>>,
    /// CUDA's version.
    pub cuda: Option<Fact<String>>,
    /// Spark's home.
    pub spark: Option<Fact<String>>,
    /// The user processes run as; empty means root.
    pub user: Fact<String>,
    /// Entrypoint and command of the base.
    pub entrypoint: Fact<Vec<String>>,
    /// Environment variables of the base, in order.
    #[serde(skip)]
    pub env: Vec<String>,
}

impl BaseFacts {
    /// Reads the facts that are in the config, and no layer.
    pub fn of_config(image: &Image) -> Self {
        Self::read(image, &RootFs::default())
    }

    /// Reads all facts from the merged file system and the config.
    pub fn read(image: &Image, root: &RootFs) -> Self {
        let config = image.config.config().clone().unwrap_or_default();
        let env = config.env().clone().unwrap_or_default();
        let variable = |name: &str| {
            env.iter()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let of_config =
            |field: &str| Evidence { digest: image.id.0, path: format!("config {field}") };
        let layer_of = |layer: usize| Evidence {
            digest: image.layers.get(layer).map_or(image.id.0, |layer| layer.digest),
            path: String::new(),
        };
        let at = |found: &Found<'_>| Evidence {
            path: format!("/{}", found.path),
            ..layer_of(found.layer)
        };
        let path = variable("PATH").unwrap_or_else(|| {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()
        });
        let path_dirs: Vec<String> = path.split(':').map(str::to_owned).collect();
        let mut command = config.entrypoint().clone().unwrap_or_default();
        command.extend(config.cmd().clone().unwrap_or_default());
        Self {
            os: os(root, &at),
            architecture: Fact {
                value: image.config.architecture().to_string(),
                evidence: of_config("architecture"),
            },
            glibc: glibc(root, &at),
            conda: conda::find(root, &path_dirs, &at),
            pythons: interpreters::find(root, &path_dirs, &layer_of),
            cuda: cuda(root, &at).or_else(|| {
                let value = variable("CUDA_VERSION")?;
                Some(Fact { value, evidence: of_config("Env CUDA_VERSION") })
            }),
            spark: spark(root, &at).or_else(|| {
                let value = variable("SPARK_HOME")?;
                Some(Fact { value, evidence: of_config("Env SPARK_HOME") })
            }),
            user: Fact {
                value: config.user().clone().unwrap_or_default(),
                evidence: of_config("User"),
            },
            entrypoint: Fact { value: command, evidence: of_config("Entrypoint and Cmd") },
            env,
        }
    }

    /// Returns the interpreter an environment can use: the first on `PATH`.
    pub fn python(&self) -> Option<&Fact<Interpreter>> {
        self.pythons.iter().find(|fact| fact.value.on_path.is_some())
    }

    /// Returns whether a container runs as root, as far as the config says.
    pub fn runs_as_root(&self) -> bool {
        matches!(self.user.value.split(':').next(), Some("" | "root" | "0"))
    }

    /// One line per fact.
    pub fn lines(&self) -> Vec<FactLine> {
        let mut lines = Vec::new();
        let mut add = |name: &str, value: String, evidence: &Evidence| {
            lines.push(FactLine {
                name: name.to_owned(),
                value,
                digest: evidence.digest,
                path: evidence.path.clone(),
            });
        };
        if let Some(os) = &self.os {
            let version = os.value.version.as_deref().unwrap_or("");
            let named = format!("{} {version}", os.value.id);
            add("os", os.value.name.clone().unwrap_or(named), &os.evidence);
        }
        add("architecture", self.architecture.value.clone(), &self.architecture.evidence);
        if let Some(glibc) = &self.glibc {
            add("glibc", glibc.value.to_string(), &glibc.evidence);
        }
        for conda in &self.conda {
            add(
                "conda",
                format!("{} at {}", conda.value.version, conda.value.root),
                &conda.evidence,
            );
        }
        for python in &self.pythons {
            let reached = python.value.on_path.as_ref().map(|path| format!(", on PATH as {path}"));
            let value = format!(
                "{} at {}{}",
                python.value.version,
                python.value.path,
                reached.unwrap_or_default()
            );
            add("python", value, &python.evidence);
        }
        for (name, fact) in [("cuda", &self.cuda), ("spark", &self.spark)] {
            if let Some(fact) = fact {
                add(name, fact.value.clone(), &fact.evidence);
            }
        }
        let user = if self.user.value.is_empty() { "root (none set)" } else { &self.user.value };
        add("user", user.to_owned(), &self.user.evidence);
        if !self.entrypoint.value.is_empty() {
            add("entrypoint", self.entrypoint.value.join(" "), &self.entrypoint.evidence);
        }
        lines
    }

    /// Returns what wheels have to be compatible with: interpreter, C library and architecture.
    ///
    /// # Errors
    /// [`Error::NoPython`], [`Error::NoGlibc`] or [`Error::Architecture`].
    pub fn target(&self, base: &str) -> Result<Target> {
        let python = self.python().ok_or_else(|| Error::NoPython { base: base.to_owned() })?;
        let VirtualPackages { glibc, architecture, .. } = self.virtual_packages(base)?;
        Ok(Target {
            python: python.value.version,
            glibc,
            architecture,
            interpreter: python.value.path.clone(),
        })
    }

    /// Returns what conda packages have to be compatible with: C library, architecture and CUDA.
    ///
    /// # Errors
    /// [`Error::NoGlibc`] or [`Error::Architecture`].
    pub fn virtual_packages(&self, base: &str) -> Result<VirtualPackages> {
        let glibc = self.glibc.as_ref().map(|fact| fact.value);
        Ok(VirtualPackages {
            glibc: glibc.ok_or_else(|| Error::NoGlibc { base: base.to_owned() })?,
            architecture: match self.architecture.value.as_str() {
                "amd64" => Architecture::Amd64,
                "arm64" => Architecture::Arm64,
                found => {
                    return Err(Error::Architecture {
                        found: found.to_owned(),
                        limit: "supported are amd64 and arm64".to_owned(),
                        hint: "use a base image for one of these, or select its platform with `--platform`",
                    });
                }
            },
            cuda: self.cuda.as_ref().map(|fact| fact.value.clone()),
        })
    }
}

fn os(root: &RootFs, at: &dyn Fn(&Found<'_>) -> Evidence) -> Option<Fact<Os>> {
    let (text, found) = root.text("etc/os-release").or_else(|| root.text("usr/lib/os-release"))?;
    let field = |name: &str| {
        let value =
            text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim().trim_matches(['"', '\'']).to_owned())
    };
    Some(Fact {
        value: Os { id: field("ID")?, version: field("VERSION_ID"), name: field("PRETTY_NAME") },
        evidence: at(&found),
    })
}

fn glibc(root: &RootFs, at: &dyn Fn(&Found<'_>) -> Evidence) -> Option<Fact<Glibc>> {
    // The one that the loader of the image's architecture finds; conda has others for building.
    root.kept()
        .filter(|(path, _)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let system = path.starts_with("lib") || path.starts_with("usr/lib");
            system && (name == "libc.so.6" || name.starts_with("libc-2."))
        })
        .min_by_key(|(path, _)| path.len())
        .and_then(|(path, version)| {
            Some(Fact { value: version.parse().ok()?, evidence: at(&root.find(path)?) })
        })
}

fn cuda(root: &RootFs, at: &dyn Fn(&Found<'_>) -> Evidence) -> Option<Fact<String>> {
    let (text, found) = root
        .text("usr/local/cuda/version.json")
        .or_else(|| root.text("usr/local/cuda/version.txt"))?;
    let digits = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit() && c != '.')
            .find(|part| part.contains('.') && part.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
    };
    Some(Fact { value: digits(text)?, evidence: at(&found) })
}

fn spark(root: &RootFs, at: &dyn Fn(&Found<'_>) -> Evidence) -> Option<Fact<String>> {
    let (path, found) = root.below("").find(|(path, _)| {
        path.ends_with("/bin/spark-submit") || path.contains("/jars/spark-core_")
    })?;
    let home = path.rsplitn(3, '/').nth(2).unwrap_or(path);
    Some(Fact { value: format!("/{home}"), evidence: at(&found) })
}
