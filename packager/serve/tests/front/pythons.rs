//! The builtin worker on every Python of this machine.

use std::path::PathBuf;
use std::process::Command;

use crate::kit::{Service, pythons, worker};

const SCRIPT: &str = "
import os, sys, time
from azureml.contrib.services.aml_response import AMLResponse

def init():
    global model
    model = {'a': 1}

def run(data, request_headers):
    if data == 'response':
        return AMLResponse({'x': 1}, 202, {'X-Own': '1,2'}, json_str=True)
    if data == 'sleep':
        time.sleep(1000)
    if data == 'fork':
        child = os.fork()
        return os.waitpid(child, 0)[1] if child else 0
    return [model, data, sys.version_info[1], request_headers['Content-Type']]
";

#[test]
fn every_python_serves() {
    for (minor, python) in pythons() {
        eprintln!("Python 3.{minor}");
        let service = Service::with(&python, SCRIPT, &[("SCORING_TIMEOUT_MS", "2000")]);
        service.wait_until_ready();
        let answer = service.send("POST", "/score", &[("Content-Type", "text/x")], "ü".as_bytes());
        let expected = serde_json::json!([{"a": 1}, "ü", minor, "text/x"]);
        assert_eq!((answer.status, answer.json()), (200, expected), "{}", service.errors.text());
        let answer = service.score("response");
        assert_eq!((answer.status, answer.text().as_str()), (202, "{\"x\": 1}"));
        let own: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "x-own").collect();
        assert_eq!(own.len(), 2);
        assert_eq!(service.score("fork").text(), "0");
        assert_eq!(service.score("sleep").status, 504);
        assert_eq!(service.get("/swagger.json?version=3").json()["openapi"], "3.0.3");
    }
}

/// Parses the worker's files with the grammar of Python 3.5. The parser's option does not cover everything that is
/// newer (`help(ast.parse)`), so the rest is looked for in the tree.
const CHECK: &str = "
import ast, sys

NEWER = ('JoinedStr', 'AnnAssign', 'NamedExpr', 'AsyncFor', 'AsyncWith', 'AsyncFunctionDef', 'Await', 'Match')
for path in sys.argv[1:]:
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for node in ast.walk(ast.parse(text, path, feature_version=(3, 5))):
        kind = type(node).__name__
        assert kind not in NEWER, (path, node.lineno, kind)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            assert '_' not in (ast.get_source_segment(text, node) or ''), (path, node.lineno)
        if isinstance(node, ast.arguments):
            assert not getattr(node, 'posonlyargs', None), path
        # A comma after *args or **kwargs of a definition came with 3.6.
        if isinstance(node, ast.FunctionDef) and (node.args.vararg or node.args.kwarg):
            last = node.args.kwarg or node.args.vararg
            line = text.splitlines()[last.end_lineno - 1][last.end_col_offset:]
            assert node.args.kwonlyargs or not line.lstrip().startswith(','), (path, node.lineno)
";

#[test]
fn the_worker_is_written_in_python_3_5() {
    let (minor, python) = pythons().pop().unwrap();
    assert!(minor >= 8, "the check needs Python 3.8");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [worker(), worker().join("_mlpack_worker")] {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "py")));
    }
    assert!(files.len() > 5);
    let output = Command::new(python).args(["-c", CHECK]).args(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
