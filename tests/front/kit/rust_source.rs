//! Reads Rust source just far enough to know its modules, imports and functions.

use std::sync::LazyLock;

use regex::Regex;

/// A source text with comments, strings and test code blanked; the lines stay where they are.
pub(crate) struct Source {
    text: String,
}

/// A function's name, its first line and how many lines it has.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) length: usize,
}

static MODULE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bmod\s+(\w+)\s*;").unwrap());
static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").unwrap());
static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\w+(?:\s*::\s*\w+)+").unwrap());
static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:fn|struct|enum|trait|type|const|static|union|macro_rules!)\s+(\w+)").unwrap()
});
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bfn\s+(\w+)").unwrap());
static TEST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\[cfg\((?:test|all\(test[^]]*\))\)\]").unwrap());

impl Source {
    /// Reads a file's text.
    pub(crate) fn new(text: &str) -> Self {
        let mut text = blank_literals(text);
        while let Some(test) = TEST.find(&text) {
            let (start, end) = (test.start(), end_of_item(&text, test.end()));
            let blank: String =
                text[start..end].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            text.replace_range(start..end, &blank);
        }
        Self { text }
    }

    /// Names of the modules declared as files.
    pub(crate) fn modules(&self) -> Vec<String> {
        MODULE.captures_iter(&self.text).map(|found| found[1].to_owned()).collect()
    }

    /// Names of the items defined here.
    pub(crate) fn items(&self) -> impl Iterator<Item = &str> {
        ITEM.captures_iter(&self.text).map(|found| found.get(1).unwrap().as_str())
    }

    /// Imports: the path, and the name it has here (`*` for a glob).
    pub(crate) fn imports(&self) -> Vec<(Vec<String>, String)> {
        let mut imports = Vec::new();
        for found in USE.captures_iter(&self.text) {
            expand(&[], found[1].trim(), &mut imports);
        }
        imports
    }

    /// Paths of at least two segments outside imports.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let text = USE.replace_all(&self.text, "");
        let split = |path: &str| path.split("::").map(|part| part.trim().to_owned()).collect();
        PATH.find_iter(&text).map(|found| split(found.as_str())).collect()
    }

    /// Functions that have a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let functions = FUNCTION.captures_iter(&self.text).filter_map(|found| {
            let start = found.get(0).unwrap().start();
            let end = end_of_item(&self.text, start);
            let line = self.text[..start].matches('\n').count() + 1;
            let length = self.text[start..end].matches('\n').count() + 1;
            let body = self.text[start..end].ends_with('}');
            body.then(|| Function { name: found[1].to_owned(), line, length })
        });
        functions.collect()
    }
}

/// Splits `a::{b, c::D as E, self}` into its paths.
fn expand(before: &[String], tree: &str, imports: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    let (head, group) = match tree.find('{') {
        Some(at) => (tree[..at].trim().trim_end_matches("::"), Some(&tree[at + 1..])),
        None => (tree, None),
    };
    let (head, renamed) = head.split_once(" as ").map_or((head, None), |(a, b)| (a, Some(b)));
    let segments = head.split("::").map(str::trim).filter(|part| !part.is_empty());
    let mut path = before.to_vec();
    path.extend(segments.map(str::to_owned));
    if let Some(group) = group {
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        let mut depth = 0;
        let parts = group.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        for part in parts.filter(|part| !part.trim().is_empty()) {
            expand(&path, part, imports);
        }
        return;
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if let Some(last) = path.last().cloned() {
        imports.push((path, renamed.map_or(last, |name| name.trim().to_owned())));
    }
}

/// Where the item that starts at or after `from` ends: behind its `;` or its closing brace.
fn end_of_item(text: &str, from: usize) -> usize {
    let mut depth = 0_i32;
    for (at, c) in text[from..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth <= 0 {
                    return from + at + 1;
                }
            }
            ';' if depth == 0 => return from + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Blanks what is inside comments, strings and character literals.
fn blank_literals(text: &str) -> String {
    static LITERAL: LazyLock<Regex> = LazyLock::new(|| {
        let literals = [
            r"//[^\n]*",
            r"(?s:/\*.*?\*/)",
            "(?s:b?r###\".*?\"###|b?r##\".*?\"##|b?r#\".*?\"#|b?r\"[^\"]*\")",
            r#"(?s:b?"(?:\\.|[^"\\])*")"#,
            r"b?'(?:\\[^u]|\\x..|\\u\{[^}]*\}|[^'\\])'",
        ];
        Regex::new(&literals.join("|")).unwrap()
    });
    LITERAL
        .replace_all(text, |found: &regex::Captures<'_>| {
            found[0].chars().map(|c| if c == '\n' { c } else { ' ' }).collect::<String>()
        })
        .into_owned()
}
