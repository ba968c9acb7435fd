//! What names refer to: imports under their full dotted names, and names that are given a value
//! exactly once.

use std::collections::BTreeMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Number, Parameter, Stmt};

/// The names of a module.
#[derive(Default)]
pub(super) struct Names<'a> {
    imported: BTreeMap<&'a str, String>,
    assigned: BTreeMap<&'a str, &'a Expr>,
    bindings: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn collect(body: &'a [Stmt]) -> Self {
        let mut names = Self::default();
        names.visit_body(body);
        names
    }

    /// `np.array` as `numpy.array`: a chain of attributes with its first name replaced by what was
    /// imported under it.
    pub(super) fn dotted(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => {
                let id = name.id.as_str();
                Some(self.imported.get(id).cloned().unwrap_or_else(|| id.to_owned()))
            }
            Expr::Attribute(attribute) => {
                Some(format!("{}.{}", self.dotted(&attribute.value)?, attribute.attr))
            }
            _ => None,
        }
    }

    /// Returns the expression itself, or the value of a name that is bound only once.
    pub(super) fn value(&self, expr: &'a Expr) -> &'a Expr {
        let Expr::Name(name) = expr else { return expr };
        let id = name.id.as_str();
        match (self.bindings.get(id), self.assigned.get(id)) {
            (Some(1), Some(value)) => value,
            _ => expr,
        }
    }

    /// Returns the name of the environment variable that an expression reads.
    pub(super) fn variable(&self, expr: &'a Expr) -> Option<String> {
        let (from, name) = match expr {
            Expr::Subscript(of) => (&of.value, &*of.slice),
            Expr::Call(call) => (&call.func, call.arguments.args.first()?),
            _ => return None,
        };
        let known: &[&str] = match expr {
            Expr::Subscript(_) => &["os.environ"],
            _ => &["os.getenv", "os.environ.get"],
        };
        known.contains(&&*self.dotted(from)?).then(|| self.text(name))?
    }

    /// Literal text, also through a name that is bound only once.
    pub(super) fn text(&self, expr: &'a Expr) -> Option<String> {
        match self.value(expr) {
            Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
            _ => None,
        }
    }

    /// Returns a literal whole number, also through a name that is bound only once.
    pub(super) fn int(&self, expr: &'a Expr) -> Option<i64> {
        match self.value(expr) {
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => int.as_i64(),
                _ => None,
            },
            _ => None,
        }
    }

    fn bind(&mut self, name: &'a str) {
        *self.bindings.entry(name).or_default() += 1;
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let whole = alias.name.as_str();
                    let top = whole.split('.').next().unwrap_or(whole);
                    let (name, target) = match &alias.asname {
                        Some(name) => (name.as_str(), whole),
                        None => (top, top),
                    };
                    self.imported.insert(name, target.to_owned());
                    self.bind(name);
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let dots = ".".repeat(import.level as usize);
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.imported.insert(name, format!("{dots}{module}.{}", alias.name));
                    self.bind(name);
                }
            }
            Stmt::Assign(assign) => {
                if let [Expr::Name(name)] = assign.targets.as_slice() {
                    self.assigned.insert(name.id.as_str(), &assign.value);
                }
                walk_stmt(self, stmt);
            }
            Stmt::AnnAssign(assign) => {
                if let (Expr::Name(name), Some(value)) = (&*assign.target, &assign.value) {
                    self.assigned.insert(name.id.as_str(), value);
                }
                walk_stmt(self, stmt);
            }
            Stmt::AugAssign(assign) => {
                // Counts twice: the name no longer has the value it was given.
                if let Expr::Name(name) = &*assign.target {
                    self.bind(name.id.as_str());
                }
                walk_stmt(self, stmt);
            }
            Stmt::FunctionDef(function) => {
                self.bind(function.name.as_str());
                walk_stmt(self, stmt);
            }
            Stmt::ClassDef(class) => {
                self.bind(class.name.as_str());
                walk_stmt(self, stmt);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && name.ctx == ExprContext::Store
        {
            self.bind(name.id.as_str());
        }
        walk_expr(self, expr);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bind(parameter.name.as_str());
        walk_parameter(self, parameter);
    }
}
