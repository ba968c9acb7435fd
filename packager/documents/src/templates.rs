//! The documents of `templates/`, filled by handlebars in strict mode: a missing value is an error.

use std::collections::BTreeMap;

use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, no_escape,
};
use serde::Serialize;

/// A template that cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot fill the template `{name}`: {reason}")]
pub struct TemplateError {
    /// The template's file.
    pub name: String,
    /// The template engine's reason, or the parser's.
    pub reason: String,
}

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

    /// Fills one with the fields of `values`. `{{json NAME}}` writes a value as JSON.
    ///
    /// # Errors
    /// For an unknown template, a missing value or a syntax error.
    pub fn fill(&self, name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
        let bad = |reason: String| TemplateError { name: name.to_owned(), reason };
        let text =
            self.texts.get(name).ok_or_else(|| bad("there is no such template".to_owned()))?;
        let mut handlebars = Handlebars::new();
        // The documents are scripts and configurations, not HTML.
        handlebars.register_escape_fn(no_escape);
        handlebars.set_strict_mode(true);
        handlebars.register_helper("json", Box::new(json));
        handlebars.render_template(text, values).map_err(|error| bad(error.to_string()))
    }

    /// Fills a template of a YAML or JSON document and parses it.
    ///
    /// # Errors
    /// As [`Templates::fill`], and for a result that is not YAML.
    pub fn fill_document(
        &self,
        name: &str,
        values: &impl Serialize,
    ) -> Result<serde_json::Value, TemplateError> {
        let text = self.fill(name, values)?;
        serde_saphyr::from_str(&text)
            .map_err(|error| TemplateError { name: name.to_owned(), reason: error.to_string() })
    }
}

/// Writes the first parameter as JSON, which is YAML too.
fn json(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).filter(|value| !value.is_value_missing());
    let value = value.ok_or(RenderErrorReason::ParamNotFoundForIndex("json", 0))?;
    out.write(&value.value().to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(
        text: &'static str,
        values: &serde_json::Value,
    ) -> Result<serde_json::Value, TemplateError> {
        Templates::new([("a.yaml.hbs", text)]).fill_document("a.yaml.hbs", values)
    }

    #[test]
    fn values_stay_what_they_are() {
        let values = json!({"text": "yes: \"1\"\n# \u{1f600} <&>", "map": {"b": 1, "a": null}});
        let found = filled("text: {{json text}}\nmap: {{json map}}\n", &values).unwrap();
        assert_eq!(found, values);
    }

    #[test]
    fn what_is_missing_is_an_error() {
        let values = json!({"other": 1});
        for text in ["a: {{json name}}", "a: {{name}}", "a: {{json}}"] {
            assert!(filled(text, &values).is_err(), "{text}");
        }
        let error = filled("a: [", &json!({})).unwrap_err().to_string();
        assert!(error.starts_with("cannot fill the template `a.yaml.hbs`: "), "{error}");
    }
}
