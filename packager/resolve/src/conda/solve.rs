//! Solves package lines to exact packages with resolvo, the solver of rattler.

use crate::error::CondaError;
use std::collections::HashSet;

use mlpack_documents::Place;
use mlpack_oci::{Digest, Progress};
use rattler_conda_types::package::BuildString;
use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, PackageName, ParseStrictness, RepoDataRecord, Subdir, Version,
};
use rattler_repodata_gateway::{Gateway, GatewayError, RepoDataQueryOutput};
use rattler_solve::{
    ChannelPriority, ExcludeNewer, SolveError, SolverImpl as _, SolverTask, resolvo,
};

use crate::conda::explain::conflict::{Query, conflict};
use crate::conda::explain::report::{ConflictReporter, LOOSEN};
use crate::exclude_newer;
use crate::{Error, Result};
use mlpack_lock::CondaPackage;
use mlpack_lock::VirtualPackages;
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda::channels::Channels;
use mlpack_packages::conda::logins::client_with_logins;
use mlpack_requirements::{Architecture, CondaDependency, CondaFile};

/// The platform of a channel for an architecture.
fn subdir(architecture: Architecture) -> Subdir {
    match architecture {
        Architecture::Amd64 => Subdir::Linux64,
        Architecture::Arm64 => Subdir::LinuxAarch64,
    }
}

/// Conda's virtual packages (conda documentation, "Managing virtual packages"). They describe the
/// image, never this machine.
fn generic(image: &VirtualPackages) -> Result<Vec<GenericVirtualPackage>> {
    let mut all = vec![
        ("__unix", "0".to_owned(), "0"),
        // The image does not decide which kernel a container runs on; this is the oldest that
        // packages ask for.
        ("__linux", "3.10".to_owned(), "0"),
        ("__glibc", image.glibc.to_string(), "0"),
        ("__archspec", "1".to_owned(), image.architecture.machine()),
    ];
    if let Some(cuda) = &image.cuda {
        all.push(("__cuda", cuda.clone(), "0"));
    }
    all.into_iter()
        .map(|(name, version, build)| {
            Ok(GenericVirtualPackage {
                name: PackageName::new_unchecked(name),
                version: version.parse::<Version>().map_err(|error| {
                    mlpack_packages::Error::Channel {
                        channel: name.to_owned(),
                        reason: format!("invalid version `{version}`: {error}"),
                    }
                })?,
                build_string: BuildString::new_unchecked(build),
            })
        })
        .collect()
}

/// Solves a file's conda lines; always with a Python, which the service needs. The packages are
/// sorted by name.
///
/// # Errors
/// [`mlpack_packages::Error::Channel`], [`CondaError::Unsatisfiable`] with the solver's sentences.
pub(crate) async fn solve(
    file: &CondaFile,
    channels: &Channels,
    virtual_packages: &VirtualPackages,
    locked: &[CondaPackage],
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
        .begin(&format!("Solving conda packages for {}", virtual_packages.describe()), None);
    let solved = ask(specs, &file.dependencies, channels, virtual_packages, locked, settings).await;
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
    locked: &[CondaPackage],
    settings: &Settings,
) -> Result<Vec<RepoDataRecord>> {
    let data = repodata(&specs, channels, virtual_packages, settings).await?;
    let records: Vec<_> = data.iter().map(|data| data.iter().collect::<Vec<_>>()).collect();
    let cutoff = settings.exclude_newer.as_deref().map(exclude_newer::parse).transpose()?;
    let query = Query {
        records,
        specs,
        virtual_packages: generic(virtual_packages)?,
        exclude_newer: cutoff.map(ExcludeNewer::from_datetime),
    };
    check_names(&query, channels, virtual_packages)?;
    let is_locked = |record: &&RepoDataRecord| {
        let of = &record.package_record;
        let sha256 = of.sha256.map(|hash| Digest::from_sha256(hash.into()));
        locked
            .iter()
            .any(|locked| locked.name == of.name.as_normalized() && Some(locked.sha256) == sha256)
    };
    let task = SolverTask {
        specs: query.specs.clone(),
        locked_packages: query.records.iter().flatten().copied().filter(is_locked).collect(),
        virtual_packages: query.virtual_packages.clone(),
        channel_priority: ChannelPriority::Strict,
        exclude_newer: query.exclude_newer.clone(),
        ..query.records.iter().cloned().collect::<SolverTask<'_, Vec<_>>>()
    };
    let unsolvable = |reason: &str, hint: String| CondaError::Unsatisfiable {
        platform: virtual_packages.describe(),
        reason: channels.clean(reason.trim()),
        hint,
    };
    match resolvo::Solver.solve(task) {
        Ok(result) => Ok(result.records),
        Err(SolveError::Unsolvable(tree)) => {
            let exclude_newer = settings.exclude_newer.as_deref();
            let reporter = ConflictReporter { query: &query, lines, channels, exclude_newer };
            let reported = conflict(&query).map(|conflict| reporter.report(&conflict));
            Err(match reported.filter(|reported| !reported.reason.is_empty()) {
                Some(reported) => unsolvable(&reported.reason, reported.hint),
                None => unsolvable(&tree.join("\n"), LOOSEN.to_owned()),
            }
            .into())
        }
        Err(other) => Err(unsolvable(&other.to_string(), LOOSEN.to_owned()).into()),
    }
}

/// The records of the packages that the specs name and of everything that these depend on.
async fn repodata(
    specs: &[MatchSpec],
    channels: &Channels,
    virtual_packages: &VirtualPackages,
    settings: &Settings,
) -> Result<RepoDataQueryOutput> {
    let gateway = Gateway::builder()
        .with_client(client_with_logins(channels)?)
        .with_cache_dir(Store::new(&settings.cache).repodata())
        .finish();
    // By name alone: the gateway omits what a version bound excludes, and a channel of higher
    // priority must count with all its packages.
    let names = specs.iter().filter_map(|spec| spec.name.as_exact().cloned());
    let subdirs = [subdir(virtual_packages.architecture), Subdir::NoArch];
    gateway
        .query(channels.iter(), subdirs, names.map(MatchSpec::from).collect::<Vec<_>>())
        .recursive(true)
        .await
        .map_err(|error| unreadable(&error, channels))
}

/// Checks that every package that the specs name is in some channel.
fn check_names(
    query: &Query<'_>,
    channels: &Channels,
    virtual_packages: &VirtualPackages,
) -> Result<()> {
    let records = query.records.iter().flatten();
    let known: HashSet<&str> =
        records.map(|record| record.package_record.name.as_normalized()).collect();
    let mut names = query.specs.iter().filter_map(|spec| spec.name.as_exact());
    match names.find(|name| !known.contains(name.as_normalized())) {
        Some(name) => Err(CondaError::NoSuchPackage {
            name: name.as_normalized().to_owned(),
            platform: subdir(virtual_packages.architecture).to_string(),
            channels: channels.shown(),
        }
        .into()),
        None => Ok(()),
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
        GatewayError::SubdirNotFoundError(missing) => missing.channel.base_url.to_string(),
        _ => channels.named_in(&reason).unwrap_or_else(|| channels.shown().join(", ")),
    };
    if channels.are_implied() {
        reason =
            format!("{reason} (conda's own channels are asked, since the conda file names none)");
    }
    mlpack_packages::Error::Channel { channel, reason: channels.clean(&reason) }.into()
}

fn package(record: &RepoDataRecord, channels: &Channels) -> Result<CondaPackage> {
    let of = &record.package_record;
    let name = of.name.as_normalized().to_owned();
    // The list of a channel may name packages by whole addresses.
    let url = channels.without_secret(record.url.as_str());
    let hash = of.sha256.ok_or_else(|| mlpack_packages::Error::Channel {
        channel: url.clone(),
        reason: format!("it gives no SHA-256 for {name}"),
    })?;
    let channel = url.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
    Ok(CondaPackage {
        name,
        version: of.version.to_string(),
        build: of.build.to_string(),
        subdir: of.subdir.clone(),
        channel,
        url,
        sha256: Digest::from_sha256(hash.into()),
        size: of.size,
    })
}
