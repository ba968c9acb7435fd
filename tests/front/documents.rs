//! Every citation of a document and every link between documents resolves.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::sources::{Source, sources, without_code};

/// The anchors of each Markdown file by its path: `<a id="…">` and, as GitHub makes them, its headings.
fn anchors(files: &[Source]) -> BTreeMap<&str, BTreeSet<String>> {
    let explicit = Regex::new(r#"<a id="([^"]+)">"#).unwrap();
    let heading = Regex::new(r"(?m)^#+ (.+)$").unwrap();
    let of = |text: &str| {
        let ids = explicit.captures_iter(text).map(|found| found[1].to_owned());
        let headings = heading.captures_iter(text).map(|found| slug(&found[1]));
        ids.chain(headings).collect()
    };
    let documents = files.iter().filter(|file| file.is("md"));
    documents.map(|file| (file.path.as_str(), of(&file.text))).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Resolves a relative link in the document at `from`.
fn join(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn citations_of_documents_resolve() {
    let files = sources();
    let anchors = anchors(&files);
    let citation = Regex::new(r"(?:^|[^\w./-])(docs/[\w./-]+\.md)(?:#([\w.-]*\w))?").unwrap();
    let mut broken = Vec::new();
    for file in &files {
        for found in citation.captures_iter(&file.text) {
            let known = anchors.get(&found[1]);
            let resolves = match found.get(2) {
                Some(anchor) => known.is_some_and(|ids| ids.contains(anchor.as_str())),
                None => known.is_some(),
            };
            if !resolves {
                let line = file.line(found.get(1).unwrap().start());
                broken.push(format!("{}:{line}: {}", file.path, found[0].trim()));
            }
        }
    }
    assert!(broken.is_empty(), "citations of what is not there:\n{}", broken.join("\n"));
}

#[test]
fn links_between_documents_resolve() {
    let files = sources();
    let anchors = anchors(&files);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let link = Regex::new(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)").unwrap();
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| file.is("md")) {
        for found in link.captures_iter(&without_code(&file.text)) {
            if found[1].contains(':') {
                continue;
            }
            let target =
                if found[1].is_empty() { file.path.clone() } else { join(&file.path, &found[1]) };
            let resolves = match found.get(2) {
                Some(anchor) => {
                    anchors.get(target.as_str()).is_some_and(|ids| ids.contains(anchor.as_str()))
                }
                None => root.join(&target).exists(),
            };
            if !resolves {
                let line = file.line(found.get(0).unwrap().start());
                broken.push(format!("{}:{line}: {}", file.path, &found[0][1..]));
            }
        }
    }
    assert!(broken.is_empty(), "links to what is not there:\n{}", broken.join("\n"));
}
