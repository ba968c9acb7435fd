//! The repository of a model in a registry.

use mlpack_oci::Digest;

/// Returns the last part of the repository of a model: its name, if a repository may have it, else its letters and
/// digits in lower case and a piece of its hash (distribution-spec, "Pulling manifests": names are lowercase, with
/// single separators between letters and digits).
pub(crate) fn component(name: &str) -> String {
    if is_component(name) {
        return name.to_owned();
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{}-{}", plain.to_ascii_lowercase(), &Digest::of(name.as_bytes()).hex()[..12])
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(name: &str) -> bool {
    let separated = |separator: &str| {
        separator.is_empty()
            || matches!(separator, "." | "_" | "__")
            || separator.bytes().all(|byte| byte == b'-')
    };
    let letter = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
    name.len() <= 128
        && name.starts_with(letter)
        && name.ends_with(letter)
        && name.chars().all(|char| letter(char) || matches!(char, '.' | '_' | '-'))
        && name.split(letter).all(separated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_where_repositories_may_have_it() {
        for name in ["digits", "diabetes.pkl", "a-b__c--d", "0"] {
            assert_eq!(component(name), name);
        }
        for (name, start) in [("Digits", "digits-"), ("a..b", "ab-"), ("a-", "a-"), ("a._b", "ab-")]
        {
            let found = component(name);
            assert!(found.starts_with(start) && is_component(&found), "{name}: {found}");
        }
        assert_ne!(component("Digits"), component("DIGITS"));
    }
}
