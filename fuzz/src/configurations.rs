//! Files that users write.

use std::path::Path;

use mlpack_deploy::DeploymentConfig;
use mlpack_documents::{Document, Format};
use mlpack_project::project::InferenceConfig;
use mlpack_requirements::pip::{PipList, Reading, RemoteLists};
use mlpack_requirements::{CondaFile, MatchSpec, PipLine, PythonSpec, Variables};

/// A folder that is not there: lists may name files.
const NOWHERE: &str = "/nowhere";

/// YAML, and JSON.
pub(crate) fn document(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for format in [Format::Yaml, Format::Json] {
        let _ = Document::parse(Path::new("/nowhere/file"), &text, format);
    }
    let _ = Document::parse_configuration(Path::new("/nowhere/file"), &text);
}

/// A deployment configuration, and an inference configuration.
pub(crate) fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = DeploymentConfig::parse(&text, "/nowhere/deployment.json");
    let _ = InferenceConfig::parse(Path::new("/nowhere/inference.json"), &text);
}

/// A conda file, and each of its lines as a package.
pub(crate) fn conda_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = CondaFile::parse(&text, Path::new("/nowhere/env.yml"));
    for line in text.lines() {
        if let Ok(spec) = MatchSpec::parse(line) {
            let _ = PythonSpec::parse(&spec);
        }
    }
}

/// Lines of a pip list.
pub(crate) fn pip_list(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parse = |(number, line)| PipLine::parse(line, number + 1).ok();
    let pip: Vec<PipLine> = text.lines().enumerate().filter_map(parse).collect();
    let (variables, remote) = (Variables::default(), RemoteLists::default());
    let directory = Path::new(NOWHERE);
    // One by one too: the first bad line ends a list.
    let lists = std::iter::once(&pip[..]).chain(pip.chunks(1));
    for pip in lists {
        let _ = PipList::read(Reading {
            pip,
            directory,
            variables: &variables,
            target: None,
            remote: &remote,
        });
    }
}
