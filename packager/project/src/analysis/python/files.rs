//! Paths in the text: absolute ones of one machine, and files read by a relative path.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, FStringPart, InterpolatedStringElement, Stmt};
use ruff_text_size::{Ranged as _, TextSize};

use super::names::Names;
use super::position::Positions;
use super::start::is_main;

/// A string that is an absolute path of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsolutePath {
    /// From 1.
    pub line: usize,
    /// The path.
    pub path: String,
}

/// A file read by a relative path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    /// From 1.
    pub line: usize,
    /// The function that reads, as `pandas.read_csv`.
    pub function: String,
    /// The path as written.
    pub path: String,
}

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> (Vec<AbsolutePath>, Vec<FileRead>) {
    let mut finder = Finder { names, positions, absolute: Vec::new(), reads: Vec::new() };
    finder.visit_body(body);
    (finder.absolute, finder.reads)
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    absolute: Vec<AbsolutePath>,
    reads: Vec<FileRead>,
}

/// Functions whose first argument is a file to read.
const READERS: &[&str] = &[
    "open",
    "io.open",
    "codecs.open",
    "joblib.load",
    "sklearn.externals.joblib.load",
    "numpy.load",
    "numpy.loadtxt",
    "numpy.genfromtxt",
    "torch.load",
    "torch.jit.load",
    "onnx.load",
    "onnxruntime.InferenceSession",
    "keras.models.load_model",
    "tensorflow.keras.models.load_model",
    "tensorflow.saved_model.load",
    "PIL.Image.open",
    "cv2.imread",
    "lightgbm.Booster",
];

/// Folders of personal machines and of notebook services; only paths below them count.
const FOREIGN: &[&str] =
    &["/home/", "/Users/", "/root/", "/mnt/", "/media/", "/content/", "/dbfs/", "~/"];

impl Finder<'_, '_> {
    fn literal(&mut self, text: &str, goes_on: bool, at: TextSize) {
        if is_foreign(text, goes_on) {
            let line = self.positions.line(at);
            self.absolute.push(AbsolutePath { line, path: text.to_owned() });
        }
    }
}

/// `goes_on`: more text follows, as in an f-string.
fn is_foreign(text: &str, goes_on: bool) -> bool {
    if text.contains(['\n', '\r']) || text.len() > 1024 {
        return false;
    }
    let drive = match text.as_bytes() {
        [letter, b':', slash, ..] => {
            letter.is_ascii_alphabetic()
                && matches!(slash, b'\\' | b'/')
                && !text[2..].starts_with("//")
        }
        _ => false,
    };
    let share = text.strip_prefix("\\\\").is_some_and(|rest| {
        rest.split('\\').filter(|part| !part.is_empty()).count() > 1 && !rest.contains(' ')
    });
    drive
        || share
        || FOREIGN
            .iter()
            .any(|start| text.starts_with(start) && (goes_on || text.len() > start.len()))
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // Docstrings and strings that serve as comments.
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => {}
            // The block does not run on a server.
            Stmt::If(branch) if is_main(branch) => {
                for clause in &branch.elif_else_clauses {
                    self.visit_body(&clause.body);
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::StringLiteral(text) => self.literal(text.value.to_str(), false, text.start()),
            Expr::FString(text) => {
                let first = match text.value.iter().next() {
                    Some(FStringPart::Literal(literal)) => Some(literal.as_str()),
                    Some(FStringPart::FString(inner)) => match inner.elements.first() {
                        Some(InterpolatedStringElement::Literal(literal)) => Some(&*literal.value),
                        _ => None,
                    },
                    None => None,
                };
                if let Some(first) = first {
                    self.literal(first, true, text.start());
                }
            }
            Expr::Call(call) => {
                let function = self.names.dotted(&call.func).unwrap_or_default();
                let reads =
                    READERS.contains(&function.as_str()) || function.starts_with("pandas.read_");
                let mode = call.arguments.find_argument_value("mode", 1);
                let mode = mode.and_then(|mode| self.names.text(mode)).unwrap_or_default();
                let writes = function.ends_with("open") && mode.contains(['w', 'a', 'x']);
                let path = call.arguments.args.first().and_then(|path| self.names.text(path));
                if let Some(path) = path
                    && reads
                    && !writes
                    && !path.is_empty()
                    && !path.starts_with(['/', '~', '\\'])
                    && !path.contains(':')
                {
                    let line = self.positions.line(call.start());
                    self.reads.push(FileRead { line, function, path });
                }
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_and_prose_is_not() {
        let text = r#"
"""Reads /home/me/x and C:/x."""
import pandas as pd, joblib
A = "C:\\Users\\me\\m.pkl"
B = ['/home/me/m.pkl', '/home', '/score', 'http://x/y', '/var/azureml-app/m', "s://b", '~/m']
C = f"/Users/{me}/x" + f"{d}/home/x"
D = '\\\\server\\share\\m', '\\d+'
LABELS = 'labels.txt'
def init():
    open(LABELS)
    open('out.txt', 'w')
    open('out.txt', mode='ab')
    open('data/in.json', 'r')
    pd.read_csv('a.csv')
    joblib.load('/abs'); joblib.load(path)
if __name__ == '__main__':
    open('/home/me/test.json'); open('test.json')
"#;
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let (absolute, reads) = collect(body, &Names::collect(body), &Positions::new(text));
        let path = |line, path: &str| AbsolutePath { line, path: path.to_owned() };
        let read = |line, function: &str, path: &str| FileRead {
            line,
            function: function.to_owned(),
            path: path.to_owned(),
        };
        assert_eq!(
            absolute,
            [
                path(4, "C:\\Users\\me\\m.pkl"),
                path(5, "/home/me/m.pkl"),
                path(5, "~/m"),
                path(6, "/Users/"),
                path(7, "\\\\server\\share\\m"),
            ]
        );
        assert_eq!(
            reads,
            [
                read(10, "open", "labels.txt"),
                read(13, "open", "data/in.json"),
                read(14, "pandas.read_csv", "a.csv"),
            ]
        );
    }
}
