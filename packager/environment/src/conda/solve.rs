//! From package lines to exact packages, by the solver that conda's own successors use.

use std::collections::HashSet;
use std::str::FromStr as _;

use mlpack_documents::Place;
use mlpack_oci::{Digest, Progress};
use mlpack_requirements::{Architecture, CondaDependency, CondaFile};
use rattler_conda_types::package::BuildString;
use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, PackageName, ParseStrictness, RepoDataRecord, Subdir, Version,
};
use rattler_repodata_gateway::{Gateway, GatewayError};
use rattler_solve::{
    ChannelPriority, ExcludeNewer, SolveError, SolverImpl as _, SolverTask, resolvo,
};

use super::channels::Channels;
use super::conflict::{Question, conflict};
use super::package::CondaPackage;
use super::sentences::{LOOSEN, Teller};
use crate::moment::cutoff;
use crate::store::Store;
use crate::{Error, Result, Settings};

/// What conda packages stand on: the base image as its solver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualPackages {
    /// The C library, `(2, 27)` for 2.27.
    pub glibc: (u32, u32),
    /// The architecture.
    pub architecture: Architecture,
    /// CUDA, as `10.0`.
    pub cuda: Option<String>,
}

impl VirtualPackages {
    fn subdir(&self) -> Subdir {
        // Conda knows the name of every architecture that there is here.
        Subdir::from_str(self.architecture.conda_subdir()).unwrap_or(Subdir::NoArch)
    }

    /// `linux-64 with glibc 2.27`
    pub(crate) fn describe(&self) -> String {
        format!("{} with glibc {}.{}", self.subdir(), self.glibc.0, self.glibc.1)
    }

    /// Conda's virtual packages (conda documentation, "Managing virtual packages"). They describe
    /// the image, never this machine.
    fn virtual_packages(&self) -> Result<Vec<GenericVirtualPackage>> {
        let (major, minor) = self.glibc;
        let mut all = vec![
            ("__unix", "0".to_owned(), "0"),
            // Which kernel a container meets is not the image's to say; the oldest that matters.
            ("__linux", "3.10".to_owned(), "0"),
            ("__glibc", format!("{major}.{minor}"), "0"),
            ("__archspec", "1".to_owned(), self.architecture.machine()),
        ];
        if let Some(cuda) = &self.cuda {
            all.push(("__cuda", cuda.clone(), "0"));
        }
        all.into_iter()
            .map(|(name, version, build)| {
                Ok(GenericVirtualPackage {
                    name: PackageName::new_unchecked(name),
                    version: version.parse::<Version>().map_err(|error| Error::Channel {
                        channel: name.to_owned(),
                        reason: format!("`{version}` is no version: {error}"),
                    })?,
                    build_string: BuildString::new_unchecked(build),
                })
            })
            .collect()
    }
}

/// Solves a file's conda lines; always with a Python, which the service needs. The packages are
/// sorted by name.
///
/// # Errors
/// [`Error::Channel`], [`Error::CondaUnsolvable`] with the solver's sentences.
pub(crate) async fn solve(
    file: &CondaFile,
    channels: &Channels,
    virtual_packages: &VirtualPackages,
    held: &[CondaPackage],
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<CondaPackage>> {
    let mut specs = Vec::new();
    for dependency in &file.dependencies {
        let text = &dependency.spec.text;
        let mut spec = MatchSpec::from_str(text, ParseStrictness::Lenient).map_err(|error| {
            mlpack_requirements::Error::CondaLine {
                place: Place::line(&file.path, dependency.line),
                text: text.clone(),
                reason: error.to_string(),
            }
        })?;
        if let Some(name) = &dependency.spec.channel {
            spec.channel = channels.clone().named(name)?.map(Into::into);
        }
        specs.push(spec);
    }
    if file.dependencies.iter().all(|dependency| dependency.spec.name != "python") {
        specs.push(PackageName::new_unchecked("python").into());
    }
    let meter = progress
        .begin(&format!("solving conda packages for {}", virtual_packages.describe()), None);
    let solved = ask(specs, &file.dependencies, channels, virtual_packages, held, settings).await;
    meter.finish(if solved.is_ok() { "solved" } else { "failed" });
    let mut packages =
        solved?.iter().map(|record| package(record, channels)).collect::<Result<Vec<_>>>()?;
    packages.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(packages)
}

async fn ask(
    specs: Vec<MatchSpec>,
    lines: &[CondaDependency],
    channels: &Channels,
    virtual_packages: &VirtualPackages,
    held: &[CondaPackage],
    settings: &Settings,
) -> Result<Vec<RepoDataRecord>> {
    let http = crate::fetch::http()?;
    let gateway = Gateway::builder()
        .with_client(http)
        .with_cache_dir(Store::new(&settings.cache).repodata())
        .finish();
    // By name alone: the gateway leaves out what a version bound excludes, and a channel of higher
    // priority must count with all it has.
    let names = specs.iter().filter_map(|spec| spec.name.as_exact().cloned());
    let data = gateway
        .query(
            channels.iter(),
            [virtual_packages.subdir(), Subdir::NoArch],
            names.map(MatchSpec::from).collect::<Vec<_>>(),
        )
        .recursive(true)
        .await
        .map_err(|error| unreadable(&error, channels))?;
    let records: Vec<_> = data.iter().map(|data| data.iter().collect::<Vec<_>>()).collect();
    let known: HashSet<&str> =
        records.iter().flatten().map(|record| record.package_record.name.as_normalized()).collect();
    for spec in &specs {
        let Some(name) = spec.name.as_exact().map(PackageName::as_normalized) else { continue };
        if !known.contains(name) {
            return Err(Error::NoSuchCondaPackage {
                name: name.to_owned(),
                platform: virtual_packages.subdir().to_string(),
                channels: channels.shown(),
            });
        }
    }
    let question = Question {
        records,
        specs,
        virtual_packages: virtual_packages.virtual_packages()?,
        exclude_newer: settings
            .exclude_newer
            .as_deref()
            .map(|text| cutoff(text).map(ExcludeNewer::from_datetime))
            .transpose()?,
    };
    let is_held = |record: &&RepoDataRecord| {
        let of = &record.package_record;
        held.iter().any(|held| {
            held.name == of.name.as_normalized()
                && of.sha256.is_some_and(|hash| held.sha256.hex() == hex(&hash))
        })
    };
    let task = SolverTask {
        specs: question.specs.clone(),
        locked_packages: question.records.iter().flatten().copied().filter(is_held).collect(),
        virtual_packages: question.virtual_packages.clone(),
        channel_priority: ChannelPriority::Strict,
        exclude_newer: question.exclude_newer.clone(),
        ..question.records.iter().cloned().collect::<SolverTask<'_, Vec<_>>>()
    };
    let unsolvable = |reason: &str, hint: String| Error::CondaUnsolvable {
        virtual_packages: virtual_packages.describe(),
        reason: channels.clean(reason.trim()),
        hint,
    };
    match resolvo::Solver.solve(task) {
        Ok(result) => Ok(result.records),
        Err(SolveError::Unsolvable(tree)) => {
            let exclude_newer = settings.exclude_newer.as_deref();
            let teller = Teller { question: &question, lines, channels, exclude_newer };
            let told = conflict(&question).map(|conflict| teller.tell(&conflict));
            Err(match told.filter(|told| !told.reason.is_empty()) {
                Some(told) => unsolvable(&told.reason, told.hint),
                None => unsolvable(&tree.join("\n"), LOOSEN.to_owned()),
            })
        }
        Err(other) => Err(unsolvable(&other.to_string(), LOOSEN.to_owned())),
    }
}

fn unreadable(error: &GatewayError, channels: &Channels) -> Error {
    let mut reason = error.to_string();
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
        let text = inner.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
    }
    let channel = match error {
        GatewayError::SubdirNotFoundError(missing) => {
            channels.without_secret(missing.channel.base_url.as_str())
        }
        _ => channels.shown().join(", "),
    };
    Error::Channel { channel, reason: channels.clean(&reason) }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn package(record: &RepoDataRecord, channels: &Channels) -> Result<CondaPackage> {
    let of = &record.package_record;
    let name = of.name.as_normalized().to_owned();
    let url = channels.without_secret(record.url.as_str());
    let hash = of.sha256.ok_or_else(|| Error::Channel {
        channel: url.clone(),
        reason: format!("it gives no SHA-256 for {name}"),
    })?;
    let sha256: Digest = format!("sha256:{}", hex(&hash))
        .parse()
        .map_err(|error| Error::Channel { channel: url.clone(), reason: format!("{error}") })?;
    let channel = url.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
    Ok(CondaPackage {
        name,
        version: of.version.to_string(),
        build: of.build.to_string(),
        subdir: of.subdir.clone(),
        channel,
        url,
        sha256,
        size: of.size,
    })
}
