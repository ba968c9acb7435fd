//! Requirements of PEP 508, by the crate that uv's is from.

use std::str::FromStr as _;

use pep508_rs::{Requirement, VerbatimUrl};

/// Parses a requirement. The error is a sentence.
pub(crate) fn parse(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    // The parser panics at a name that ends so and is followed by something (its release 0.9.2).
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let text_of_name = text.trim_start();
    let end = text_of_name.find(|c| !is_of_name(c)).unwrap_or(text_of_name.len());
    if let Some(last) = text_of_name[..end].chars().last().filter(|last| ".-_".contains(*last)) {
        return Err(format!("Package name must end with an alphanumeric character, not '{last}'"));
    }
    Requirement::from_str(text).map_err(|error| {
        // The parser draws the line with a marker below; only its first sentence is used.
        let message = error.message.to_string();
        message.lines().next().unwrap_or(&message).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_in_a_dash() {
        for text in ["numpy-", "numpy-==1", " numpy_ ", "a.;x", "azureml-\u{fffd}=1", "a-[b]"] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("Package name must end with"), "{text}: {error}");
        }
        assert_eq!(parse("a-b==1").unwrap().name.to_string(), "a-b");
        for text in ["", "-", "-a", "é-", "[a]"] {
            parse(text).unwrap_err();
        }
    }
}
