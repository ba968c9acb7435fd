//! The sources and destinations of COPY and ADD (Dockerfile reference, "COPY").

use std::io::Read as _;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::error::StepFault;
use super::instruction::Copy;
use crate::project::{Listing, PackedFile, PackedKind};

/// Returns the entries of one COPY or ADD, with paths relative to the image's root. `resolve` makes
/// a destination absolute and says whether it is a folder already.
pub(super) fn files(
    copy: &Copy,
    context: &Path,
    resolve: impl Fn(&str) -> (String, bool),
) -> Result<Vec<PackedFile>, StepFault> {
    let name = copy.name;
    let mut sources = Vec::new();
    for text in &copy.sources {
        let found = matching(context, text);
        if found.is_empty() {
            return Err(StepFault::NoSource {
                name,
                source_text: text.clone(),
                context: context.to_owned(),
            });
        }
        sources.extend(found.into_iter().map(|path| (text, path)));
    }
    let (target, is_folder) = resolve(&copy.destination);
    let says_folder = copy.destination.ends_with('/') || matches!(&*copy.destination, "." | "..");
    if sources.len() > 1 && !says_folder {
        let reason = "with several sources the destination must end with `/`".to_owned();
        return Err(StepFault::Malformed { name, reason });
    }
    let into = says_folder || is_folder || target == "/";
    let target = target.trim_start_matches('/');
    let below =
        |last: &str| if target.is_empty() { last.to_owned() } else { format!("{target}/{last}") };
    let mut files = Vec::new();
    for (text, path) in sources {
        let unreadable = |reason: String| StepFault::Unreadable { name, reason };
        if path.is_dir() {
            // A folder's content is copied, not the folder itself.
            let listing =
                Listing::of(&path, "", &[]).map_err(|error| unreadable(error.to_string()))?;
            if let Some(problem) = listing.problems.first() {
                return Err(unreadable(problem.to_string()));
            }
            for mut file in listing.files {
                file.path =
                    below(file.path.trim_start_matches('/')).trim_end_matches('/').to_owned();
                if !file.path.is_empty() {
                    files.push(file);
                }
            }
            continue;
        }
        if name == "ADD" && is_archive(&path) {
            return Err(StepFault::Archive { source_text: text.clone() });
        }
        let last = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let place = if into { below(last) } else { target.to_owned() };
        let listing =
            Listing::of(&path, &place, &[]).map_err(|error| unreadable(error.to_string()))?;
        files.extend(listing.files);
    }
    if let Some(run) = copy.executable {
        for file in &mut files {
            if let PackedKind::File { executable, .. } = &mut file.kind {
                *executable = run;
            }
        }
    }
    Ok(files)
}

/// Returns the files and folders below `context` that a source with `*`, `?` and `[a-z]` matches,
/// sorted. A
/// source cannot leave the context: `/a` and `a` are the same, and `../a` matches nothing.
fn matching(context: &Path, source: &str) -> Vec<PathBuf> {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Vec::new(),
            ".." => {}
            part => parts.push(part),
        }
    }
    let mut found = vec![context.to_owned()];
    for part in parts {
        let pattern = part.contains(['*', '?', '[']).then(|| pattern(part)).flatten();
        found = found
            .into_iter()
            .flat_map(|folder| match &pattern {
                Some(pattern) => children(&folder, pattern),
                None => Some(folder.join(part)).filter(|path| path.exists()).into_iter().collect(),
            })
            .collect();
    }
    let inside = |path: &PathBuf| match (path.canonicalize(), context.canonicalize()) {
        (Ok(path), Ok(context)) => path.starts_with(context),
        _ => false,
    };
    found.retain(inside);
    found
}

fn children(folder: &Path, pattern: &Regex) -> Vec<PathBuf> {
    let mut names: Vec<_> = folder
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| pattern.is_match(name))
        .collect();
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
}

/// Returns a file name pattern as Go's `filepath.Match` has it, which Docker uses.
fn pattern(part: &str) -> Option<Regex> {
    let mut regex = "^".to_owned();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => {
                regex.push('[');
                for c in chars.by_ref() {
                    match c {
                        ']' => break,
                        '[' | '&' | '~' => regex.extend(['\\', c]),
                        c => regex.push(c),
                    }
                }
                regex.push(']');
            }
            '\\' => regex.push_str(&regex::escape(&chars.next()?.to_string())),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push('$');
    Regex::new(&regex).ok()
}

/// Returns whether a file is a tar, gzip, bzip2 or xz stream, which ADD would unpack.
fn is_archive(path: &Path) -> bool {
    let mut head = Vec::with_capacity(262);
    let Ok(file) = std::fs::File::open(path) else { return false };
    if file.take(262).read_to_end(&mut head).is_err() {
        return false;
    }
    head.starts_with(&[0x1f, 0x8b])
        || head.starts_with(b"BZh")
        || head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0])
        || head.get(257..262) == Some(b"ustar")
}
