//! Syntax newer than the target that the parser accepts, because it supports nothing older than
//! Python 3.7.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, PythonVersion, Stmt};
use ruff_text_size::{Ranged as _, TextSize};

/// Returns places that need Python 3.6 or 3.7, with messages like the parser's.
pub(super) fn find(body: &[Stmt], target: PythonVersion) -> Vec<(TextSize, String)> {
    if target >= PythonVersion::PY37 {
        return Vec::new();
    }
    let mut finder = Finder { target, found: Vec::new() };
    finder.visit_body(body);
    finder.found
}

struct Finder {
    target: PythonVersion,
    found: Vec<(TextSize, String)>,
}

impl Finder {
    fn needs(&mut self, minor: u8, what: &str, at: TextSize) {
        let (target, added) = (self.target, PythonVersion { major: 3, minor });
        if target < added {
            let message = format!(
                "Cannot use {what} on Python {target} (syntax was added in Python {added})"
            );
            self.found.push((at, message));
        }
    }
}

impl<'a> Visitor<'a> for Finder {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::AnnAssign(assign) => self.needs(6, "annotations of variables", assign.start()),
            Stmt::ImportFrom(import)
                if import.module.as_ref().is_some_and(|module| module.as_str() == "__future__")
                    && import.names.iter().any(|alias| alias.name.as_str() == "annotations") =>
            {
                self.needs(7, "`from __future__ import annotations`", import.start());
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::FString(text) = expr {
            self.needs(6, "f-strings", text.start());
        }
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_new_depends_on_the_target() {
        let text = "from __future__ import annotations\nx: int = 1\n";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let places = |minor| -> Vec<usize> {
            find(&parsed.syntax().body, PythonVersion { major: 3, minor })
                .iter()
                .map(|(at, _)| at.to_usize())
                .collect()
        };
        assert_eq!([places(5), places(6), places(7)], [vec![0, 35], vec![0], vec![]]);
    }
}
