//! What is in an image.

use mlpack_oci::rootfs::{Entry, Kind};
use mlpack_project::image::inspect::{Inspection, Sizes};

use super::base::{facts, verdicts};
use crate::output::{self, size};

/// Formats an entry of a layer like `ls -l`.
pub(crate) fn file_line(layer: usize, path: &str, entry: &Entry) -> String {
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

/// Formats the largest packages and directories.
pub(crate) fn largest(largest: &Sizes) -> String {
    let rows = |list: &[(String, u64)]| {
        list.iter().map(|(name, bytes)| vec![size(*bytes), name.clone()]).collect::<Vec<_>>()
    };
    format!(
        "{}\n\n{}",
        output::table(&["SIZE", "PACKAGE"], rows(&largest.packages)),
        output::table(&["SIZE", "DIRECTORY"], rows(&largest.directories)),
    )
}

/// Formats everything about an image. `place` is the image as given.
pub(crate) fn inspection(place: &str, inspection: &Inspection) -> String {
    let mut parts = vec![heading(place, inspection)];
    if !inspection.facts.is_empty() {
        let of = if inspection.mlpack.is_some() { "base image" } else { "image" };
        parts.push(format!("facts of the {of}\n{}", facts(&inspection.facts)));
    }
    if let Some(policy) = &inspection.policy {
        parts.push(format!("policy {policy}\n{}", verdicts(&inspection.verdicts)));
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
            "by mlpack {version}; the timestamp {created} is fixed, for reproducible builds"
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
    add("server", inspection.server.map(|server| server.name().to_owned()));
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
