//! Parts of `AZUREML_MODEL_DIR` that a script takes by their number, as in `os.getenv("AZUREML_MODEL_DIR").split("/")[1]`.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged as _, TextRange};

use super::model_paths::VARIABLE;
use super::names::Names;
use super::position::Positions;

/// A part that is counted from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDirPart {
    /// From 1.
    pub line: usize,
    /// From 0.
    pub index: usize,
    /// As in `split("/")[1]`.
    pub written: String,
}

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> Vec<ModelDirPart> {
    let mut finder = Finder { names, positions, found: Vec::new() };
    finder.visit_body(body);
    finder.found
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    found: Vec<ModelDirPart>,
}

impl<'a> Finder<'a, '_> {
    fn part(&self, expr: &'a Expr) -> Option<ModelDirPart> {
        let Expr::Subscript(subscript) = expr else { return None };
        let Expr::Call(split) = &*subscript.value else { return None };
        let Expr::Attribute(attribute) = &*split.func else { return None };
        let separator = self.names.text(split.arguments.args.first()?);
        let by_slash = separator.is_some_and(|separator| separator == "/");
        let variable = self.names.variable(self.names.value(&attribute.value));
        let is_model_dir = variable.is_some_and(|name| name == VARIABLE);
        if attribute.attr.as_str() != "split" || !by_slash || !is_model_dir {
            return None;
        }
        let index = usize::try_from(self.names.int(&subscript.slice)?).ok()?;
        let range = TextRange::new(attribute.attr.range().start(), subscript.range().end());
        Some(ModelDirPart {
            line: self.positions.line(range.start()),
            index,
            written: self.positions.written(range).to_owned(),
        })
    }
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.found.extend(self.part(expr));
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_from_the_beginning_are_found() {
        let text = "import os
def init():
    a = os.getenv('AZUREML_MODEL_DIR').split('/')[1]
    b = Model.get_model_path(os.environ[\"AZUREML_MODEL_DIR\"].split(\"/\")[ 2 ])
    c = os.getenv('AZUREML_MODEL_DIR').split('/')[-2]
    d = os.getenv('HOME').split('/')[1]
    e = os.getenv('AZUREML_MODEL_DIR').split('_')[1]
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let part =
            |line, index, written: &str| ModelDirPart { line, index, written: written.to_owned() };
        assert_eq!(
            collect(body, &Names::collect(body), &Positions::new(text)),
            [part(3, 1, "split('/')[1]"), part(4, 2, "split(\"/\")[ 2 ]")]
        );
    }
}
