//! Findings, verdicts and warnings of a run on standard error; its questions on standard input.

use std::io::{self, Read as _};
use std::sync::OnceLock;

use mlpack_project::base::Verdict;
use mlpack_project::check::Finding;
use mlpack_workflow::Reporter;
use serde_json::json;

use crate::output::{self, Format};
use crate::render;

/// Longest password that is read.
const LONGEST: u64 = 64 << 10;

/// Prints what a run reports.
pub(crate) struct Printer {
    format: Format,
    password: OnceLock<String>,
}

impl Printer {
    /// Prints in `format`.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, password: OnceLock::new() }
    }
}

impl Reporter for Printer {
    fn finding(&self, finding: &Finding) {
        match self.format {
            Format::Json => output::error_value(&json!({ "finding": finding })),
            Format::Text => output::error_line(&render::finding(finding)),
        }
    }

    fn verdicts(&self, image: &str, verdicts: &[Verdict]) {
        match self.format {
            Format::Json => output::error_value(&json!({ "verdicts": verdicts })),
            Format::Text => {
                let verdicts = render::verdicts(verdicts);
                output::error_line(&format!("base image {image}\n{verdicts}"));
            }
        }
    }

    fn warning(&self, text: &str) {
        output::warning(self.format, text);
    }

    /// Reads the password of `--password-stdin`, only once.
    fn password(&self) -> io::Result<String> {
        if let Some(known) = self.password.get() {
            return Ok(known.clone());
        }
        let mut text = String::new();
        io::stdin().take(LONGEST).read_to_string(&mut text)?;
        Ok(self.password.get_or_init(|| text.trim_end_matches(['\r', '\n']).to_owned()).clone())
    }
}
