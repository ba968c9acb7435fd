//! Messages, help texts and documents are in plain technical English.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexBuilder};

use crate::sources::{Source, dots, sources, without_code};

/// What is not written, as a regular expression, and what is written for it. A space is any white space.
const BANNED: &[(&str, &str)] = &[
    (r"(is|are|was|were|be|been|being) told", "is reported, prints, warns about"),
    (r"tells", "reports, prints, shows"),
    (r"tell (what|whether|which|how)", "show, report"),
    (r"held (to|against)", "verified against, checked against, limited to"),
    (r"holds? (it|them|this|that|each|one|a policy) (to|against)", "verify against, check against"),
    (r"brings?|brought", "provides, includes, contains"),
    (r"stands", "is, appears"),
    (r"stand (in|on|beside|behind|below|above|between)", "is, appears; replaces"),
    (r"(lies|lie|lay) (in|at|on|beside|below|under|there|compressed|unpacked)", "is, are"),
    (r"laid (down|out|over)", "installed, written"),
    (r"anew", "again, from scratch"),
    (r"shall", "must, will"),
    (r"at hand", "available, found"),
    (r"of (its|their|one's) own", "separate"),
    (r"an own|own ones", "a separate, our own"),
    (r"goes without|go without", "ignores, skips"),
    (r"passes by|pass(es)? (it|them) by", "ignores, skips"),
    (r"(take|takes|taken|took) (it |them )?away", "delete, remove"),
    (r"whoever", "name who it is"),
    (r"what is (wanted|there)", "name the thing"),
    (r"once ever", "only once"),
    (r"service of 2019", "Azure ML (2019)"),
    (r"rooms?|floors?|house", "crate, tier, project"),
    (r"remedy|remedies", "hint"),
    (r"mend|mends|mended", "fix"),
    (r"misfits?", "incompatibility"),
    (r"makes it come true|put it right", "fix"),
];

/// A phrase that is right where it is: end of the path, phrase, reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("base/policy.rs", "remedy", "the key in records of images from before the word was `hint`"),
    ("launcher/launch.py.hbs", "anew", "part of every image: an edit changes its digest"),
    ("launcher/main.py.hbs", "stands", "part of every image: an edit changes its digest"),
];

/// The banned phrases as expressions that match whole words.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rule = |(pattern, instead): &(&str, &'static str)| {
        let pattern = format!(r"\b(?:{})\b", pattern.replace(' ', r"\s+"));
        (RegexBuilder::new(&pattern).case_insensitive(true).build().unwrap(), *instead)
    };
    BANNED.iter().map(rule).collect()
});

/// The tokens of Rust that decide what is read.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?s)(?P<doc>//[/!][^\n]*)|//[^\n]*|/\*.*?\*/"#,
        r##"|(?P<string>b?r"[^"]*"|b?r#".*?"#|b?"(?:\\.|[^"\\])*")"##,
        r"|b?'(?:\\[^\n]{1,9}|[^\\'\n])'",
        r##"|#\[cfg\((?:test|all\(test[^\]]*\))\)\]|[^/"'#br{};]+|."##,
    ))
    .unwrap()
});

/// Whether what follows makes the word plain English, or a file name.
fn continues_well(phrase: &str, rest: &str) -> bool {
    let is_file = rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_lowercase());
    is_file || (phrase.eq_ignore_ascii_case("stands") && rest.trim_start().starts_with("for "))
}

/// Returns each banned phrase in `visible`, whose lines are those of the file.
fn findings(path: &str, visible: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (pattern, instead) in RULES.iter() {
        for phrase in pattern.find_iter(visible) {
            let text = phrase.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
            let allowed = |(end, allowed, _): &(&str, &str, &str)| {
                path.ends_with(end) && text.eq_ignore_ascii_case(allowed)
            };
            if !ALLOWED.iter().any(allowed) && !continues_well(&text, &visible[phrase.end()..]) {
                let line = visible[..phrase.start()].matches('\n').count() + 1;
                found.push(format!("{path}:{line}: `{text}`: write {instead}"));
            }
        }
    }
    found
}

/// Which parts of a Rust file are read.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Strings,
    DocComments,
}

/// Returns the file with everything but the chosen parts as dots, line by line as it is.
///
/// Test code, placeholders in strings and code between backticks are dots too.
fn visible(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    // Inside an item of test code: how many braces are open.
    let mut test: Option<usize> = None;
    for found in TOKEN.captures_iter(text) {
        let chosen = match part {
            Part::Strings => found.name("string"),
            Part::DocComments => found.name("doc"),
        };
        match (test, chosen) {
            (None, Some(chosen)) => out.push_str(&prose(chosen.as_str())),
            _ => out.push_str(&dots(&found[0])),
        }
        test = match (test, &found[0]) {
            (None, token) if token.starts_with("#[cfg(") => Some(0),
            (Some(open), "{") => Some(open + 1),
            (Some(0), ";") | (Some(0 | 1), "}") => None,
            (Some(open), "}") => Some(open - 1),
            (state, _) => state,
        };
    }
    out
}

/// A string or comment without code: slashes and line continuations become white space.
fn prose(text: &str) -> String {
    let marks = Regex::new(r"^//[/!]|\\n|\\\n|`[^`]*`|\{[^{}\s]*\}").unwrap();
    let replace = |found: &Captures<'_>| match &found[0] {
        "///" | "//!" => "   ".to_owned(),
        "\\\n" => " \n".to_owned(),
        code => dots(code),
    };
    marks.replace_all(text, replace).into_owned()
}

/// Checks the chosen files and fails with all findings.
fn check(wanted: impl Fn(&Source) -> bool, visible: impl Fn(&Source) -> String) {
    let files = sources();
    let checked = files.iter().filter(|file| wanted(file));
    let found: Vec<String> =
        checked.flat_map(|file| findings(&file.path, &visible(file))).collect();
    assert!(found.is_empty(), "{} phrases to rewrite:\n{}", found.len(), found.join("\n"));
}

/// The code of the crates, without their tests.
fn is_code(file: &Source) -> bool {
    file.path.starts_with("packager/")
        && file.is("rs")
        && !file.path.contains("/tests/")
        && !file.path.ends_with("/tests.rs")
}

#[test]
fn messages_are_in_plain_english() {
    check(is_code, |file| visible(&file.text, Part::Strings));
}

#[test]
fn help_texts_are_in_plain_english() {
    let is_help = |file: &Source| is_code(file) && file.path.starts_with("packager/cli/");
    check(is_help, |file| visible(&file.text, Part::DocComments));
}

#[test]
fn documents_are_in_plain_english() {
    let is_document = |file: &Source| {
        let embedded = ["templates/", "base-images/"];
        file.is("md") || embedded.iter().any(|folder| file.path.starts_with(folder))
    };
    check(is_document, |file| without_code(&file.text));
}

#[test]
fn only_what_a_user_sees_is_read() {
    let text = r##"
//! Brings nothing.
/// Tells `anew`
/// what.
fn a() -> &'static str { let _c = '"'; "is told \
    {anew} and `shall`" } // whoever
#[cfg(test)]
mod tests { fn b() -> &'static str { "}" } const C: &str = "anew"; }
const D: &str = r#"at "hand""#;
"##;
    let strings = visible(text, Part::Strings);
    assert_eq!(
        findings("a.rs", &strings),
        ["a.rs:5: `is told`: write is reported, prints, warns about"]
    );
    let comments = visible(text, Part::DocComments);
    let found = findings("a.rs", &comments);
    assert_eq!(found[0], "a.rs:3: `Tells`: write reports, prints, shows");
    assert_eq!(found.len(), 2);
}
