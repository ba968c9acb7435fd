//! Extra Dockerfile lines without Docker: those that only change the configuration or add files
//! become [`Step`]s, those that would run a program are refused by line (docs/azureml-2019.md#8).
//!
//! The language is Docker's (Dockerfile reference): continuation lines, comments, quotes, the JSON
//! form, and `$NAME` in values.

mod copy;
mod error;
mod evaluate;
mod instruction;
mod lines;
mod words;

use std::path::{Path, PathBuf};

pub use error::{StepError, StepFault};
pub use evaluate::{BaseState, Step};
use instruction::Instruction;

use super::{Error, Result};

/// The extra Dockerfile lines of a file.
#[derive(Debug)]
pub struct DockerSteps {
    /// The file.
    pub path: PathBuf,
    /// Unsupported lines, in order; if there are any, nothing can be built.
    pub refused: Vec<StepError>,
    instructions: Vec<(usize, Instruction)>,
}

impl DockerSteps {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`]. Unsupported lines are in [`DockerSteps::refused`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = mlpack_documents::read_text(path).map_err(Error::read(path))?;
        Ok(Self::parse(path, &text))
    }

    /// Parses the text of a file; `path` is only used in messages.
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut steps =
            Self { path: path.to_owned(), refused: Vec::new(), instructions: Vec::new() };
        for line in lines::logical_lines(text) {
            match Instruction::parse(&line.text) {
                Ok(instruction) => steps.instructions.push((line.number, instruction)),
                Err(fault) => steps.refuse(line.number, fault),
            }
        }
        steps
    }

    /// Evaluates the lines on top of a base image; files to copy are looked up below `context`.
    ///
    /// # Errors
    /// Every unsupported line, those of [`DockerSteps::refused`] first.
    pub fn evaluate(
        &self,
        base: &BaseState<'_>,
        context: &Path,
    ) -> Result<Vec<Step>, Vec<StepError>> {
        let mut errors = self.refused.clone();
        let mut evaluation = evaluate::Evaluation::new(base, context);
        for (line, instruction) in &self.instructions {
            if let Err(fault) = evaluation.follow(instruction) {
                errors.push(StepError { path: self.path.clone(), line: *line, fault });
            }
        }
        if errors.is_empty() { Ok(evaluation.steps) } else { Err(errors) }
    }

    /// Returns whether a file to copy has a variable in its name, so that the base image decides
    /// which.
    pub fn uses_variables(&self) -> bool {
        self.instructions.iter().any(|(_, instruction)| match instruction {
            Instruction::Copy(copy) => copy.sources.iter().any(|source| source.contains('$')),
            _ => false,
        })
    }

    fn refuse(&mut self, line: usize, fault: StepFault) {
        self.refused.push(StepError { path: self.path.clone(), line, fault });
    }
}
