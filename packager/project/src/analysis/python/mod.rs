//! The entry script, read with a Python parser and never run: what it defines, imports, opens and
//! returns, each with its line.

mod downloads;
mod error;
mod files;
mod functions;
mod imports;
mod model_dir_parts;
mod model_paths;
mod names;
mod nesting;
mod old_syntax;
mod position;
mod returns;
mod samples;
mod start;

use std::path::{Path, PathBuf};

use mlpack_requirements::PythonVersion;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged as _;

pub use downloads::Download;
pub use error::{Error, Result};
pub use files::{AbsolutePath, FileRead};
pub use functions::{Decorator, Function, Parameter, ParameterKind};
pub use imports::Import;
pub use model_dir_parts::ModelDirPart;
pub use model_paths::{Argument, ModelDirUse, ModelPathCall, Root};
pub use returns::{Return, ReturnKind};
pub use samples::{Sample, SampleKey};

use functions::TopLevel;
use names::Names;
use position::Positions;

/// An entry script, as far as it can be understood without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryScript {
    /// The file.
    pub path: PathBuf,
    /// Its text, without a byte order mark.
    text: String,
    /// Why the file cannot be parsed. If there is an error, nothing else is filled in. A file
    /// without one may still be too new for the image's Python.
    pub syntax_error: Option<SyntaxError>,
    /// Functions at the top level, in order; the last one of a name is in effect.
    pub functions: Vec<Function>,
    /// Other names that the top level binds, as in `run = Scorer().run`.
    pub other_names: Vec<String>,
    /// Whether `from x import *` binds unknown names.
    pub star_import: bool,
    /// All imports, also those inside functions.
    pub imports: Vec<Import>,
    /// Calls of `Model.get_model_path`.
    pub model_path_calls: Vec<ModelPathCall>,
    /// Paths based on `AZUREML_MODEL_DIR`.
    pub model_dir_uses: Vec<ModelDirUse>,
    /// Parts of `AZUREML_MODEL_DIR` by their number.
    pub model_dir_parts: Vec<ModelDirPart>,
    /// What `run` returns, where it is visible in the text.
    pub returns: Vec<Return>,
    /// Strings that are absolute paths of one machine.
    pub absolute_paths: Vec<AbsolutePath>,
    /// Files read by a relative path.
    pub file_reads: Vec<FileRead>,
    /// Samples of schemas.
    pub samples: Vec<Sample>,
    /// Calls that fetch data before the first request.
    pub downloads: Vec<Download>,
}

/// A place at which an interpreter refuses the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl EntryScript {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Encoding`]. A syntax error is in the value.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        // A named pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a regular file")));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        Ok(Self::parse(path, &error::decode(path, bytes)?))
    }

    /// Parses the text of the file at `path`, which is not read.
    pub fn parse(path: &Path, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut script = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax_error: None,
            functions: Vec::new(),
            other_names: Vec::new(),
            star_import: false,
            imports: Vec::new(),
            model_path_calls: Vec::new(),
            model_dir_uses: Vec::new(),
            model_dir_parts: Vec::new(),
            returns: Vec::new(),
            absolute_paths: Vec::new(),
            file_reads: Vec::new(),
            samples: Vec::new(),
            downloads: Vec::new(),
        };
        script.syntax_error = nesting::too_deep(text);
        if script.syntax_error.is_none() {
            nesting::deep(|| script.read());
        }
        script
    }

    /// Returns whether the script may add folders where modules are found, or install packages itself.
    pub(crate) fn finds_more_modules(&self) -> bool {
        let adds = ["sys.path", "addsitedir", "PYTHONPATH", "import_hook"];
        let installs = ["pip", "install"];
        adds.iter().any(|word| self.text.contains(word))
            || installs.iter().all(|word| self.text.contains(word))
    }

    /// Fills in what the text says.
    fn read(&mut self) {
        let text = self.text.clone();
        let (script, text) = (self, &*text);
        let positions = Positions::new(text);
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        // What follows the first error is mostly its consequence.
        if let Some(error) = parsed.errors().first() {
            let (line, column) = positions.at(error.location.start());
            let message = error.error.to_string();
            script.syntax_error = Some(SyntaxError { line, column, message });
            return;
        }
        let ruff_python_ast::Mod::Module(module) = parsed.syntax() else { return };
        let body = &module.body;
        let names = Names::collect(body);
        let top = TopLevel::collect(body, &names, &positions);
        script.functions = top.functions;
        script.other_names = top.other_names;
        script.star_import = top.star_import;
        script.imports = imports::collect(body, &positions);
        script.downloads = downloads::collect(body, &names, &positions);
        (script.model_path_calls, script.model_dir_uses) =
            model_paths::collect(body, &names, &positions);
        script.model_dir_parts = model_dir_parts::collect(body, &names, &positions);
        script.returns = returns::collect(body, &names, &positions);
        (script.absolute_paths, script.file_reads) = files::collect(body, &names, &positions);
        script.samples = samples::collect(body, &names, &positions);
    }

    /// Returns the places of a script without syntax errors that a version of Python refuses,
    /// because its syntax is older or newer. The text is parsed for that version, since the parser
    /// reports such places only for the version it is given.
    pub fn unsupported_syntax(&self, python: PythonVersion) -> Vec<SyntaxError> {
        nesting::deep(|| self.find_unsupported(python))
    }

    fn find_unsupported(&self, python: PythonVersion) -> Vec<SyntaxError> {
        let number = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
        let version = (number(python.major), number(python.minor)).into();
        let options = ParseOptions::from(Mode::Module).with_target_version(version);
        let parsed = parse_unchecked(&self.text, options);
        let ruff_python_ast::Mod::Module(module) = parsed.syntax() else { return Vec::new() };
        let positions = Positions::new(&self.text);
        let of_parser = parsed.unsupported_syntax_errors().iter();
        let mut errors: Vec<SyntaxError> = of_parser
            .map(|error| (error.range().start(), error.to_string()))
            .chain(old_syntax::find(&module.body, version))
            .map(|(at, message)| {
                let (line, column) = positions.at(at);
                SyntaxError { line, column, message }
            })
            .collect();
        errors.sort_by_key(|error| (error.line, error.column));
        errors
    }

    /// Returns the top-level function of a name that is in effect.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().rev().find(|function| function.name == name)
    }

    /// Returns whether the top level has a name, or may have it through `import *`.
    pub fn may_define(&self, name: &str) -> bool {
        self.star_import
            || self.function(name).is_some()
            || self.other_names.iter().any(|other| other == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> EntryScript {
        EntryScript::parse(Path::new("score.py"), text)
    }

    fn unsupported(text: &str, python: (u32, u32)) -> Vec<(usize, usize, String)> {
        let script = parse(text);
        assert_eq!(script.syntax_error, None);
        let errors = script.unsupported_syntax(PythonVersion::new(python.0, python.1, 0));
        errors.into_iter().map(|error| (error.line, error.column, error.message)).collect()
    }

    #[test]
    fn unsupported_syntax_depends_on_the_version() {
        let matching = "def run(data):\n    match data:\n        case 1: pass\n";
        assert_eq!(unsupported(matching, (3, 10)), []);
        assert_eq!(
            unsupported(matching, (3, 6)),
            [(
                2,
                5,
                "Cannot use `match` statement on Python 3.6 (syntax was added in Python 3.10)"
                    .to_owned(),
            )]
        );
        assert_eq!(
            unsupported("x = f'{1}'\ny: int = 2\n", (3, 5)),
            [
                (1, 5, "Cannot use f-strings on Python 3.5 (syntax was added in Python 3.6)".to_owned()),
                (2, 1, "Cannot use annotations of variables on Python 3.5 (syntax was added in Python 3.6)".to_owned()),
            ]
        );
    }

    #[test]
    fn a_file_that_does_not_parse_says_where() {
        let script = parse("def run(data):\n  return (data\n");
        assert!(script.functions.is_empty());
        assert_eq!(script.syntax_error.unwrap().line, 3);
        let python2 = parse("print 'x'\n").syntax_error.unwrap();
        assert_eq!((python2.line, python2.column), (1, 7));
    }
}
