//! Models and entry scripts, which are never run.

use std::path::Path;

use mlpack_project::analysis::model_format::ModelFormat;
use mlpack_project::analysis::pickle::Pickle;
use mlpack_project::analysis::python::EntryScript;
use mlpack_requirements::PythonVersion;

use crate::file;

/// A model file of any format: the first byte chooses the end of its name.
pub(crate) fn model(bytes: &[u8]) {
    const ENDS: [&str; 5] = ["pkl", "onnx", "safetensors", "keras", "bin"];
    let Some((end, bytes)) = bytes.split_first() else { return };
    let name = format!("model.{}", ENDS[usize::from(*end) % ENDS.len()]);
    let Some((_dir, path)) = file(&name, bytes) else { return };
    let _ = Pickle::read(&path);
    let _ = ModelFormat::read(&path);
}

/// An entry script.
pub(crate) fn script(bytes: &[u8]) {
    let script =
        EntryScript::parse(Path::new("/nowhere/score.py"), &String::from_utf8_lossy(bytes));
    for minor in [5, 8, 13] {
        let _ = script.unsupported_syntax(PythonVersion { major: 3, minor, patch: 0 });
    }
    for name in ["init", "run"] {
        let _ = (script.function(name), script.may_define(name));
    }
}
