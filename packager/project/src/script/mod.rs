//! The entry script, read with a Python parser and never run: what it defines, imports, opens and
//! gives back, each with its line.

mod error;
mod files;
mod functions;
mod imports;
mod model_paths;
mod names;
mod old_syntax;
mod position;
mod returns;
mod samples;

use std::path::{Path, PathBuf};

use mlpack_requirements::PythonVersion;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged as _;

pub use error::{Error, Result};
pub use files::{AbsolutePath, FileRead};
pub use functions::{Decorator, Function, Parameter, ParameterKind};
pub use imports::Import;
pub use model_paths::{Argument, ModelDirUse, ModelPathCall};
pub use returns::{Return, ReturnKind};
pub use samples::{Sample, SampleKey};

use functions::TopLevel;
use names::Names;
use position::Positions;

/// What an entry script says, as far as it can be read without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryScript {
    /// The file.
    pub path: PathBuf,
    /// What the interpreter would refuse. If [`EntryScript::readable`] is false, nothing else was
    /// read.
    pub syntax_errors: Vec<SyntaxError>,
    /// Whether the file could be parsed at all; it may still be too new for the target.
    pub readable: bool,
    /// Functions at the top level, in order; the last of a name counts.
    pub functions: Vec<Function>,
    /// Other names that the top level binds, so that `run = Scorer().run` is not missing.
    pub other_names: Vec<String>,
    /// Whether `from x import *` binds names that cannot be known.
    pub star_import: bool,
    /// All imports, also those inside functions.
    pub imports: Vec<Import>,
    /// Calls of `Model.get_model_path`.
    pub model_path_calls: Vec<ModelPathCall>,
    /// Paths built on `AZUREML_MODEL_DIR`.
    pub model_dir_uses: Vec<ModelDirUse>,
    /// What `run` returns, where it can be seen.
    pub returns: Vec<Return>,
    /// Text that is an absolute path of somebody's machine.
    pub absolute_paths: Vec<AbsolutePath>,
    /// Files read by a relative path.
    pub file_reads: Vec<FileRead>,
    /// Samples of schemas.
    pub samples: Vec<Sample>,
}

/// A place that the interpreter would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Whether another version of Python would take it.
    pub too_new: bool,
}

impl EntryScript {
    /// Reads a file for the Python it will run on, or for the newest if that is not known.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Encoding`]. Syntax errors are in the value.
    pub fn load(path: &Path, python: Option<PythonVersion>) -> Result<Self> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Ok(Self::parse(path, &error::decode(path, bytes)?, python))
    }

    /// Reads the text of a file; `path` is only kept.
    pub fn parse(path: &Path, text: &str, python: Option<PythonVersion>) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let positions = Positions::new(text);
        let version = python.map_or(ruff_python_ast::PythonVersion::latest(), |python| {
            let number = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
            (number(python.major), number(python.minor)).into()
        });
        let options = ParseOptions::from(Mode::Module).with_target_version(version);
        let parsed = parse_unchecked(text, options);
        let mut script = Self {
            path: path.to_owned(),
            syntax_errors: Vec::new(),
            readable: parsed.errors().is_empty(),
            functions: Vec::new(),
            other_names: Vec::new(),
            star_import: false,
            imports: Vec::new(),
            model_path_calls: Vec::new(),
            model_dir_uses: Vec::new(),
            returns: Vec::new(),
            absolute_paths: Vec::new(),
            file_reads: Vec::new(),
            samples: Vec::new(),
        };
        // What follows the first error is mostly its consequence.
        if let Some(error) = parsed.errors().first() {
            let (line, column) = positions.at(error.location.start());
            let message = error.error.to_string();
            script.syntax_errors.push(SyntaxError { line, column, message, too_new: false });
            return script;
        }
        let too_new = |at, message| {
            let (line, column) = positions.at(at);
            SyntaxError { line, column, message, too_new: true }
        };
        script.syntax_errors.extend(
            parsed
                .unsupported_syntax_errors()
                .iter()
                .map(|error| too_new(error.range().start(), error.to_string())),
        );
        let ruff_python_ast::Mod::Module(module) = parsed.syntax() else { return script };
        let body = &module.body;
        script.syntax_errors.extend(
            old_syntax::find(body, version).into_iter().map(|(at, message)| too_new(at, message)),
        );
        script.syntax_errors.sort_by_key(|error| (error.line, error.column));
        let names = Names::collect(body);
        let top = TopLevel::collect(body, &names, &positions);
        script.functions = top.functions;
        script.other_names = top.other_names;
        script.star_import = top.star_import;
        script.imports = imports::collect(body, &positions);
        (script.model_path_calls, script.model_dir_uses) =
            model_paths::collect(body, &names, &positions);
        script.returns = returns::collect(body, &names, &positions);
        (script.absolute_paths, script.file_reads) = files::collect(body, &names, &positions);
        script.samples = samples::collect(body, &names, &positions);
        script
    }

    /// The top-level function of a name that is in force.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().rev().find(|function| function.name == name)
    }

    /// Whether the top level has a name, or may have it through `import *`.
    pub fn may_define(&self, name: &str) -> bool {
        self.star_import
            || self.function(name).is_some()
            || self.other_names.iter().any(|other| other == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, python: (u32, u32)) -> EntryScript {
        let python = PythonVersion::new(python.0, python.1, 0);
        EntryScript::parse(Path::new("score.py"), text, Some(python))
    }

    fn faults(text: &str, python: (u32, u32)) -> Vec<(usize, usize, String, bool)> {
        parse(text, python)
            .syntax_errors
            .into_iter()
            .map(|error| (error.line, error.column, error.message, error.too_new))
            .collect()
    }

    #[test]
    fn syntax_is_held_against_the_target() {
        let matching = "def run(data):\n    match data:\n        case 1: pass\n";
        assert_eq!(faults(matching, (3, 10)), []);
        assert_eq!(
            faults(matching, (3, 6)),
            [(
                2,
                5,
                "Cannot use `match` statement on Python 3.6 (syntax was added in Python 3.10)"
                    .to_owned(),
                true
            )]
        );
        assert_eq!(
            faults("x = f'{1}'\ny: int = 2\n", (3, 5)),
            [
                (1, 5, "Cannot use f-strings on Python 3.5 (syntax was added in Python 3.6)".to_owned(), true),
                (2, 1, "Cannot use annotations of variables on Python 3.5 (syntax was added in Python 3.6)".to_owned(), true),
            ]
        );
    }

    #[test]
    fn a_file_that_does_not_parse_says_where() {
        let script = parse("def run(data):\n  return (data\n", (3, 11));
        assert!(!script.readable && script.functions.is_empty());
        assert_eq!(script.syntax_errors.len(), 1);
        assert_eq!((script.syntax_errors[0].line, script.syntax_errors[0].too_new), (3, false));
        let python2 = parse("print 'x'\n", (3, 11));
        assert_eq!((python2.syntax_errors[0].line, python2.syntax_errors[0].column), (1, 7));
    }
}
