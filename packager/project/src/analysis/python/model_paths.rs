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

pub(super) const VARIABLE: &str = "AZUREML_MODEL_DIR";

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
        if self.names.variable(expr).is_some_and(|name| name == VARIABLE) {
            return Some(DirPath::new(Root::ModelDir));
        }
        match expr {
            Expr::Name(name) => self.variables.get(name.id.as_str()).cloned(),
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
        let was_inside = self.inside;
        if let Some((path, opened)) = self.used(expr).filter(|_| !was_inside) {
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
        self.inside = was_inside;
    }
}

#[cfg(test)]
mod tests;
