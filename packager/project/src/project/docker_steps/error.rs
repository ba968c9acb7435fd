//! Why an extra Dockerfile line is not supported.

use std::path::PathBuf;

/// A line that is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {fault}", path.display())]
pub struct StepError {
    /// The file of extra Dockerfile lines.
    pub path: PathBuf,
    /// Where the instruction begins, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: StepFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepFault {
    /// An instruction that needs to run a program or to build another image.
    #[error("{name} is not supported: mlpack runs no program and builds no other image")]
    Refused {
        /// In upper case.
        name: &'static str,
    },
    /// A word that is not an instruction.
    #[error("`{name}` is not a Dockerfile instruction")]
    Unknown {
        /// As written.
        name: String,
        /// The instruction spelled most like it.
        nearest: Option<&'static str>,
    },
    /// An instruction with wrong arguments.
    #[error("{name}: {reason}")]
    Malformed {
        /// In upper case.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A flag of COPY or ADD.
    #[error("{name}: {flag} is not supported")]
    Flag {
        /// In upper case.
        name: &'static str,
        /// As written.
        flag: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// A source that is not a local file.
    #[error("{name}: `{source_text}` is not a local file")]
    Remote {
        /// In upper case.
        name: &'static str,
        /// As written.
        source_text: String,
    },
    /// A source that does not exist.
    #[error("{name}: nothing matches `{source_text}` in {}", context.display())]
    NoSource {
        /// In upper case.
        name: &'static str,
        /// As written, with variables replaced.
        source_text: String,
        /// The folder that sources start from.
        context: PathBuf,
    },
    /// An archive that ADD would unpack.
    #[error("ADD would unpack the archive `{source_text}`")]
    Archive {
        /// As written, with variables replaced.
        source_text: String,
    },
    /// A source that cannot be read.
    #[error("{name}: {reason}")]
    Unreadable {
        /// In upper case.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl StepFault {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Refused { name } => match *name {
                "RUN" => "add Python packages to the conda file; for system packages build a base image and set baseImage to it",
                "FROM" => "set the base image with baseImage or --base-image",
                "ENTRYPOINT" | "CMD" | "SHELL" => "remove the line: the image always starts the server with the entry script",
                "ARG" => "write the value with ENV",
                "MAINTAINER" => "write LABEL maintainer=NAME",
                "HEALTHCHECK" => "remove the line and set livenessProbeRequirements in the deployment configuration",
                "VOLUME" => "remove the line; mounts are configured where the service is deployed",
                _ => "remove the line",
            }
            .to_owned(),
            Self::Unknown { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::Unknown { .. } => {
                "supported are ENV, LABEL, EXPOSE, WORKDIR, USER, COPY and ADD".to_owned()
            }
            Self::Malformed { name, .. } => match *name {
                "ENV" => "write ENV NAME=VALUE",
                "LABEL" => "write LABEL NAME=VALUE",
                "EXPOSE" => "write EXPOSE PORT, PORT/tcp or PORT/udp",
                "WORKDIR" => "write WORKDIR /FOLDER",
                "USER" => "write USER NAME or USER NUMBER",
                _ => "write COPY SOURCE... DESTINATION",
            }
            .to_owned(),
            Self::Flag { instead, .. } => (*instead).to_owned(),
            Self::Remote { .. } => {
                "download the file, put it beside the entry script, and COPY it".to_owned()
            }
            Self::NoSource { .. } => {
                "check the path; it is relative to the source directory, or to the working directory without one".to_owned()
            }
            Self::Archive { .. } => {
                "unpack it and COPY the folder, or write COPY to add the archive as it is".to_owned()
            }
            Self::Unreadable { .. } => "make the file readable, or remove it".to_owned(),
        }
    }
}
