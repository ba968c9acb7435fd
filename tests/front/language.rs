//! Messages, help texts and documents are in plain technical English.

use regex::{Regex, RegexBuilder};

use crate::sources::{Source, sources};

/// What is not written, as a regular expression, and what is written for it. A space is any white space.
const BANNED: &[(&str, &str)] = &[
    (r"(is|are|was|were|be|been|being) told", "is reported, prints, warns about"),
    (r"tells", "reports, prints, shows"),
    (r"tell (what|whether|which|how)", "show, report"),
    (r"held (to|against|by)", "verified against, checked against, limited to"),
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
    (r"pass(es|ed|ing)? (it |them )?by", "ignores, skips"),
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
const ALLOWED: &[(&str, &str, &str)] = &[];

/// Whether the word goes on to something that is plain English.
fn continues_well(phrase: &str, rest: &str) -> bool {
    phrase.eq_ignore_ascii_case("stands") && rest.trim_start().starts_with("for ")
}

/// Returns each banned phrase in `visible`, whose lines are those of the file.
fn findings(file: &Source, visible: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (pattern, instead) in BANNED {
        let pattern = format!(r"\b({})\b", pattern.replace(' ', r"\s+"));
        let pattern = RegexBuilder::new(&pattern).case_insensitive(true).build().unwrap();
        for phrase in pattern.find_iter(visible) {
            let allowed = |(path, text, _): &(&str, &str, &str)| {
                file.path.ends_with(path) && text.eq_ignore_ascii_case(phrase.as_str())
            };
            if !ALLOWED.iter().any(allowed)
                && !continues_well(phrase.as_str(), &visible[phrase.end()..])
            {
                let line = visible[..phrase.start()].matches('\n').count() + 1;
                let phrase = phrase.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
                found.push(format!("{}:{line}: `{phrase}`: write {instead}", file.path));
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
/// Items under `#[cfg(test)]`, placeholders in strings and code between backticks are dots too.
fn visible(text: &str, part: Part) -> String {
    let token = Regex::new(concat!(
        r#"(?s)(?P<doc>//[/!][^\n]*)|(?P<comment>//[^\n]*|/\*.*?\*/)"#,
        r##"|(?P<string>b?r"[^"]*"|b?r#".*?"#|b?"(?:\\.|[^"\\])*")"##,
        r"|(?P<char>b?'(?:\\[^\n]{1,9}|[^\\'\n])')",
        r"|(?P<test>#\[cfg\(test\)\])|(?P<other>.)",
    ))
    .unwrap();
    let mut out = String::with_capacity(text.len());
    // Inside an item under `#[cfg(test)]`: how many braces are open.
    let mut test: Option<usize> = None;
    for found in token.captures_iter(text) {
        let chosen = match part {
            Part::Strings => found.name("string"),
            Part::DocComments => found.name("doc"),
        };
        match (test, chosen) {
            (None, Some(chosen)) => out.push_str(&prose(chosen.as_str())),
            _ => out.push_str(&dots(&found[0])),
        }
        test = match (test, &found[0]) {
            (None, "#[cfg(test)]") => Some(0),
            (Some(open), "{") => Some(open + 1),
            (Some(0), ";") | (Some(1), "}") => None,
            (Some(open), "}") => Some(open - 1),
            (state, _) => state,
        };
    }
    out
}

/// White space as it is, all else as dots.
fn dots(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { '.' }).collect()
}

/// A string or comment without code: slashes and line continuations become white space.
fn prose(text: &str) -> String {
    let marks = Regex::new(r"^//[/!]|\\n|\\\n|`[^`]*`|\{[^{}\s]*\}").unwrap();
    let replace = |found: &regex::Captures<'_>| match &found[0] {
        "///" | "//!" => "   ".to_owned(),
        "\\\n" => " \n".to_owned(),
        code => dots(code),
    };
    marks.replace_all(text, replace).into_owned()
}

/// A document without its code spans.
fn document(text: &str) -> String {
    let code = Regex::new(r"`[^`\n]*`").unwrap();
    code.replace_all(text, |found: &regex::Captures<'_>| dots(&found[0])).into_owned()
}

/// Checks the chosen files and fails with all findings.
fn check(wanted: impl Fn(&Source) -> bool, visible: impl Fn(&Source) -> String) {
    let files = sources();
    let checked = files.iter().filter(|file| wanted(file));
    let found: Vec<String> = checked.flat_map(|file| findings(file, &visible(file))).collect();
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
    let folders = ["templates/", "base-images/", "docs/", "benches/", "fixtures/"];
    let is_document = |file: &Source| {
        let below = folders.iter().any(|folder| file.path.starts_with(folder));
        (below && !file.is("rs") && !(file.is("py") && !file.path.starts_with("templates/")))
            || (file.is("md") && !file.path.contains('/'))
    };
    check(is_document, |file| document(&file.text));
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
    let file = Source { path: "a.rs".to_owned(), text: text.to_owned() };
    assert_eq!(
        findings(&file, &strings),
        ["a.rs:5: `is told`: write is reported, prints, warns about"]
    );
    let comments = visible(text, Part::DocComments);
    let found = findings(&file, &comments);
    assert_eq!(found[0], "a.rs:3: `Tells`: write reports, prints, shows");
    assert_eq!(found.len(), 2);
}
