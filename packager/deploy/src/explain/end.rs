//! Explains why a server process ended.

use super::cause::Explanation;
use super::known;
use super::missing::{missing_library, missing_module};
use super::traceback::{Phase, Traceback};

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

/// Explains a failure from the log alone, if the log shows a known cause: with the project's own line
/// where there is a traceback.
pub(crate) fn from_log(log: &str) -> Option<Explanation> {
    let traceback = Traceback::last_in(log);
    let known = known_cause(log, traceback.as_ref());
    let Some(Traceback { exception, place, .. }) = traceback else { return known };
    let place = place.as_ref();
    let Some(Explanation { cause, hint }) = known else {
        let (what, line) = match place {
            Some((line, Phase::Import)) => ("importing the entry script", format!(" ({line})")),
            Some((line, Phase::Init)) => ("init()", format!(" ({line})")),
            Some((line, Phase::Run)) => ("run()", format!(" ({line})")),
            None => ("importing the entry script or its init()", String::new()),
        };
        return Some(Explanation::new(
            format!("{what} raised `{exception}`{line}"),
            "the log shows the line; run the same code locally with the same packages to reproduce it",
        ));
    };
    let suffix = match place {
        Some((line, Phase::Import)) => format!(" ({line})"),
        Some((line, Phase::Init)) => format!(" ({line}, in init())"),
        Some((line, Phase::Run)) => format!(" ({line}, in run())"),
        None => String::new(),
    };
    Some(Explanation { cause: format!("{cause}{suffix}"), hint })
}

fn known_cause(log: &str, traceback: Option<&Traceback<'_>>) -> Option<Explanation> {
    // What was handled before may be in the log too, so the exception counts if there is one.
    let raised = traceback.map_or(log, |of| of.message);
    if let Some(module) = between(raised, "ModuleNotFoundError: No module named '", "'")
        .or_else(|| between(raised, "ImportError: No module named '", "'"))
    {
        return Some(missing_module(module));
    }
    if let Some(library) = last_line_with(raised, "cannot open shared object file") {
        let library = library
            .split(": ")
            .find(|part| part.contains(".so"))
            .and_then(|part| part.split_whitespace().last())
            .unwrap_or(library);
        return Some(missing_library(library));
    }
    if let Some(known) = traceback.and_then(|of| known::find(of.message)) {
        return Some(Explanation::new(known.cause, known.hint));
    }
    if let Some(line) = last_line_with(raised, "SyntaxError") {
        return Some(Explanation::new(
            format!("the entry script has a syntax error: {line}"),
            "fix it, and check the script with the image's version of Python",
        ));
    }
    if let Some(line) = last_line_with(raised, "ModelNotFoundException") {
        return Some(Explanation::new(
            format!("the entry script loads a model that is not in the image: {line}"),
            "pass the model's name, not its file name, to Model.get_model_path, and add the model with `-m NAME=PATH`",
        ));
    }
    if let Some(line) = last_line_with(raised, "FileNotFoundError") {
        return Some(Explanation::new(
            format!("a file is opened that is not in the image: {line}"),
            "find models with AZUREML_MODEL_DIR or Model.get_model_path, and files next to the script with os.path.dirname(__file__)",
        ));
    }
    if let Some(line) = last_line_with(raised, "PermissionError") {
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
    if let Some(name) = between(raised, "KeyError: '", "'")
        && traceback.is_some_and(|of| of.exception.starts_with("KeyError"))
        && log.contains("in __getitem__\n    raise KeyError(key) from None")
    {
        return Some(Explanation::new(
            format!("the environment variable {name} is not set"),
            "set it with `environmentVariables` of the inference configuration, or `ENV` in its extra Dockerfile lines",
        ));
    }
    None
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

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.rsplit_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

fn last_line_with<'a>(log: &'a str, word: &str) -> Option<&'a str> {
    log.lines().rev().find(|line| line.contains(word)).map(str::trim)
}

#[cfg(test)]
mod tests;
