//! Results in the formats of `az`: `--output` and `--query`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};

/// How a result is printed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the result, as `az` has it
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    output: Option<OutputFormat>,
    /// JMESPath query that selects a part of the result
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Print the whole record
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    Json,
    Jsonc,
    Table,
    Tsv,
    Yaml,
    Yamlc,
    None,
}

impl OutputArgs {
    /// Whether either flag is given.
    pub(crate) fn is_given(&self) -> bool {
        self.output.is_some() || self.query.is_some()
    }

    /// Prints a result: as `--output` says, else in the global format; `text` is what people see.
    ///
    /// # Errors
    /// If the query cannot be parsed or evaluated.
    pub(crate) fn print(
        &self,
        format: Format,
        value: &Value,
        text: impl FnOnce(&Value) -> String,
    ) -> Result<()> {
        let selected = match &self.query {
            Some(query) => select(query, value)?,
            None => value.clone(),
        };
        match (self.output, format) {
            (None, Format::Text) if self.verbose && self.query.is_none() => yaml(&selected),
            (None, Format::Text) if self.query.is_none() => output::line(text(value).trim_end()),
            (Some(OutputFormat::Table), _) if self.query.is_none() => {
                output::line(text(value).trim_end());
            }
            (Some(OutputFormat::None), _) => {}
            (Some(OutputFormat::Tsv | OutputFormat::Table), _) => tsv(&selected),
            (Some(OutputFormat::Yaml | OutputFormat::Yamlc), _) => yaml(&selected),
            (None | Some(OutputFormat::Json | OutputFormat::Jsonc), _) => {
                output::value_line(&format!("{selected:#}"));
            }
        }
        Ok(())
    }
}

fn yaml(value: &Value) {
    output::value_line(serde_yaml::to_string(value).unwrap_or_default().trim_end());
}

fn select(query: &str, value: &Value) -> Result<Value> {
    let wrong = |error: jmespath::JmespathError| {
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        Failure::usage(
            format!("--query {query}: {reason}"),
            "see https://jmespath.org for its syntax",
        )
    };
    let variable =
        jmespath::Variable::from_json(&value.to_string()).unwrap_or(jmespath::Variable::Null);
    let found = jmespath::compile(query).and_then(|query| query.search(variable)).map_err(wrong)?;
    Ok(serde_json::to_value(&*found).unwrap_or(Value::Null))
}

/// Prints values separated by tabs: a line per element of a list, as `az` does.
fn tsv(value: &Value) {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |value: &Value| match value {
        Value::Array(cells) => cells.iter().map(cell).collect::<Vec<_>>().join("\t"),
        Value::Object(cells) => cells.values().map(cell).collect::<Vec<_>>().join("\t"),
        other => cell(other),
    };
    match value {
        Value::Array(rows) => rows.iter().for_each(|value| output::value_line(&row(value))),
        other => output::value_line(&row(other)),
    }
}
