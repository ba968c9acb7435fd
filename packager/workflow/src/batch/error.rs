//! Errors of batches.

use mlpack_deploy::log_block;

use crate::Error;

/// Errors of batches. The message is the fact; [`BatchError::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// What is to be processed cannot be.
    #[error("{message}")]
    Input {
        /// What was found.
        message: String,
        /// What was expected.
        hint: &'static str,
    },
    /// The image does not start the front door with the builtin worker.
    #[error("{image} does not start mlpack's builtin worker, which batches need")]
    Image {
        /// The image as it was named.
        image: String,
    },
    /// Another batch writes to the folder.
    #[error("container {container} runs another batch with this output folder")]
    Busy {
        /// Its name.
        container: String,
    },
    /// The batch ended without a complete output.
    #[error("the batch failed: {cause}\n{}", log_block(log))]
    Failed {
        /// Why.
        cause: String,
        /// What the user can do about it.
        hint: String,
        /// The end of its log.
        log: String,
    },
    /// Anything else.
    #[error(transparent)]
    Workflow(Box<Error>),
}

impl<E: Into<Error>> From<E> for BatchError {
    fn from(error: E) -> Self {
        Self::Workflow(Box::new(error.into()))
    }
}

impl BatchError {
    pub(super) fn input(message: String, hint: &'static str) -> Self {
        Self::Input { message, hint }
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Input { hint, .. } => (*hint).to_owned(),
            Self::Image { .. } => {
                "package the project with mlpack, without `--server azmlinfsrv`".to_owned()
            }
            Self::Busy { container } => format!(
                "wait for its end, choose another folder, or end it with `docker stop {container}`"
            ),
            Self::Failed { hint, .. } => hint.clone(),
            Self::Workflow(error) => return error.hint(),
        })
    }
}
