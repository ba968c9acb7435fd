//! Environment variables that a pip list or a configuration of conda may name.

use std::collections::BTreeMap;
use std::fmt;

/// Environment variables that a list may name as `${NAME}`. Their values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Replaces every `${NAME}` of a text; the error is the name that is not set. As in pip, names are of capitals, digits and underscores, and `$NAME` is left alone.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            expanded.push_str(before);
            let name = after.split('}').next().unwrap_or_default();
            let is_name = !name.is_empty()
                && name.len() < after.len()
                && name.chars().all(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_'));
            if is_name {
                expanded.push_str(self.0.get(name).ok_or(name)?);
                rest = &after[name.len() + 1..];
            } else {
                expanded.push_str("${");
                rest = after;
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

impl Variables {
    /// The variables whose names start with `prefix`, in order. Values may be secrets.
    pub fn starting_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(move |(name, _)| name.starts_with(prefix))
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_never_shown() {
        let variables: Variables =
            [("TOKEN".to_owned(), "s3cret".to_owned())].into_iter().collect();
        assert_eq!(
            variables.expand("https://me:${TOKEN}@h/${x}/$TOKEN/${TOKEN"),
            Ok("https://me:s3cret@h/${x}/$TOKEN/${TOKEN".to_owned())
        );
        assert_eq!(variables.expand("${NONE}"), Err("NONE".to_owned()));
        assert_eq!(format!("{variables:?}"), "{\"TOKEN\"}");
    }
}
