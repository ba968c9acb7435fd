//! Explains why a server process ended.

use super::cause::Explanation;

/// How a container's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// The exit code; above 128, a signal ended the process.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it because memory ran out.
    pub out_of_memory: bool,
}

/// Explains why a container ended: from its log, which is nearest to the cause, else from its exit
/// code (docs/azureml-2019.md#9.27).
pub fn explain_end(log: &str, ended: Ended) -> Explanation {
    if ended.out_of_memory || (ended.exit_code == Some(137) && !log.contains("Traceback")) {
        return Explanation::new(
            "the server process was killed, most likely because it ran out of memory",
            "increase the memory of the machine, or load a smaller model in init()",
        );
    }
    from_log(log)
        .or_else(|| from_worker(log))
        .unwrap_or_else(|| from_exit_code(log, ended.exit_code))
}

/// Explains how a worker ended before `init()` returned, as the front door logs it
/// (packager/serve/README.md).
fn from_worker(log: &str) -> Option<Explanation> {
    let end = between(log, "worker ended with ", " before init() returned")?;
    let signal = |number: &str| end.starts_with(&format!("signal {number} "));
    Some(if end.ends_with("out of memory") || signal("9") {
        Explanation::new(
            "the worker was killed while init() ran, most likely because it ran out of memory",
            "increase the memory of the machine, or load a smaller model in init()",
        )
    } else if signal("11") {
        Explanation::new(
            "the worker crashed while init() ran (segmentation fault)",
            "check for native packages with incompatible versions",
        )
    } else {
        Explanation::new(
            format!("the worker ended with {end} while init() ran"),
            "see its last lines in the log; init() must return, not exit",
        )
    })
}

/// Explains a failure from the log alone, if the log shows a known cause.
pub(crate) fn from_log(log: &str) -> Option<Explanation> {
    if let Some(module) = between(log, "ModuleNotFoundError: No module named '", "'")
        .or_else(|| between(log, "ImportError: No module named '", "'"))
    {
        return Some(missing_module(module));
    }
    if let Some(library) = last_line_with(log, "cannot open shared object file") {
        let library = library
            .split(": ")
            .find(|part| part.contains(".so"))
            .and_then(|part| part.split_whitespace().last())
            .unwrap_or(library);
        return Some(Explanation::new(
            format!("the shared library `{library}` is not in the image"),
            format!("use a base image that has `{library}`, or a package that includes it"),
        ));
    }
    if let Some(line) = last_line_with(log, "SyntaxError") {
        return Some(Explanation::new(
            format!("the entry script has a syntax error: {line}"),
            "fix it, and check the script with the image's version of Python",
        ));
    }
    if let Some(line) = last_line_with(log, "ModelNotFoundException") {
        return Some(Explanation::new(
            format!("the entry script loads a model that is not in the image: {line}"),
            "pass the model's name, not its file name, to Model.get_model_path, and add the model with `-m NAME=PATH`",
        ));
    }
    if let Some(line) = last_line_with(log, "FileNotFoundError") {
        return Some(Explanation::new(
            format!("init() opens a file that is not in the image: {line}"),
            "find models with AZUREML_MODEL_DIR or Model.get_model_path, and files next to the script with os.path.dirname(__file__)",
        ));
    }
    if let Some(line) = last_line_with(log, "PermissionError") {
        return Some(Explanation::new(
            format!("the service has no permission for a file: {line}"),
            "the service does not run as root: write to /tmp instead of the image's folders",
        ));
    }
    if log.contains("WORKER TIMEOUT") || log.contains("init() did not return within") {
        return Some(Explanation::new(
            "init() exceeded its time limit (300 s, or WORKER_TIMEOUT)",
            "make init() faster, or set the environment variable WORKER_TIMEOUT to more seconds",
        ));
    }
    if log.contains("Address already in use") || log.contains("Errno 98") {
        return Some(Explanation::new(
            "two processes in the container use the same port",
            "do not start a server in the entry script; the image already has one",
        ));
    }
    if log.contains("exec format error") {
        return Some(Explanation::new(
            "the image is for a different processor than this machine's",
            "package it for this machine's platform with `--platform`",
        ));
    }
    let raised = last_exception(log)?;
    Some(Explanation::new(
        format!("importing the entry script or its init() raised {raised}"),
        "the log shows the line; run the same code locally with the same packages to reproduce it",
    ))
}

fn from_exit_code(log: &str, exit_code: Option<i64>) -> Explanation {
    let boot = ["no worker started", "Worker failed to boot"].iter().any(|line| log.contains(line));
    match exit_code {
        Some(3) => Explanation::new(
            "the server could not import the entry script, or its init() failed (exit code 3)",
            "see the traceback in the log",
        ),
        _ if boot => Explanation::new(
            "the server could not import the entry script, or its init() failed",
            "see the traceback in the log",
        ),
        Some(126) => Explanation::new(
            "the image's command is not executable (exit code 126)",
            "check the image's entrypoint and user with `mlpack inspect`",
        ),
        Some(127) => Explanation::new(
            "the image's command was not found (exit code 127)",
            "check the image's entrypoint with `mlpack inspect`; an environment without a server fails like this",
        ),
        Some(132) => Explanation::new(
            "the server process used an instruction that this processor does not have (exit code 132)",
            "use builds of the packages for older processors",
        ),
        Some(139) => Explanation::new(
            "the server process crashed (exit code 139, segmentation fault)",
            "check for native packages with incompatible versions",
        ),
        Some(code) if code > 128 => Explanation::new(
            format!("the server process was killed by signal {}", code - 128),
            "see its log",
        ),
        Some(0) => Explanation::new(
            "the server process exited without an error",
            "the image's command must stay in the foreground; check its entrypoint with `mlpack inspect`",
        ),
        Some(code) => {
            Explanation::new(format!("the server process exited with code {code}"), "see its log")
        }
        None => Explanation::new("the server process is not running", "see its log"),
    }
}

/// Modules whose package has another name.
const PACKAGES: &[(&str, &str)] = &[
    ("PIL", "pillow"),
    ("cv2", "opencv-python-headless"),
    ("sklearn", "scikit-learn"),
    ("yaml", "pyyaml"),
    ("azureml.core", "azureml-core"),
    ("azureml.contrib.services", "azureml-contrib-services"),
    ("azureml.monitoring", "azureml-monitoring"),
    ("azureml", "azureml-core"),
    ("inference_schema", "inference-schema"),
    ("skimage", "scikit-image"),
    ("bs4", "beautifulsoup4"),
    ("dateutil", "python-dateutil"),
    ("google.protobuf", "protobuf"),
];

fn missing_module(module: &str) -> Explanation {
    let cause = format!("the Python module `{module}` is not in the image");
    if module == "sklearn.externals" || module.starts_with("sklearn.externals.") {
        return Explanation::new(
            cause,
            "scikit-learn has no `sklearn.externals.joblib` since 0.23: write `import joblib`, or pin scikit-learn below 0.23",
        );
    }
    let package = PACKAGES
        .iter()
        .find(|(import, _)| module == *import || module.starts_with(&format!("{import}.")))
        .map_or_else(
            || module.split('.').next().unwrap_or(module).replace('_', "-"),
            |(_, package)| (*package).to_owned(),
        );
    Explanation::new(
        cause,
        format!(
            "add the package `{package}` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder"
        ),
    )
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.rsplit_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

fn last_line_with<'a>(log: &'a str, word: &str) -> Option<&'a str> {
    log.lines().rev().find(|line| line.contains(word)).map(str::trim)
}

/// Returns the last line of the last traceback, as in `ValueError: bad shape`.
fn last_exception(log: &str) -> Option<String> {
    let (_, traceback) = log.rsplit_once("Traceback (most recent call last):")?;
    traceback
        .lines()
        .skip(1)
        .find(|line| !line.is_empty() && !line.starts_with([' ', '\t']))
        .map(|line| format!("`{}`", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(log: &str, exit_code: i64) -> Explanation {
        explain_end(log, Ended { exit_code: Some(exit_code), out_of_memory: false })
    }

    #[test]
    fn a_missing_module_names_its_package() {
        let log = "Traceback (most recent call last):\n  File \"score.py\", line 1\nModuleNotFoundError: No module named 'sklearn'\nWorker failed to boot.\n";
        assert_eq!(
            end(log, 3),
            Explanation::new(
                "the Python module `sklearn` is not in the image",
                "add the package `scikit-learn` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder"
            )
        );
        let log = "ModuleNotFoundError: No module named 'my_helpers.io'";
        assert!(end(log, 3).hint.starts_with("add the package `my-helpers` "));
        let log = "ModuleNotFoundError: No module named 'sklearn.externals.joblib'";
        assert!(end(log, 3).hint.contains("`import joblib`"));
    }

    #[test]
    fn exit_3_without_a_known_line_is_import_or_init() {
        assert_eq!(
            end("[ERROR] Worker failed to boot.", 3).cause,
            "the server could not import the entry script, or its init() failed (exit code 3)"
        );
    }

    #[test]
    fn the_exception_of_init_is_quoted() {
        let log = "Traceback (most recent call last):\n  File \"/var/azureml-app/score.py\", line 4, in init\n    raise ValueError('bad shape')\nValueError: bad shape\n\nWorker failed to boot.";
        assert_eq!(
            end(log, 3).cause,
            "importing the entry script or its init() raised `ValueError: bad shape`"
        );
    }

    #[test]
    fn exit_codes_and_libraries_have_their_own_cause() {
        for (log, code, cause) in [
            ("", 137, "the server process was killed, most likely because it ran out of memory"),
            ("", 139, "the server process crashed (exit code 139, segmentation fault)"),
            ("", 127, "the image's command was not found (exit code 127)"),
            ("", 143, "the server process was killed by signal 15"),
            ("", 0, "the server process exited without an error"),
            ("", 1, "the server process exited with code 1"),
            (
                "mlpack-serve: no worker started:\nworker ended with signal 9 (SIGKILL): out of memory before init() returned\n",
                3,
                "the worker was killed while init() ran, most likely because it ran out of memory",
            ),
            (
                "mlpack-serve: no worker started:\nworker ended with exit code 7 before init() returned\nbye",
                3,
                "the worker ended with exit code 7 while init() ran",
            ),
            (
                "mlpack-serve: no worker started:\ninit() did not return within 300 s (WORKER_TIMEOUT)",
                3,
                "init() exceeded its time limit (300 s, or WORKER_TIMEOUT)",
            ),
            (
                "OSError: libgomp.so.1: cannot open shared object file: No such file or directory",
                3,
                "the shared library `libgomp.so.1` is not in the image",
            ),
            (
                "ImportError: libGL.so.1: cannot open shared object file: No such file",
                3,
                "the shared library `libGL.so.1` is not in the image",
            ),
        ] {
            assert_eq!(end(log, code).cause, cause, "{log} {code}");
        }
        let killed = Ended { exit_code: Some(1), out_of_memory: true };
        assert_eq!(
            explain_end("Traceback", killed).cause,
            "the server process was killed, most likely because it ran out of memory"
        );
    }
}
