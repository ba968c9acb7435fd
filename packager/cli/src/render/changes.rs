//! Packages, and what changed between two lists of them.

use mlpack_project::image::{Change, Contents};

use crate::output::{self, size};

/// Formats changes as a table.
pub(crate) fn changes(changes: &[Change]) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let rows = changes.iter().map(|change| {
        vec![
            change.change.to_owned(),
            change.name.clone(),
            or_dash(change.kind),
            or_dash(change.before.as_deref()),
            or_dash(change.after.as_deref()),
        ]
    });
    output::table(&["CHANGE", "NAME", "KIND", "BEFORE", "AFTER"], rows)
}

/// Formats packages as a table, with what is known of their environment above.
pub(crate) fn contents(contents: &Contents) -> String {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| vec![name.to_owned(), value]));
    };
    let base = match (&contents.base, contents.base_digest) {
        (Some(name), Some(digest)) => Some(format!("{name} ({digest})")),
        (_, digest) => digest.map(|digest| digest.to_string()),
    };
    add("base", base);
    add("python", contents.python.clone());
    add("server", contents.server.clone());
    let rows = contents.packages.iter().map(|package| {
        let kind = match &package.build {
            Some(build) => format!("{} {build}", package.kind),
            None => package.kind.to_owned(),
        };
        vec![
            package.name.clone(),
            package.version.clone(),
            kind,
            package.from.clone().unwrap_or("-".to_owned()),
            package.size.map_or("-".to_owned(), size),
        ]
    });
    let packages = output::table(&["PACKAGE", "VERSION", "KIND", "FROM", "SIZE"], rows);
    match facts.is_empty() {
        true => packages,
        false => format!("{}\n\n{packages}", output::table(&[], facts)),
    }
}
