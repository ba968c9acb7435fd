//! The name of a service.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A service's name: 3 to 32 characters, `^[a-z]([-a-z0-9]*[a-z0-9])?$` (docs/azureml-2019.md#3.5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The longest name, in characters.
const MAX_LENGTH: usize = 32;

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ServiceName {
    /// Returns the name that a service of a model has if none is given; `None` if no name can be made of the model's.
    pub fn of_model(model: &str) -> Option<Self> {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = model.chars().map(letter).take(MAX_LENGTH).collect();
        name.trim_matches('-').parse().ok()
    }
}

impl FromStr for ServiceName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |reason: String| Error::ServiceName { name: text.to_owned(), reason };
        let length = text.chars().count();
        if !(3..=MAX_LENGTH).contains(&length) {
            return Err(bad(format!("it has {length} characters; 3 to 32 are allowed")));
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(bad("it does not begin with a lower-case letter".to_owned()));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if let Some(c) = text.chars().find(|&c| !allowed(c)) {
            return Err(bad(format!("it contains `{c}`")));
        }
        if text.ends_with('-') {
            return Err(bad("it ends with `-`".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_gives_its_service_a_name() {
        let of = |model: &str| ServiceName::of_model(model).map(|name| name.to_string());
        assert_eq!(of("sklearn_mnist").as_deref(), Some("sklearn-mnist"));
        assert_eq!(of("Diabetes.pkl").as_deref(), Some("diabetes-pkl"));
        assert_eq!(of(&"a_".repeat(40)).unwrap().len(), 31);
        assert_eq!((of("1st"), of("m")), (None, None));
    }

    #[test]
    fn names_are_printed_as_written() {
        for good in ["abc", "my-service-1", "a23", &"a".repeat(32)] {
            assert_eq!(good.parse::<ServiceName>().unwrap().to_string(), good);
        }
    }

    #[test]
    fn a_bad_name_says_what_is_wrong() {
        for (bad, reason) in [
            ("ab", "it has 2 characters; 3 to 32 are allowed"),
            (&*"a".repeat(33), "it has 33 characters; 3 to 32 are allowed"),
            ("1abc", "it does not begin with a lower-case letter"),
            ("my_service", "it contains `_`"),
            ("myService", "it contains `S`"),
            ("abc-", "it ends with `-`"),
        ] {
            let error = bad.parse::<ServiceName>().unwrap_err().to_string();
            assert_eq!(error, format!("invalid service name `{bad}`: {reason}"));
        }
    }
}
