//! Calls that fetch data before the first request.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged as _;

use super::names::Names;
use super::position::Positions;
use super::start::{self, is_main};

/// A call that fetches data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// From 1.
    pub line: usize,
    /// The function, as `nltk.download`.
    pub function: String,
}

/// Functions that fetch data whatever their arguments are.
const FUNCTIONS: &[&str] = &[
    "gdown.download",
    "gensim.downloader.load",
    "huggingface_hub.hf_hub_download",
    "huggingface_hub.snapshot_download",
    "keras.utils.get_file",
    "nltk.download",
    "requests.get",
    "spacy.cli.download",
    "stanza.download",
    "tensorflow.keras.utils.get_file",
    "tensorflow_hub.KerasLayer",
    "tensorflow_hub.load",
    "torch.hub.download_url_to_file",
    "torch.hub.load",
    "torch.hub.load_state_dict_from_url",
    "urllib.request.urlopen",
    "urllib.request.urlretrieve",
    "wget.download",
];

/// A method of `transformers`, `sentence_transformers` and others: its argument is a name at a hub, or
/// a path.
const BY_NAME: &str = "from_pretrained";

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> Vec<Download> {
    let mut finder = Finder { names, positions, found: Vec::new() };
    for (stmt, at_start) in start::statements(body) {
        if at_start {
            finder.visit_stmt(stmt);
        }
    }
    finder.found
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    found: Vec<Download>,
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::If(branch) if is_main(branch) => {}
            // The script works without it.
            Stmt::Try(_) => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Some(function) = self.names.dotted(&call.func)
            && (FUNCTIONS.contains(&function.as_str()) || self.is_by_name(&function, call))
        {
            let line = self.positions.line(call.start());
            self.found.push(Download { line, function });
        }
        walk_expr(self, expr);
    }
}

impl<'a> Finder<'a, '_> {
    /// Whether a model is asked for by its name at a hub: a literal that is no path.
    fn is_by_name(&self, function: &str, call: &'a ExprCall) -> bool {
        function.ends_with(&format!(".{BY_NAME}"))
            && call
                .arguments
                .args
                .first()
                .and_then(|argument| self.names.text(argument))
                .is_some_and(|name| {
                    !name.starts_with(['.', '/', '~']) && name.matches('/').count() < 2
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_before_the_first_request() {
        let text = "
import nltk, os
from urllib.request import urlretrieve as fetch
from transformers import AutoModel
nltk.download('stopwords')
def init():
    fetch('https://h.example/x', 'x')
    AutoModel.from_pretrained('bert-base-uncased')
    AutoModel.from_pretrained(os.environ['AZUREML_MODEL_DIR'])
    AutoModel.from_pretrained('./model')
    try:
        nltk.download('punkt')
    except OSError:
        pass
def run(data):
    nltk.download('later')
if __name__ == '__main__':
    nltk.download('never')
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let found = collect(body, &Names::collect(body), &Positions::new(text));
        let found: Vec<_> = found.iter().map(|of| (of.line, of.function.as_str())).collect();
        assert_eq!(
            found,
            [
                (5, "nltk.download"),
                (7, "urllib.request.urlretrieve"),
                (8, "transformers.AutoModel.from_pretrained"),
            ]
        );
    }
}
