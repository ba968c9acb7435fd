use super::*;

fn collect_from(text: &str) -> (Vec<ModelPathCall>, Vec<ModelDirUse>) {
    let parsed = ruff_python_parser::parse_module(text).unwrap();
    let body = &parsed.syntax().body;
    collect(body, &Names::collect(body), &Positions::new(text))
}

#[test]
fn calls_are_read_with_their_literals() {
    let text = "from azureml.core.model import Model as M
NAME = 'digits'
M.get_model_path('a.pkl')
M.get_model_path(model_name=NAME, version=3)
azureml.core.Model.get_model_path(name(), '1')
try:
    M.get_model_path('a', version=None)
except Exception:
    pass
M.get_model_path(*args)
";
    let call = |line, name, version, guarded| ModelPathCall { line, name, version, guarded };
    let words = |text: &str| Argument::Text(text.to_owned());
    assert_eq!(
        collect_from(text).0,
        [
            call(3, words("a.pkl"), Argument::Absent, false),
            call(4, words("digits"), Argument::Int(3), false),
            call(5, Argument::Other, words("1"), false),
            call(7, words("a"), Argument::None, true),
            call(10, Argument::Other, Argument::Other, false),
        ]
    );
}

#[test]
fn paths_on_the_model_folder_are_followed() {
    let text = "import os
from os import path, environ
from pathlib import Path
d = os.getenv('AZUREML_MODEL_DIR')
os.path.join(d, 'a.pkl')
p = path.join(environ['AZUREML_MODEL_DIR'], 'm', '1/x')
Path(d) / 'm' / unknown / 'z'
open(p + '/y')
f'{d}/b/{n}'
os.path.join(os.environ.get('AZUREML_MODEL_DIR', '.'), name())
d = 'else'
os.path.join(d, 'no')
if local:
    Path(os.environ['AZUREML_MODEL_DIR']).joinpath('g')
";
    let used = |line, parts: &[&str], guarded| ModelDirUse {
        line,
        root: Root::ModelDir,
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        opened: (line == 8).then(|| "open".to_owned()),
        guarded,
    };
    assert_eq!(
        collect_from(text).1,
        [
            used(5, &["a.pkl"], false),
            used(6, &["m", "1", "x"], false),
            used(7, &["m"], false),
            used(8, &["m", "1", "x", "y"], false),
            used(9, &["b"], false),
            used(14, &["g"], true),
        ]
    );
}

#[test]
fn paths_from_get_model_path_are_followed() {
    let text = "import joblib, os
from azureml.core.model import Model
p = Model.get_model_path('m')
a = joblib.load(p)
open(os.path.join(Model.get_model_path('d'), 'x'))
open(Model.get_model_path(name) + '/y')
";
    let (calls, uses) = collect_from(text);
    assert_eq!(calls.iter().map(|call| call.line).collect::<Vec<_>>(), [3, 5, 6]);
    let used = |line, name: &str, parts: &[&str], opener: &str| ModelDirUse {
        line,
        root: Root::Model(name.to_owned()),
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        opened: Some(opener.to_owned()),
        guarded: false,
    };
    assert_eq!(uses, [used(4, "m", &[], "joblib.load"), used(5, "d", &["x"], "open")]);
}
