//! Folders of the base that the user of the service may not enter: the container would not start. Images
//! run as an unprivileged user where their base runs as root (docs/decisions/022-numeric-user.md).

use std::collections::BTreeMap;

use mlpack_oci::rootfs::{Entry, Kind};

use crate::check::resolved::Resolved;
use crate::check::{Finding, Needs, Subject};
use crate::image::{APP_ROOT, FRONT_DOOR, SERVICE_ID};

pub(crate) const ID: &str = "image.access";
pub(crate) const NEEDS: Needs = Needs::Packages;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    if !subject.base_runs_as_root {
        return Vec::new();
    }
    let interpreter = resolved.environment.target.interpreter.as_str();
    let mut closed: BTreeMap<String, (u32, &str)> = BTreeMap::new();
    for (path, what) in [
        (interpreter, "the interpreter"),
        (FRONT_DOOR, "the front door"),
        (APP_ROOT, "the app root"),
    ] {
        for (folder, entry) in way(&resolved, path) {
            if !may_enter(entry) {
                closed.entry(folder).or_insert((entry.mode & 0o7777, what));
            }
        }
    }
    let finding = |(folder, (mode, what)): (String, (u32, &str))| {
        Finding::error(
            ID,
            format!(
                "the base image does not let user {SERVICE_ID} into /{folder} (mode {mode:04o}), where {what} is"
            ),
            format!("use a base image built with `chmod o+x /{folder}`"),
        )
    };
    closed.into_iter().map(finding).collect()
}

/// Returns the folders of the base that lead to a path, and the file at its end, by their real paths.
fn way<'a>(resolved: &Resolved<'a>, path: &str) -> BTreeMap<String, &'a Entry> {
    let mut found = BTreeMap::new();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for end in 1..=parts.len() {
        let Some(there) = resolved.root.find(&parts[..end].join("/")) else { break };
        // A link leads through other folders.
        let ends = there.path.match_indices('/').map(|(end, _)| end).chain([there.path.len()]);
        for end in ends {
            let folder = &there.path[..end];
            if let Some(entry) = resolved.root.find(folder).map(|found| found.entry) {
                found.insert(folder.to_owned(), entry);
            }
        }
    }
    found
}

/// Whether the user of the service may enter a folder or run a file.
fn may_enter(entry: &Entry) -> bool {
    let bit = match entry {
        Entry { uid, .. } if *uid == u64::from(SERVICE_ID) => 0o100,
        Entry { gid, .. } if *gid == u64::from(SERVICE_ID) => 0o010,
        _ => 0o001,
    };
    // The mode of a hard link is that of its file.
    matches!(entry.kind, Kind::Hardlink(_)) || entry.mode & bit != 0
}
