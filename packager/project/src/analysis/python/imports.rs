//! All imports of a script.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtTry};
use ruff_text_size::Ranged as _;

use super::position::Positions;
use super::start::{self, is_main};

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// `sklearn.externals`; empty for `from . import x`.
    pub module: String,
    /// The names after `from ... import`; empty for `import ...`.
    pub names: Vec<String>,
    /// Number of leading dots.
    pub level: u32,
    /// From 1.
    pub line: usize,
    /// Whether the script works without it: inside `try` with a handler for import errors, or only
    /// for type checkers.
    pub optional: bool,
    /// Whether it is reached before the first request: at the top level, or in something that the
    /// top level or `init` names, and under no condition.
    pub at_start: bool,
}

impl Import {
    /// Returns the first part: `sklearn`.
    pub fn top(&self) -> &str {
        self.module.split('.').next().unwrap_or_default()
    }
}

pub(super) fn collect(body: &[Stmt], positions: &Positions<'_>) -> Vec<Import> {
    let mut collector = Collector { positions, optional: false, at_start: true, imports: vec![] };
    for (stmt, at_start) in start::statements(body) {
        collector.at_start = at_start;
        collector.visit_stmt(stmt);
    }
    collector.imports
}

struct Collector<'p> {
    positions: &'p Positions<'p>,
    optional: bool,
    at_start: bool,
    imports: Vec<Import>,
}

impl Collector<'_> {
    fn optionally(&mut self, optional: bool, visit: impl FnOnce(&mut Self)) {
        let before = self.optional;
        self.optional |= optional;
        visit(self);
        self.optional = before;
    }

    fn push(&mut self, module: &str, names: Vec<String>, level: u32, at: ruff_text_size::TextSize) {
        let line = self.positions.line(at);
        let Self { optional, at_start, .. } = *self;
        let module = module.to_owned();
        self.imports.push(Import { module, names, level, line, optional, at_start });
    }
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.push(alias.name.as_str(), Vec::new(), 0, import.start());
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let names = import.names.iter().map(|alias| alias.name.to_string()).collect();
                self.push(module, names, import.level, import.start());
            }
            Stmt::Try(block) if takes_import_errors(block) => {
                self.optionally(true, |this| this.visit_body(&block.body));
                // The replacement for a missing module is optional too.
                for handler in &block.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    self.optionally(true, |this| this.visit_body(&handler.body));
                }
                self.visit_body(&block.orelse);
                self.visit_body(&block.finalbody);
            }
            Stmt::With(with) if with.items.iter().any(|item| suppresses(&item.context_expr)) => {
                self.optionally(true, |this| this.visit_body(&with.body));
            }
            Stmt::If(branch) if is_of_a_platform(&branch.test) => {
                self.optionally(true, |this| walk_stmt(this, stmt));
            }
            Stmt::If(branch) => {
                let before = std::mem::replace(&mut self.at_start, false);
                let type_checking = match &*branch.test {
                    Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
                    Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
                    _ => false,
                };
                let never = type_checking || is_main(branch);
                self.optionally(never, |this| this.visit_body(&branch.body));
                for clause in &branch.elif_else_clauses {
                    self.visit_body(&clause.body);
                }
                self.at_start = before;
            }
            _ => walk_stmt(self, stmt),
        }
    }
}

/// Whether a condition asks for the platform or the version of Python, of which the image has one.
fn is_of_a_platform(test: &Expr) -> bool {
    #[derive(Default)]
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_expr(&mut self, expr: &'a Expr) {
            let name = match expr {
                Expr::Attribute(attribute) => attribute.attr.as_str(),
                Expr::Name(name) => name.id.as_str(),
                _ => "",
            };
            self.0 |= matches!(
                name,
                "version_info" | "hexversion" | "PY2" | "PY3" | "platform" | "system"
            );
            walk_expr(self, expr);
        }
    }
    let mut finder = Finder::default();
    finder.visit_expr(test);
    finder.0
}

/// `contextlib.suppress(ImportError)`
fn suppresses(context: &Expr) -> bool {
    let Expr::Call(call) = context else { return false };
    match &*call.func {
        Expr::Name(name) => name.id.as_str() == "suppress",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "suppress",
        _ => false,
    }
}

fn takes_import_errors(block: &StmtTry) -> bool {
    fn takes(expr: &Expr) -> bool {
        match expr {
            Expr::Name(name) => {
                matches!(
                    name.id.as_str(),
                    "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException"
                )
            }
            Expr::Tuple(tuple) => tuple.elts.iter().any(takes),
            _ => false,
        }
    }
    block.handlers.iter().any(|handler| {
        let ExceptHandler::ExceptHandler(handler) = handler;
        handler.type_.as_ref().is_none_or(|kind| takes(kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_everywhere() {
        let text = "import os, numpy.linalg as la
try:
    import joblib
except ImportError:
    from sklearn.externals import joblib
try:
    import torch
except ValueError:
    pass
if TYPE_CHECKING:
    import typing_only
def init():
    from . import near
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let import = |module: &str, names: &[&str], level, line, optional| Import {
            module: module.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            level,
            line,
            optional,
            at_start: module != "typing_only",
        };
        assert_eq!(
            collect(&parsed.syntax().body, &Positions::new(text)),
            [
                import("os", &[], 0, 1, false),
                import("numpy.linalg", &[], 0, 1, false),
                import("joblib", &[], 0, 3, true),
                import("sklearn.externals", &["joblib"], 0, 5, true),
                import("torch", &[], 0, 7, false),
                import("typing_only", &[], 0, 11, true),
                import("", &["near"], 1, 13, false),
            ]
        );
    }

    #[test]
    fn conditions_make_an_import_doubtful_or_optional() {
        let text = "
import sys, contextlib
if sys.version_info[0] == 2:
    import urllib2
else:
    import urllib.request
if sys.platform == 'win32':
    import win32api
with contextlib.suppress(ImportError):
    import torch
if os.environ.get('DEBUG'):
    import debugpy
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let imports = collect(&parsed.syntax().body, &Positions::new(text));
        let of = |optional: bool, at_start: bool| {
            let of = |import: &&Import| (import.optional, import.at_start) == (optional, at_start);
            imports.iter().filter(of).map(|import| import.module.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(false, true), ["sys", "contextlib"]);
        assert_eq!(of(false, false), ["debugpy"]);
        let optional = [of(true, true), of(true, false)].concat();
        assert_eq!(optional, ["urllib2", "urllib.request", "win32api", "torch"]);
    }
}
