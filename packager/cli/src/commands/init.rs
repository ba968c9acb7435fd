//! `mlpack init`: a project to fill in.

use std::fs;
use std::path::Path;

use mlpack_deploy::ServiceName;
use mlpack_oci::pending::write_atomically;
use serde::Serialize;

use crate::args::InitArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// What the model of a new project is called until it has one.
const MODEL_NAME: &str = "model";
const MODEL_FILE: &str = "model.pkl";

#[derive(Serialize)]
struct Values<'a> {
    name: &'a str,
    model_name: &'a str,
    model_file: &'a str,
    model_file_literal: String,
    python_version: Option<&'a str>,
    pip_packages: &'a [&'a str],
}

pub(crate) fn run(context: &Context, args: &InitArgs) -> Result<()> {
    let dir = context.cwd.join(&args.dir);
    let name = match &args.name {
        Some(name) => name.parse::<ServiceName>()?.to_string(),
        None => name_of(&dir),
    };
    let values = Values {
        name: &name,
        model_name: MODEL_NAME,
        model_file: MODEL_FILE,
        model_file_literal: format!("\"{MODEL_FILE}\""),
        python_version: None,
        pip_packages: &[mlpack_lock::SERVER],
    };
    let fill = |template: &str| context.templates.fill(template, &values);
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

/// Writes files that are not there yet; if another one is in the way, none is written.
pub(crate) fn write_new<'a>(
    dir: &Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<()> {
    for (name, bytes) in files.clone() {
        let path = dir.join(name);
        // What an interrupted run wrote is as it shall be.
        if path.exists() && fs::read(&path).ok().as_deref() != Some(bytes) {
            return Err(Failure::usage(
                format!("{} is there already", path.display()),
                "name another folder, or remove the file",
            ));
        }
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        write_atomically(&path, bytes).map_err(Failure::io("write", path.display()))?;
    }
    Ok(())
}

/// A service name made of the folder's: lower case, dashes for what a name cannot hold.
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
    fn a_folder_gives_a_name_that_a_service_may_have() {
        let of = |folder: &str| name_of(Path::new(folder));
        assert_eq!(of("/a/My Service_2"), "my-service-2");
        assert_eq!(of("/a/2019-model-"), "model");
        assert_eq!(of("/"), "my-service");
    }
}
