//! The layers of an environment: each package's files are compressed only once, and composed again
//! where a layer changes.

use mlpack_install::{Installation, InstalledPackage};
use mlpack_lock::LockedEnvironment;
use mlpack_oci::layer::{LayerOptions, Part, Tree, WrittenLayer, compose_layer};
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{Digest, FORMAT_VERSION, Progress};

use super::cache::{KnownLayer, LayerCache, RecordKind};
use super::groups::{Item, group};
use super::key::KeyWriter;
use super::overlay::{overlay, write_surroundings};
use super::trees::below_root;
use crate::Result;

/// The keys of an environment's layers.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct EnvironmentLayers {
    /// Of everything that decides the layers.
    key: Digest,
    /// Of everything but the packages: the base's folders, times, versions.
    surroundings: Digest,
    /// How many layers there may be.
    budget: usize,
}

/// What decides layers besides packages and base.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Maker<'a> {
    /// Version of mlpack.
    pub(in crate::image) version: &'a str,
    /// Modification time of every entry, in seconds since 1970.
    pub(in crate::image) mtime: u64,
    /// Key of the install options.
    pub(in crate::image) options: &'a str,
}

impl EnvironmentLayers {
    /// Computes the keys for an environment on a base. mlpack's version counts, since another
    /// version may install an environment in another way. The install options are in the keys of
    /// packages too.
    pub(in crate::image) fn of(
        environment: &LockedEnvironment,
        base: &RootFs,
        made_by: Maker<'_>,
        budget: usize,
    ) -> Self {
        let mut key = KeyWriter::new("surroundings");
        key.field("mlpack", made_by.version);
        key.field("format", FORMAT_VERSION).field("mtime", made_by.mtime);
        write_surroundings(base, below_root(&environment.prefix), &mut key);
        let surroundings = key.finish();
        let target = &environment.target;
        let mut key = KeyWriter::new("environment");
        key.field("surroundings", surroundings).field("prefix", &environment.prefix);
        key.field("python", target.python).field("interpreter", &target.interpreter);
        key.field("budget", budget).field("options", made_by.options);
        for package in &environment.conda {
            key.field("conda", &package.url).field("sha256", package.sha256);
        }
        for package in &environment.packages {
            key.field("pip", &package.name).field("sha256", package.artifact.sha256);
        }
        Self { key: key.finish(), surroundings, budget }
    }
}

/// Where layers are written to, and how.
#[derive(Clone, Copy)]
pub(in crate::image) struct Output<'a> {
    pub(in crate::image) cache: &'a LayerCache,
    pub(in crate::image) options: LayerOptions,
    pub(in crate::image) progress: &'a dyn Progress,
}

/// Makes sure that the layers are in the cache and returns them with a title each, from the bottom
/// up. `install` is only called if a layer is missing.
///
/// # Errors
/// Those of `install`, of packages that cannot be read, and of writing.
pub(in crate::image) fn write(
    layers: EnvironmentLayers,
    base: &RootFs,
    output: Output<'_>,
    install: &mut dyn FnMut() -> Result<Installation>,
) -> Result<Vec<(String, WrittenLayer)>> {
    let known = |layers: Vec<KnownLayer>| {
        layers.into_iter().map(|known| (known.title.clone(), known.layer())).collect()
    };
    if let Some(layers) = output.cache.environment(&layers.key) {
        let message = format!("packages: up to date ({} cached layers)", layers.len());
        output.progress.note(&message);
        return Ok(known(layers));
    }
    let Installation { packages, own, .. } = install()?;
    let mut parts = packages
        .iter()
        .map(|package| PlacedPackage::of(package, base, layers.surroundings))
        .collect::<Result<Vec<_>>>()?;
    let items: Vec<_> = packages
        .iter()
        .map(|package| Item { name: &package.name, size: package.tree.size() })
        .collect();
    let groups = group(&items, layers.budget);
    let shared = groups.iter().position(|group| group.len() != 1).unwrap_or(groups.len() - 1);
    // The files that belong to no package are a part like the others.
    parts.push(PlacedPackage::own(&own, base, layers.surroundings)?);
    let mut written = Vec::new();
    for (number, mut group) in groups.into_iter().enumerate() {
        let title = match group[..] {
            [] => "environment".to_owned(),
            [one] => parts[one].name.clone(),
            _ => format!("{} packages", group.len()),
        };
        if number == shared {
            group.push(parts.len() - 1);
        }
        let parts: Vec<&PlacedPackage> = group.iter().map(|&number| &parts[number]).collect();
        written.push(layer(&parts, title, output)?);
    }
    output.cache.put(RecordKind::Environment, &layers.key, &written)?;
    Ok(known(written))
}

/// A package's files at their places on the base, and the key of them.
struct PlacedPackage {
    name: String,
    key: Digest,
    tree: Tree,
}

impl PlacedPackage {
    fn of(package: &InstalledPackage, base: &RootFs, surroundings: Digest) -> Result<Self> {
        let mut key = KeyWriter::new("package");
        key.field("surroundings", surroundings).field("package", package.key);
        Ok(Self {
            name: format!("{} {}", package.name, package.version),
            key: key.finish(),
            tree: overlay(&package.tree, base)?,
        })
    }

    /// Returns the files of the environment that belong to no package.
    fn own(tree: &Tree, base: &RootFs, surroundings: Digest) -> Result<Self> {
        let mut key = KeyWriter::new("own files");
        key.field("surroundings", surroundings);
        tree.iter().for_each(|(path, node)| key.node(path, node));
        Ok(Self { name: String::new(), key: key.finish(), tree: overlay(tree, base)? })
    }
}

/// Returns one layer of the environment, from the cache or composed of its packages.
fn layer(packages: &[&PlacedPackage], title: String, output: Output<'_>) -> Result<KnownLayer> {
    let Output { cache, options, progress } = output;
    let mut key = KeyWriter::new("layer");
    key.field("format", FORMAT_VERSION);
    for package in packages {
        key.field("package", package.key);
    }
    let key = key.finish();
    if let Some(known) = cache.packages(&key) {
        return Ok(known);
    }
    let size = packages.iter().map(|package| package.tree.size()).sum();
    let meter = progress.begin(&format!("Writing packages {title}"), Some(size));
    let parts = |cached: bool| -> Vec<Part<'_>> {
        let find = |part: &PlacedPackage| if cached { cache.part(&part.key) } else { None };
        packages.iter().map(|part| Part { tree: &part.tree, known: find(part) }).collect()
    };
    let cached = parts(true);
    let reused = cached.iter().filter(|part| part.known.is_some()).count();
    let composed = compose_layer(&cached, options, cache.store(), &*meter).or_else(|error| {
        // A cached part that cannot be read is compressed again, like a missing one.
        if reused == 0 {
            Err(error)
        } else {
            compose_layer(&parts(false), options, cache.store(), &*meter)
        }
    });
    let (layer, stored) = composed?;
    cache.stamp(&layer.digest)?;
    for (part, stored) in packages.iter().zip(&stored) {
        cache.put(RecordKind::Part, &part.key, stored)?;
    }
    meter.finish(&match reused {
        0 => "compressed".to_owned(),
        n => format!("compressed ({n} of {} packages cached)", packages.len()),
    });
    let known = KnownLayer::new(title, &layer);
    cache.put(RecordKind::Layer, &key, &known)?;
    Ok(known)
}
