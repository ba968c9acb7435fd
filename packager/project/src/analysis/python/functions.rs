//! Functions at the top level, their parameters and the decorators that servers know.

use ruff_python_ast::{ExceptHandler, Expr, Parameters, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged as _;

use super::names::Names;
use super::position::Positions;

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line of its `def`, from 1.
    pub line: usize,
    /// Whether it is `async def`.
    pub is_async: bool,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// From the top.
    pub decorators: Vec<Decorator>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without stars.
    pub name: String,
    /// How it is passed.
    pub kind: ParameterKind,
    /// Whether it may be left out.
    pub has_default: bool,
}

/// How a parameter is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Before a `/`.
    PositionalOnly,
    /// By position or by name.
    Regular,
    /// `*args`
    Star,
    /// After a `*`.
    KeywordOnly,
    /// `**kwargs`
    StarStar,
}

/// A decorator of inference-schema or azureml-contrib-services, or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decorator {
    /// `@input_schema(...)`
    InputSchema {
        /// From 1.
        line: usize,
        /// `param_name`, where it is literal.
        parameter: Option<String>,
        /// `NumpyParameterType` and the like, where it can be seen.
        kind: Option<String>,
    },
    /// `@output_schema(...)`
    OutputSchema {
        /// From 1.
        line: usize,
        /// As for the input.
        kind: Option<String>,
    },
    /// `@rawhttp`
    RawHttp {
        /// From 1.
        line: usize,
    },
    /// Any other.
    Other {
        /// From 1.
        line: usize,
    },
}

/// What the top level binds.
#[derive(Default)]
pub(super) struct TopLevel {
    pub(super) functions: Vec<Function>,
    pub(super) other_names: Vec<String>,
    pub(super) star_import: bool,
}

impl TopLevel {
    pub(super) fn collect<'a>(
        body: &'a [Stmt],
        names: &Names<'a>,
        positions: &Positions<'_>,
    ) -> Self {
        let mut top = Self::default();
        top.block(body, names, positions);
        top
    }

    fn block<'a>(&mut self, body: &'a [Stmt], names: &Names<'a>, positions: &Positions<'_>) {
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(def) => self.functions.push(function(def, names, positions)),
                Stmt::ClassDef(class) => self.other_names.push(class.name.to_string()),
                Stmt::Import(import) => {
                    for alias in &import.names {
                        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                        self.other_names.push(name.split('.').next().unwrap_or(name).to_owned());
                    }
                }
                Stmt::ImportFrom(import) => {
                    for alias in &import.names {
                        self.star_import |= alias.name.as_str() == "*";
                        let name = alias.asname.as_ref().unwrap_or(&alias.name);
                        self.other_names.push(name.to_string());
                    }
                }
                Stmt::Assign(assign) => {
                    for target in &assign.targets {
                        if let Expr::Name(name) = target {
                            self.other_names.push(name.id.to_string());
                        }
                    }
                }
                Stmt::AnnAssign(assign) => {
                    if let (Expr::Name(name), true) = (&*assign.target, assign.value.is_some()) {
                        self.other_names.push(name.id.to_string());
                    }
                }
                Stmt::If(branch) => {
                    self.block(&branch.body, names, positions);
                    for clause in &branch.elif_else_clauses {
                        self.block(&clause.body, names, positions);
                    }
                }
                Stmt::Try(block) => {
                    self.block(&block.body, names, positions);
                    for handler in &block.handlers {
                        let ExceptHandler::ExceptHandler(handler) = handler;
                        self.block(&handler.body, names, positions);
                    }
                    self.block(&block.orelse, names, positions);
                    self.block(&block.finalbody, names, positions);
                }
                Stmt::With(with) => self.block(&with.body, names, positions),
                _ => {}
            }
        }
    }
}

fn function<'a>(
    def: &'a StmtFunctionDef,
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> Function {
    let decorators = def.decorator_list.iter().map(|decorator| {
        let line = positions.line(decorator.start());
        let (callee, call) = match &decorator.expression {
            Expr::Call(call) => (&*call.func, Some(call)),
            other => (other, None),
        };
        let dotted = names.dotted(callee).unwrap_or_default();
        let argument = |name: &str, position: usize| {
            call.and_then(|call| call.arguments.find_argument_value(name, position))
        };
        let kind =
            |name, position| argument(name, position).and_then(|expr| type_name(expr, names));
        match dotted.rsplit('.').next().unwrap_or_default() {
            "input_schema" => Decorator::InputSchema {
                line,
                parameter: argument("param_name", 0).and_then(|expr| names.text(expr)),
                kind: kind("param_type", 1),
            },
            "output_schema" => Decorator::OutputSchema { line, kind: kind("output_type", 0) },
            "rawhttp" => Decorator::RawHttp { line },
            _ => Decorator::Other { line },
        }
    });
    Function {
        name: def.name.to_string(),
        line: positions.line(def.name.start()),
        is_async: def.is_async,
        parameters: parameters(&def.parameters),
        decorators: decorators.collect(),
    }
}

/// Returns the name of the type that a call makes.
pub(super) fn type_name<'a>(expr: &'a Expr, names: &Names<'a>) -> Option<String> {
    let Expr::Call(call) = names.value(expr) else { return None };
    let dotted = names.dotted(&call.func)?;
    dotted.rsplit('.').next().map(str::to_owned)
}

fn parameters(parameters: &Parameters) -> Vec<Parameter> {
    let plain = |list: &[ruff_python_ast::ParameterWithDefault], kind| -> Vec<Parameter> {
        list.iter()
            .map(|p| Parameter {
                name: p.parameter.name.to_string(),
                kind,
                has_default: p.default.is_some(),
            })
            .collect()
    };
    let star = |parameter: &Option<Box<ruff_python_ast::Parameter>>, kind| {
        parameter.as_ref().map(|p| Parameter { name: p.name.to_string(), kind, has_default: true })
    };
    let mut all = plain(&parameters.posonlyargs, ParameterKind::PositionalOnly);
    all.extend(plain(&parameters.args, ParameterKind::Regular));
    all.extend(star(&parameters.vararg, ParameterKind::Star));
    all.extend(plain(&parameters.kwonlyargs, ParameterKind::KeywordOnly));
    all.extend(star(&parameters.kwarg, ParameterKind::StarStar));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_is_read_through_blocks() {
        let text = "
import schemas.decorators as d
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType as N
kind = N([1])
if True:
    def init():
        def inner(): pass
try:
    from x import *
except ImportError:
    run2 = print
@d.input_schema('data', N([1]))
@d.input_schema(param_type=kind, param_name='more')
@d.output_schema(output_type=kind)
@rawhttp
@functools.wraps
async def run(data, /, more=1, *args, request_headers, **rest): pass
class K: pass
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let top = TopLevel::collect(body, &Names::collect(body), &Positions::new(text));
        let parameter =
            |name: &str, kind, has_default| Parameter { name: name.to_owned(), kind, has_default };
        let numpy = || Some("NumpyParameterType".to_owned());
        assert_eq!(
            top.functions,
            [
                Function {
                    name: "init".to_owned(),
                    line: 6,
                    is_async: false,
                    parameters: vec![],
                    decorators: vec![],
                },
                Function {
                    name: "run".to_owned(),
                    line: 17,
                    is_async: true,
                    parameters: vec![
                        parameter("data", ParameterKind::PositionalOnly, false),
                        parameter("more", ParameterKind::Regular, true),
                        parameter("args", ParameterKind::Star, true),
                        parameter("request_headers", ParameterKind::KeywordOnly, false),
                        parameter("rest", ParameterKind::StarStar, true),
                    ],
                    decorators: vec![
                        Decorator::InputSchema {
                            line: 12,
                            parameter: Some("data".to_owned()),
                            kind: numpy()
                        },
                        Decorator::InputSchema {
                            line: 13,
                            parameter: Some("more".to_owned()),
                            kind: numpy()
                        },
                        Decorator::OutputSchema { line: 14, kind: numpy() },
                        Decorator::RawHttp { line: 15 },
                        Decorator::Other { line: 16 },
                    ],
                },
            ]
        );
        assert_eq!(top.other_names, ["d", "N", "kind", "*", "run2", "K"]);
        assert!(top.star_import);
    }
}
