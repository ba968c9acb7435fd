//! How a script finds its models: `Model.get_model_path(...)` (docs/azureml-2019.md#1.5) and paths
//! based on it or on `AZUREML_MODEL_DIR` (docs/azureml-2019.md#1.6).

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Operator, Stmt};
use ruff_text_size::Ranged as _;

use super::names::Names;
use super::position::Positions;

/// A call of `Model.get_model_path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPathCall {
    /// From 1.
    pub line: usize,
    /// `model_name`
    pub name: Argument,
    /// `version`
    pub version: Argument,
    /// Whether it is inside `try` or `if`, so that it may be expected to fail.
    pub guarded: bool,
}

/// An argument as far as it is literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Not given.
    Absent,
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// `None`
    None,
    /// Known only at run time.
    Other,
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The value of `AZUREML_MODEL_DIR`.
    ModelDir,
    /// What `Model.get_model_path` returns for a name.
    Model(String),
}

/// A path of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDirUse {
    /// From 1.
    pub line: usize,
    /// What it starts from.
    pub root: Root,
    /// The literal names after that, up to the first one that is not literal.
    pub parts: Vec<String>,
    /// The function that opens it as a file, if one does.
    pub opened: Option<String>,
    /// As for [`ModelPathCall::guarded`].
    pub guarded: bool,
}

const VARIABLE: &str = "AZUREML_MODEL_DIR";

/// Functions whose first argument is a file and never a folder.
const OPENERS: &[&str] = &[
    "joblib.load",
    "io.open",
    "numpy.load",
    "onnxruntime.InferenceSession",
    "open",
    "pandas.read_csv",
    "pandas.read_pickle",
    "sklearn.externals.joblib.load",
    "torch.load",
];

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> (Vec<ModelPathCall>, Vec<ModelDirUse>) {
    let mut finder = Finder {
        names,
        positions,
        depth: 0,
        inside: false,
        variables: BTreeMap::new(),
        calls: Vec::new(),
        uses: Vec::new(),
    };
    finder.visit_body(body);
    (finder.calls, finder.uses)
}

/// A path from a root; `open` once a part was not literal.
#[derive(Clone)]
struct DirPath {
    root: Root,
    parts: Vec<String>,
    open: bool,
}

impl DirPath {
    fn new(root: Root) -> Self {
        Self { root, parts: Vec::new(), open: false }
    }

    fn push(&mut self, text: Option<String>) {
        match text {
            Some(text) if !self.open => {
                let parts = text.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
                self.parts.extend(parts.map(str::to_owned));
            }
            Some(_) => {}
            None => self.open = true,
        }
    }
}

fn is_get_model_path(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Attribute(attribute) if attribute.attr.as_str() == "get_model_path")
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    depth: usize,
    /// Whether the expression that is visited is a part of a path.
    inside: bool,
    variables: BTreeMap<&'a str, DirPath>,
    calls: Vec<ModelPathCall>,
    uses: Vec<ModelDirUse>,
}

impl<'a> Finder<'a, '_> {
    fn argument(&self, call: &'a ExprCall, name: &str, position: usize) -> Argument {
        let Some(expr) = call.arguments.find_argument_value(name, position) else {
            // `*args` may contain it.
            let starred = call.arguments.args.iter().any(Expr::is_starred_expr)
                || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
            return if starred { Argument::Other } else { Argument::Absent };
        };
        match self.names.value(expr) {
            Expr::NoneLiteral(_) => Argument::None,
            _ => match (self.names.text(expr), self.names.int(expr)) {
                (Some(text), _) => Argument::Text(text),
                (_, Some(int)) => Argument::Int(int),
                _ => Argument::Other,
            },
        }
    }

    /// Returns the path below the model folder that an expression builds, if it does.
    fn dir_path(&self, expr: &'a Expr) -> Option<DirPath> {
        match expr {
            Expr::Name(name) => self.variables.get(name.id.as_str()).cloned(),
            Expr::Subscript(subscript) => {
                let environ = self.names.dotted(&subscript.value)? == "os.environ";
                (environ && self.names.text(&subscript.slice)? == VARIABLE)
                    .then(|| DirPath::new(Root::ModelDir))
            }
            Expr::BinOp(op) if matches!(op.op, Operator::Div | Operator::Add) => {
                let mut path = self.dir_path(&op.left)?;
                path.push(self.names.text(&op.right));
                Some(path)
            }
            Expr::FString(text) => {
                let mut elements = text.value.elements();
                let Some(InterpolatedStringElement::Interpolation(first)) = elements.next() else {
                    return None;
                };
                let mut path = self.dir_path(&first.expression)?;
                for element in elements {
                    path.push(match element {
                        InterpolatedStringElement::Literal(literal) => {
                            Some(literal.value.to_string())
                        }
                        InterpolatedStringElement::Interpolation(inner) => {
                            self.names.text(&inner.expression)
                        }
                    });
                }
                Some(path)
            }
            Expr::Call(call) => self.dir_path_of_call(call),
            _ => None,
        }
    }

    fn dir_path_of_call(&self, call: &'a ExprCall) -> Option<DirPath> {
        let args = &call.arguments.args;
        if is_get_model_path(call) {
            return match self.argument(call, "model_name", 0) {
                Argument::Text(name) => Some(DirPath::new(Root::Model(name))),
                _ => None,
            };
        }
        // `path.joinpath(...)`, `path.resolve()`
        if let Expr::Attribute(attribute) = &*call.func
            && let Some(mut path) = self.dir_path(&attribute.value)
        {
            return match attribute.attr.as_str() {
                "joinpath" => {
                    args.iter().for_each(|arg| path.push(self.names.text(arg)));
                    Some(path)
                }
                "resolve" | "absolute" | "rstrip" => Some(path),
                _ => None,
            };
        }
        match self.names.dotted(&call.func)?.as_str() {
            "os.getenv" | "os.environ.get" => {
                (self.names.text(args.first()?)? == VARIABLE).then(|| DirPath::new(Root::ModelDir))
            }
            "os.path.join" | "pathlib.Path" | "pathlib.PurePath" | "str" | "os.path.abspath"
            | "os.path.realpath" | "os.path.normpath" => {
                let mut path = self.dir_path(args.first()?)?;
                args.iter().skip(1).for_each(|arg| path.push(self.names.text(arg)));
                Some(path)
            }
            _ => None,
        }
    }

    /// Returns the path that an expression builds, or opens as a file with the function's name.
    fn used(&self, expr: &'a Expr) -> Option<(DirPath, Option<String>)> {
        if let Some(path) = self.dir_path(expr) {
            return Some((path, None));
        }
        let Expr::Call(call) = expr else { return None };
        let opener = self.names.dotted(&call.func).filter(|name| OPENERS.contains(&&**name))?;
        let path = self.dir_path(call.arguments.args.first()?).filter(|path| !path.open)?;
        Some((path, Some(opener)))
    }

    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        if let Expr::Name(name) = target {
            match self.dir_path(value) {
                Some(path) => self.variables.insert(name.id.as_str(), path),
                None => self.variables.remove(name.id.as_str()),
            };
        }
    }
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let guards = matches!(stmt, Stmt::Try(_) | Stmt::If(_));
        self.depth += usize::from(guards);
        walk_stmt(self, stmt);
        self.depth -= usize::from(guards);
        match stmt {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.assign(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            _ => {}
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let (line, guarded) = (self.positions.line(expr.start()), self.depth > 0);
        if let Expr::Call(call) = expr
            && is_get_model_path(call)
        {
            self.calls.push(ModelPathCall {
                line,
                name: self.argument(call, "model_name", 0),
                version: self.argument(call, "version", 1),
                guarded,
            });
        }
        let outside = self.inside;
        if let Some((path, opened)) = self.used(expr).filter(|_| !outside) {
            if !path.parts.is_empty() || opened.is_some() {
                let DirPath { root, parts, .. } = path;
                self.uses.push(ModelDirUse { line, root, parts, opened, guarded });
            }
            // The beginnings of the path are not reported again.
            self.inside = true;
        }
        let guards = matches!(expr, Expr::If(_));
        self.depth += usize::from(guards);
        walk_expr(self, expr);
        self.depth -= usize::from(guards);
        self.inside = outside;
    }
}

#[cfg(test)]
mod tests {
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
}
