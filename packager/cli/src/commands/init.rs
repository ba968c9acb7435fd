//! `mlpack init`: creates a project to fill in.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_deploy::ServiceName;
use mlpack_oci::pending::write_durably;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack init my-service
  cd my-service && mlpack package --ic inferenceconfig.json -m model=PATH --output oci:image";

/// Create a new project
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Service name [default: the directory's name]
    #[arg(long)]
    name: Option<String>,
}

/// Placeholder for the model of a new project.
const MODEL_NAME: &str = "model";
const MODEL_FILE: &str = "model.pkl";

#[derive(Serialize)]
struct Values<'a> {
    name: &'a str,
    model_name: &'a str,
    model_file: &'a str,
    model_file_literal: String,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let dir = context.cwd()?.join(&args.dir);
    let templates = context.templates();
    let name = match &args.name {
        Some(name) => name.parse::<ServiceName>()?.to_string(),
        None => name_of(&dir),
    };
    let values = Values {
        name: &name,
        model_name: MODEL_NAME,
        model_file: MODEL_FILE,
        model_file_literal: format!("\"{MODEL_FILE}\""),
    };
    let fill =
        |template: &str| templates.fill(template, &values).map_err(mlpack_project::Error::from);
    let files = [
        ("score.py", fill("project/score.py.hbs")?),
        ("environment.yml", fill("project/environment.yml.hbs")?),
        ("inferenceconfig.json", fill("project/inferenceconfig.json")?),
        ("deploymentconfig.json", fill("project/deploymentconfig.json")?),
        ("sample.json", fill("project/sample.json")?),
        ("README.md", fill("project/README.md.hbs")?),
    ];
    write_new(&dir, files.iter().map(|(name, text)| (*name, text.as_bytes())))?;
    let made = files.map(|(name, _)| args.dir.join(name).display().to_string());
    output::result(context.format, &made, |made| made.join("\n"));
    Ok(())
}

/// Writes new files; if one exists with other contents, none is written.
pub(super) fn write_new<'a>(
    dir: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<()> {
    for (name, bytes) in files.clone() {
        let path = dir.join(name);
        // An interrupted run may have written the same file before.
        if path.exists() && fs::read(&path).ok().as_deref() != Some(bytes) {
            return Err(Failure::usage(
                format!("{} already exists", path.display()),
                "choose another directory, or remove the file",
            ));
        }
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        write_durably(&path, bytes).map_err(Failure::io("write", path.display()))?;
    }
    Ok(())
}

/// Derives a service name from the directory's: lowercase, with dashes for other characters.
fn name_of(dir: &Path) -> String {
    let folder =
        dir.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = folder
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .skip_while(|c| !c.is_ascii_alphabetic())
        .take(32)
        .collect();
    let name = name.trim_end_matches('-');
    name.parse::<ServiceName>().map_or_else(|_| "my-service".to_owned(), |name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_a_valid_service_name() {
        let of = |folder: &str| name_of(Path::new(folder));
        assert_eq!(of("/a/My Service_2"), "my-service-2");
        assert_eq!(of("/a/2019-model-"), "model");
        assert_eq!(of("/"), "my-service");
    }
}
