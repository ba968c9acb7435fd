//! The texts of this repository, for the tests that read them.

use std::fs;
use std::path::Path;

use regex::{Captures, Regex};

/// Suffixes of files that hold text.
const TEXT: &[&str] = &["rs", "md", "py", "yaml", "yml", "hbs", "toml", "txt", "sh"];

/// A text file of the repository.
pub(crate) struct Source {
    /// Path below the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is(&self, suffix: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == suffix)
    }

    /// The line of a byte of the text, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }
}

/// Returns the text files of the repository, sorted by path, without what is built.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn collect(root: &Path, below: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["target", "built"].contains(&name.as_str()) {
                collect(root, &path, found);
            }
        } else if Path::new(&name)
            .extension()
            .is_some_and(|suffix| TEXT.iter().any(|text| suffix == *text))
        {
            found.push(Source { path, text: fs::read_to_string(entry.path()).unwrap() });
        }
    }
}

/// White space as it is, all else as dots.
pub(crate) fn dots(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { '.' }).collect()
}

/// Returns Markdown with its code as dots, line by line as it is.
pub(crate) fn without_code(text: &str) -> String {
    let code = Regex::new(r"(?ms)^```.*?^```|`[^`\n]*`").unwrap();
    code.replace_all(text, |found: &Captures<'_>| dots(&found[0])).into_owned()
}
