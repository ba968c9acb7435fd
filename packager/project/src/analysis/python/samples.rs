//! Samples of schema types, which are published in `swagger.json` (docs/azureml-2019.md#4.6).

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, Number, Stmt};
use ruff_text_size::Ranged as _;

use super::names::Names;
use super::position::Positions;

/// A call of a schema type with its sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// From 1.
    pub line: usize,
    /// `NumpyParameterType` and the like.
    pub kind: String,
    /// Keys of dictionaries in the sample.
    pub keys: Vec<SampleKey>,
    /// Strings in the sample that are not keys.
    pub texts: Vec<String>,
}

/// A key of a dictionary in a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleKey {
    /// From 1.
    pub line: usize,
    /// Its text in JSON.
    pub text: String,
    /// Whether it is a string, as JSON keys must be.
    pub is_text: bool,
}

/// The types of inference-schema.
const TYPES: &[&str] = &[
    "NumpyParameterType",
    "PandasParameterType",
    "SparkParameterType",
    "StandardPythonParameterType",
];

pub(super) fn collect<'a>(
    body: &'a [Stmt],
    names: &Names<'a>,
    positions: &Positions<'_>,
) -> Vec<Sample> {
    let mut finder = Finder { names, positions, samples: Vec::new() };
    finder.visit_body(body);
    finder.samples
}

struct Finder<'a, 'n> {
    names: &'n Names<'a>,
    positions: &'n Positions<'n>,
    samples: Vec<Sample>,
}

impl<'a> Visitor<'a> for Finder<'a, '_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Some(dotted) = self.names.dotted(&call.func)
            && let Some(kind) = TYPES.iter().find(|kind| dotted.rsplit('.').next() == Some(**kind))
        {
            let line = self.positions.line(call.start());
            let mut sample =
                Sample { line, kind: (*kind).to_owned(), keys: Vec::new(), texts: Vec::new() };
            if let Some(first) = call.arguments.args.first() {
                self.content(first, &mut sample, 0);
            }
            for keyword in &call.arguments.keywords {
                if keyword.arg.as_ref().is_some_and(|name| name.as_str().starts_with("sample")) {
                    self.content(&keyword.value, &mut sample, 0);
                }
            }
            self.samples.push(sample);
        }
        walk_expr(self, expr);
    }
}

impl<'a> Finder<'a, '_> {
    fn content(&self, expr: &'a Expr, sample: &mut Sample, depth: usize) {
        // Names may refer to each other in a circle.
        if depth > 16 {
            return;
        }
        match self.names.value(expr) {
            Expr::Dict(dict) => {
                for item in &dict.items {
                    if let Some(key) = &item.key {
                        self.key(key, sample);
                    }
                    self.content(&item.value, sample, depth + 1);
                }
            }
            Expr::List(list) => list.elts.iter().for_each(|e| self.content(e, sample, depth + 1)),
            Expr::Tuple(tuple) => {
                tuple.elts.iter().for_each(|e| self.content(e, sample, depth + 1));
            }
            Expr::StringLiteral(text) => sample.texts.push(text.value.to_str().to_owned()),
            Expr::Call(call) => {
                // `pd.DataFrame({...})`; a nested type has a separate sample.
                let inner = self.names.dotted(&call.func).unwrap_or_default();
                if !TYPES.iter().any(|kind| inner.rsplit('.').next() == Some(*kind)) {
                    let values = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                    for argument in call.arguments.args.iter().chain(values) {
                        self.content(argument, sample, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn key(&self, key: &'a Expr, sample: &mut Sample) {
        let line = self.positions.line(key.start());
        let (text, is_text) = match self.names.value(key) {
            Expr::StringLiteral(text) => (text.value.to_str().to_owned(), true),
            Expr::NoneLiteral(_) => ("None".to_owned(), false),
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => (int.to_string(), false),
                Number::Float(float) => (float.to_string(), false),
                Number::Complex { .. } => return,
            },
            _ => return,
        };
        sample.keys.push(SampleKey { line, text, is_text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_followed_into_their_values() {
        let text = "
data = {'name': 'Ada', 1: [None, {None: 2}]}
x = StandardPythonParameterType(data)
y = pandas_types.PandasParameterType(sample_input=pd.DataFrame({'mail': ['a@b.c']}))
loop = loop2
loop2 = loop
z = NumpyParameterType(loop)
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let body = &parsed.syntax().body;
        let key = |line, text: &str, is_text| SampleKey { line, text: text.to_owned(), is_text };
        let sample = |line, kind: &str, keys, texts: &[&str]| Sample {
            line,
            kind: kind.to_owned(),
            keys,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert_eq!(
            collect(body, &Names::collect(body), &Positions::new(text)),
            [
                sample(
                    3,
                    "StandardPythonParameterType",
                    vec![key(2, "name", true), key(2, "1", false), key(2, "None", false)],
                    &["Ada"]
                ),
                sample(4, "PandasParameterType", vec![key(4, "mail", true)], &["a@b.c"]),
                sample(7, "NumpyParameterType", vec![], &[]),
            ]
        );
    }
}
