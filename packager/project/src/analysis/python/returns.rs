//! What `run` returns, where it is visible in the text.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged as _;

use super::names::Names;
use super::position::Positions;

/// A `return` of `run` whose value clients do not get as intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// From 1.
    pub line: usize,
    /// What it returns.
    pub kind: ReturnKind,
    /// The call that makes it, as `numpy.array`.
    pub call: String,
}

/// What is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnKind {
    /// A numpy value.
    Array,
    /// A pandas value.
    Frame,
}

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> Vec<Return> {
    let mut finder = Finder { names, positions, variables: BTreeMap::new(), found: Vec::new() };
    for stmt in body {
        if let Stmt::FunctionDef(def) = stmt
            && def.name.as_str() == "run"
        {
            finder.visit_body(&def.body);
        }
    }
    finder.found
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    variables: BTreeMap<&'a str, Option<(ReturnKind, String)>>,
    found: Vec<Return>,
}

/// numpy functions that do not return a numpy value.
const PLAIN_NUMPY: &[&str] = &[
    "numpy.array2string",
    "numpy.array_str",
    "numpy.array_repr",
    "numpy.array_equal",
    "numpy.allclose",
    "numpy.ndim",
    "numpy.size",
    "numpy.shape",
];

impl<'a> Finder<'a, '_> {
    fn kind(&self, expr: &'a Expr) -> Option<(ReturnKind, String)> {
        match expr {
            Expr::Name(name) => self.variables.get(name.id.as_str()).cloned().flatten(),
            Expr::Call(call) => {
                let dotted = self.names.dotted(&call.func)?;
                let kind = match dotted.as_str() {
                    plain if PLAIN_NUMPY.contains(&plain) => return None,
                    numpy if numpy.starts_with("numpy.") => ReturnKind::Array,
                    "pandas.DataFrame" | "pandas.Series" | "pandas.concat" | "pandas.merge" => {
                        ReturnKind::Frame
                    }
                    _ => return None,
                };
                Some((kind, dotted))
            }
            Expr::If(choice) => self.kind(&choice.body).or_else(|| self.kind(&choice.orelse)),
            _ => None,
        }
    }
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // Their returns are not those of `run`.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Return(back) => {
                if let Some((kind, call)) = back.value.as_ref().and_then(|value| self.kind(value)) {
                    let line = self.positions.line(back.start());
                    self.found.push(Return { line, kind, call });
                }
            }
            Stmt::Assign(assign) => {
                let kind = self.kind(&assign.value);
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        self.variables.insert(name.id.as_str(), kind.clone());
                    }
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if !expr.is_lambda_expr() {
            walk_expr(self, expr);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_of_run_are_seen_through_variables() {
        let text = "import json, numpy as np
from pandas import DataFrame
def other():
    return json.dumps({})
def run(data):
    def inner(): return json.dumps({})
    try:
        x = model.predict(data)
        y = np.asarray(x)
        if a: return y
        y = y.tolist()
        if b: return y
        z = json.dumps(y)
        return z
    except Exception as e:
        return json.dumps(str(e)) if c else 1
    if d: return DataFrame(x)
    if e: return DataFrame(x).to_json()
    return np.array(x).tolist(), np.shape(x)
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let back = |line, kind, call: &str| Return { line, kind, call: call.to_owned() };
        assert_eq!(
            collect(body, &Names::collect(body), &Positions::new(text)),
            [
                back(10, ReturnKind::Array, "numpy.asarray"),
                back(17, ReturnKind::Frame, "pandas.DataFrame"),
            ]
        );
    }
}
