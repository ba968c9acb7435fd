//! Requirements of PEP 508, by the crate that uv's is from.

use std::str::FromStr as _;

use pep508_rs::{Requirement, VerbatimUrl};

/// Parses a requirement. The error is a sentence.
pub(crate) fn parse(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    // The parser panics at a name, or an extra, that ends so and is followed by something (its release 0.9.2).
    let (name, rest) = leading_name(text);
    let extras = rest.trim_start().strip_prefix('[').unwrap_or_default();
    let extras = extras.split(']').next().unwrap_or_default().split(',');
    let extras = extras.map(|extra| (leading_name(extra).0, "Extra"));
    for (name, what) in std::iter::once((name, "Package")).chain(extras) {
        if let Some(last) = name.chars().last().filter(|last| ".-_".contains(*last)) {
            return Err(format!(
                "{what} name must end with an alphanumeric character, not '{last}'"
            ));
        }
    }
    // The grammar of PEP 508 is of ASCII alone; the parser panics at some other characters.
    if let Some(found) = text.chars().find(|c| !c.is_ascii()) {
        return Err(format!("unexpected character {:?} (U+{:04X})", found, u32::from(found)));
    }
    Requirement::from_str(text).map_err(|error| {
        // The parser draws the line with a marker below; only its first sentence is used.
        let message = error.message.to_string();
        message.lines().next().unwrap_or(&message).to_owned()
    })
}

/// Splits a text behind the name that it begins with.
fn leading_name(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    text.split_at(text.find(|c| !is_of_name(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_the_parser_panic_is_an_error() {
        for text in ["numpy-", "numpy-==1", " numpy_ ", "a.;x", "azureml-\u{fffd}=1", "a-[b]"] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("Package name must end with"), "{text}: {error}");
        }
        for text in ["az[ae..\t:", "a[b,c-]", "a [ b_ ]==1"] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("Extra name must end with"), "{text}: {error}");
        }
        for text in [
            "a==1 ; python_version < '3' \u{e9}x",
            "a\u{a0}==1",
            "a==1;'x'\u{fffd}",
            "a;b<'c' 'd\u{fffd}",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("unexpected character '"), "{text}: {error}");
        }
        assert_eq!(parse("a\u{a0}").unwrap_err(), "unexpected character '\\u{a0}' (U+00A0)");
        assert_eq!(parse("a[b-c]==1").unwrap().extras.len(), 1);
        assert_eq!(parse("a-b==1").unwrap().name.to_string(), "a-b");
        for text in ["", "-", "-a", "é-", "[a]"] {
            parse(text).unwrap_err();
        }
    }
}
