//! The documents of `templates/`, filled by handlebars in strict mode: a missing value is an error.

use std::collections::BTreeMap;

use handlebars::{Handlebars, no_escape};
use serde::Serialize;

use crate::{Error, Result};

/// Templates by their path below `templates/`.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    texts: BTreeMap<&'static str, &'static str>,
}

impl Templates {
    /// Takes pairs of path and text.
    pub fn new(texts: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        Self { texts: texts.into_iter().collect() }
    }

    /// Fills one with the fields of `values`.
    ///
    /// # Errors
    /// [`Error::Template`] for an unknown template, a missing value or a syntax error.
    pub fn fill(&self, name: &str, values: &impl Serialize) -> Result<String> {
        let bad = |reason: String| Error::Template { name: name.to_owned(), reason };
        let text =
            self.texts.get(name).ok_or_else(|| bad("there is no such template".to_owned()))?;
        let mut handlebars = Handlebars::new();
        // The documents are scripts and configurations, not HTML.
        handlebars.register_escape_fn(no_escape);
        handlebars.set_strict_mode(true);
        handlebars.render_template(text, values).map_err(|error| bad(error.to_string()))
    }
}
