//! `mlpack inspect`: what is in an image.

use mlpack_oci::rootfs::{Entry, Kind, LayerIndex, RootFs};
use mlpack_oci::{Image, Location};
use mlpack_project::base::BaseFacts;
use mlpack_project::image::inspect::{Inspection, Sizes, sizes};
use serde_json::json;

use super::check::{fact_lines, parse, verdict_lines};
use crate::args::InspectArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{self, size};

/// How many of the largest things `--sizes` names.
const LARGEST: usize = 20;

pub(crate) fn run(context: &Context, args: &InspectArgs) -> Result<()> {
    let location: Location = parse(&args.image)?;
    let image = context.open(&location, &args.platform, None)?;
    let indexes = || context.indexes().indexes(&image, context.threads, &*context.progress);
    if let Some(layer) = &args.files {
        return files(context, &image, layer, &indexes()?);
    }
    if args.sizes {
        let largest = sizes(&RootFs::merge(&indexes()?), LARGEST);
        output::result(context.format, &largest, size_lines);
        return Ok(());
    }
    let mut inspection = Inspection::of(&image);
    let remote = matches!(location, Location::Registry(_));
    // What mlpack made tells all by its label; the layers of others are read if they are at hand.
    if args.layers || (inspection.mlpack.is_none() && !remote) {
        let root = RootFs::merge(&indexes()?);
        inspection.add_layers(&BaseFacts::read(&image, &root), &root);
    }
    let unread = inspection.mlpack.is_none() && remote && !args.layers;
    output::result(context.format, &inspection, |inspection| text(&args.image, inspection));
    if unread {
        context.progress.note("its layers were not read: add --layers for facts and packages");
    }
    Ok(())
}

fn files(context: &Context, image: &Image, wanted: &str, indexes: &[LayerIndex]) -> Result<()> {
    let chosen: Vec<usize> = image
        .layers
        .iter()
        .enumerate()
        .filter(|(number, layer)| {
            let digest = layer.digest.to_string();
            wanted.is_empty()
                || wanted.parse() == Ok(number + 1)
                || digest.starts_with(wanted)
                || (wanted.len() >= 4 && digest["sha256:".len()..].starts_with(wanted))
        })
        .map(|(number, _)| number)
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage(
            format!("there is no layer `{wanted}`"),
            format!("give a number from 1 to {} or the beginning of a digest", image.layers.len()),
        ));
    }
    let entries: Vec<_> = chosen
        .iter()
        .flat_map(|&number| {
            indexes[number].entries.iter().map(move |(path, entry)| (number + 1, path, entry))
        })
        .collect();
    let value: Vec<_> = entries
        .iter()
        .map(|(number, path, entry)| json!({ "layer": number, "path": format!("/{path}"), "mode": format!("{:o}", entry.mode), "entry": entry.kind }))
        .collect();
    output::result(context.format, &value, |_| {
        let lines = entries.iter().map(|(number, path, entry)| file_line(*number, path, entry));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

fn file_line(layer: usize, path: &str, entry: &Entry) -> String {
    let (kind, bytes, link) = match &entry.kind {
        Kind::Directory => ('d', 0, String::new()),
        Kind::File(size) => ('-', *size, String::new()),
        Kind::Symlink(target) => ('l', 0, format!(" -> {target}")),
        Kind::Hardlink(target) => ('h', 0, format!(" = /{target}")),
        Kind::Other => ('?', 0, String::new()),
    };
    format!(
        "{layer:>3} {kind}{:04o} {}:{} {bytes:>12} /{path}{link}",
        entry.mode, entry.uid, entry.gid
    )
}

fn size_lines(largest: &Sizes) -> String {
    let rows = |list: &[(String, u64)]| {
        list.iter().map(|(name, bytes)| vec![size(*bytes), name.clone()]).collect::<Vec<_>>()
    };
    format!(
        "{}\n\n{}",
        output::table(&["SIZE", "PACKAGE"], rows(&largest.packages)),
        output::table(&["SIZE", "DIRECTORY"], rows(&largest.directories)),
    )
}

fn text(place: &str, inspection: &Inspection) -> String {
    let mut parts = vec![heading(place, inspection)];
    if !inspection.facts.is_empty() {
        let of = if inspection.mlpack.is_some() { "base image" } else { "image" };
        parts.push(format!("facts of the {of}\n{}", fact_lines(&inspection.facts)));
    }
    if let Some(policy) = &inspection.policy {
        parts.push(format!("policy {policy}\n{}", verdict_lines(&inspection.verdicts)));
    }
    if !inspection.models.is_empty() {
        let rows = inspection.models.iter().map(|model| {
            let name = format!("{}:{}", model.name, model.version);
            vec![name, size(model.size), model.entry.clone(), model.digest.to_string()]
        });
        parts.push(output::table(&["MODEL", "SIZE", "FILE OR FOLDER", "CONTENT"], rows));
    }
    if !inspection.packages.is_empty() {
        let rows = inspection.packages.iter().map(|package| {
            vec![
                package.name.clone(),
                package.version.clone(),
                package.kind.to_owned(),
                package.place.clone(),
            ]
        });
        parts.push(output::table(&["PACKAGE", "VERSION", "KIND", "PLACE"], rows));
    }
    let rows = inspection.layers.iter().map(|layer| {
        let role = [layer.role.as_str(), layer.title.as_deref().unwrap_or("")].join(" ");
        vec![
            layer.number.to_string(),
            role.trim().to_owned(),
            size(layer.size),
            layer.compression.to_owned(),
            layer.digest.to_string(),
        ]
    });
    parts.push(output::table(&["LAYER", "ROLE", "SIZE", "COMPRESSION", "DIGEST"], rows));
    parts.push(format!("environment variables\n{}", inspection.env.join("\n")));
    if !inspection.labels.is_empty() {
        let labels: Vec<_> =
            inspection.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.push(format!("labels\n{}", labels.join("\n")));
    }
    parts.join("\n\n")
}

fn heading(place: &str, inspection: &Inspection) -> String {
    let mut rows = vec![
        vec!["image".to_owned(), place.to_owned()],
        vec!["digest".to_owned(), inspection.digest.to_string()],
        vec!["image id".to_owned(), inspection.image_id.to_string()],
        vec!["platform".to_owned(), inspection.platform.clone()],
    ];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    let made = match (&inspection.mlpack, &inspection.created) {
        (Some(version), Some(created)) => Some(format!(
            "by mlpack {version}; its time {created} is fixed, so that builds are the same"
        )),
        (None, created) => created.clone(),
        (Some(version), None) => Some(format!("by mlpack {version}")),
    };
    add("made", made);
    add(
        "base",
        inspection.base.as_ref().map(|base| match &base.name {
            Some(name) => format!("{name} ({})", base.digest),
            None => base.digest.to_string(),
        }),
    );
    add("entry script", inspection.entry_script.clone());
    add(
        "python",
        inspection.python.as_ref().map(|python| {
            format!("{} at {}, environment {}", python.version, python.interpreter, python.prefix)
        }),
    );
    add("user", Some(inspection.user.clone()));
    add("ports", Some(inspection.ports.join(", ")));
    add("working dir", Some(inspection.working_dir.clone()));
    add("entrypoint", Some(inspection.entrypoint.join(" ")));
    add("command", Some(inspection.cmd.join(" ")));
    output::table(&[], rows)
}
