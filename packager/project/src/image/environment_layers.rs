//! The layers of an environment: each package's files compressed once ever, and put together
//! anew where something changed.

use mlpack_install::{Installation, InstalledPackage};
use mlpack_lock::LockedEnvironment;
use mlpack_oci::layer::{Content, LayerOptions, Node, Part, Tree, WrittenLayer, compose_layer};
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{Digest, FORMAT_VERSION, Progress};

use super::app::below_root;
use super::graft::{graft, virtual_packages};
use super::groups::{Item, group};
use super::layer_cache::{Kind, KnownLayer};
use super::{Base, Inputs, LayerCache};
use crate::Result;

/// What decides an environment's layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnvironmentLayers {
    /// Of everything.
    pub(super) key: Digest,
    /// Of what is beside the packages: the base's folders, times, versions.
    pub(super) surroundings: Digest,
    /// Layers there may be.
    pub(super) budget: usize,
}

impl EnvironmentLayers {
    /// Decides for an environment on a base. mlpack's version counts, since another may lay an
    /// environment in another way. The options of laying are in the keys of packages too.
    pub(super) fn of(
        environment: &LockedEnvironment,
        base: &RootFs,
        inputs: &Inputs<'_>,
        budget: usize,
    ) -> Self {
        let Inputs { version, mtime, options, .. } = inputs;
        let mut text = format!("{version}\n{FORMAT_VERSION}\n{mtime}\n");
        for line in virtual_packages(base, below_root(&environment.prefix)) {
            text.push_str(&line);
            text.push('\n');
        }
        let surroundings = Digest::of(text.as_bytes());
        let target = &environment.target;
        let mut text = format!(
            "{surroundings}\n{}\n{}\n{}\n{budget}\n{options}",
            environment.prefix, target.python, target.interpreter
        );
        let conda = environment.conda.iter().map(|p| format!("{} {}\n", p.url, p.sha256));
        let pip = environment.packages.iter();
        let pip = pip.map(|p| format!("{} {}\n", p.name, p.artifact.sha256));
        text.extend(conda.chain(pip));
        Self { key: Digest::of(text.as_bytes()), surroundings, budget }
    }
}

/// Has the layers in the cache, with a title each, from the bottom up. `lay` is only called if
/// something changed.
///
/// # Errors
/// Of `lay`, of packages that cannot be read, and of writing.
pub(super) fn write(
    layers: EnvironmentLayers,
    base: &Base,
    policy: LayerOptions,
    cache: &LayerCache,
    install: &mut dyn FnMut() -> Result<Installation>,
    progress: &dyn Progress,
) -> Result<Vec<(String, WrittenLayer)>> {
    let known = |layers: Vec<KnownLayer>| {
        layers.into_iter().map(|known| (known.title.clone(), known.layer())).collect()
    };
    if let Some(layers) = cache.environment(&layers.key) {
        progress.note(&format!("packages: unchanged, {} layers are used again", layers.len()));
        return Ok(known(layers));
    }
    let laid = install()?;
    let mut parts = laid
        .packages
        .iter()
        .map(|package| Packed::of(package, base, layers.surroundings))
        .collect::<Result<Vec<_>>>()?;
    let items: Vec<_> = laid
        .packages
        .iter()
        .map(|package| Item { name: &package.name, size: package.tree.size() })
        .collect();
    let groups = group(&items, layers.budget);
    let alone = groups.iter().position(|group| group.len() != 1).unwrap_or(groups.len() - 1);
    // What belongs to no package is a part like the others.
    parts.push(Packed::own(&laid.own, base, layers.surroundings)?);
    let mut written = Vec::new();
    for (number, mut group) in groups.into_iter().enumerate() {
        let title = match group[..] {
            [] => "environment".to_owned(),
            [one] => parts[one].name.clone(),
            _ => format!("{} packages", group.len()),
        };
        if number == alone {
            group.push(parts.len() - 1);
        }
        let parts: Vec<&Packed> = group.iter().map(|&number| &parts[number]).collect();
        written.push(layer(&parts, title, policy, cache, progress)?);
    }
    cache.put(Kind::Environment, &layers.key, &written)?;
    Ok(known(written))
}

/// A package's files where they really belong on the base, and what decides them.
struct Packed {
    name: String,
    key: Digest,
    tree: Tree,
}

impl Packed {
    fn of(package: &InstalledPackage, base: &Base, surroundings: Digest) -> Result<Self> {
        Ok(Self {
            name: format!("{} {}", package.name, package.version),
            key: Digest::of(format!("{surroundings} {}", package.key).as_bytes()),
            tree: graft(&package.tree, &base.root)?,
        })
    }

    fn own(tree: &Tree, base: &Base, surroundings: Digest) -> Result<Self> {
        let mut text = surroundings.to_string();
        for (path, node) in tree.iter() {
            text.push_str(&match node {
                Node::File { content: Content::Bytes(bytes), .. } => {
                    format!("\n{path} {}", Digest::of(bytes))
                }
                node => format!("\n{path} {node:?}"),
            });
        }
        let key = Digest::of(text.as_bytes());
        Ok(Self { name: String::new(), key, tree: graft(tree, &base.root)? })
    }
}

fn layer(
    packed: &[&Packed],
    title: String,
    policy: LayerOptions,
    cache: &LayerCache,
    progress: &dyn Progress,
) -> Result<KnownLayer> {
    let mut key = format!("layer {FORMAT_VERSION}");
    for part in packed {
        key.push_str(&part.key.hex());
    }
    let key = Digest::of(key.as_bytes());
    if let Some(known) = cache.layer(&key) {
        return Ok(known);
    }
    let size = packed.iter().map(|part| part.tree.size()).sum();
    let meter = progress.begin(&format!("write packages {title}"), Some(size));
    let parts = |known: bool| -> Vec<Part<'_>> {
        let find = |part: &Packed| if known { cache.part(&part.key) } else { None };
        packed.iter().map(|part| Part { tree: &part.tree, known: find(part) }).collect()
    };
    let known = parts(true);
    let reused = known.iter().filter(|part| part.known.is_some()).count();
    let composed = compose_layer(&known, policy, cache.store(), &*meter).or_else(|error| {
        // A part that cannot be read is made again, like one that is not there.
        if reused == 0 {
            Err(error)
        } else {
            compose_layer(&parts(false), policy, cache.store(), &*meter)
        }
    });
    let (layer, stored) = composed?;
    cache.stamp(&layer.digest)?;
    for (part, stored) in packed.iter().zip(&stored) {
        cache.put(Kind::Part, &part.key, stored)?;
    }
    meter.finish(&match reused {
        0 => "compressed".to_owned(),
        n => format!("{n} of {} packages as they were", packed.len()),
    });
    let known = KnownLayer::new(title, &layer);
    cache.put(Kind::Layer, &key, &known)?;
    Ok(known)
}
