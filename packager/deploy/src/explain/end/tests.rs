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
            "the Python module `sklearn` is not in the image (score.py:1)",
            "add the package `scikit-learn` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder"
        )
    );
    let log = "ModuleNotFoundError: No module named 'my_helpers.io'";
    assert!(end(log, 3).hint.starts_with("`my_helpers` is there in another release: "));
    let log = "ModuleNotFoundError: No module named 'azureml.monitoring'";
    assert!(end(log, 3).hint.starts_with("add the package `azureml-monitoring` "));
    let log = "ModuleNotFoundError: No module named 'my_helpers'";
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
    assert_eq!(end(log, 3).cause, "init() raised `ValueError: bad shape` (score.py:4)");
}

#[test]
fn an_exception_that_was_handled_is_not_the_cause() {
    let log = "ModuleNotFoundError: No module named 'cupy'\nTraceback (most recent call last):\n  File \"/var/azureml-app/score.py\", line 4, in init\nValueError: bad shape\n";
    assert!(end(log, 3).cause.starts_with("init() raised `ValueError: bad shape`"));
}

#[test]
fn a_known_exception_has_its_cause_and_the_projects_line() {
    let log = |line: &str, exception: &str| {
        format!(
            "{{\"level\":\"info\"}}\nTraceback (most recent call last):\n  File \"/opt/mlpack/server/worker.py\", line 9, in boot\n    module.init()\n  File \"/var/azureml-app/src/score.py\", {line}\n    x\n  File \"/opt/mlpack/env/lib/python3.8/site-packages/a/b.py\", line 1, in c\n    d\n{exception}\nworker ended with exit code 1 before init() returned\n"
        )
    };
    for (line, exception, cause, hint) in [
        (
            "line 7, in init",
            "ValueError: unsupported pickle protocol: 5",
            "the model was pickled by a newer Python than the image has (src/score.py:7, in init())",
            "dump it with `protocol=4`, or use a base image with Python 3.8 or newer",
        ),
        (
            "line 2, in <module>",
            "ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/x/__init__.py)",
            "this jinja2 needs a function that markupsafe 2.1 removed (src/score.py:2)",
            "pin `markupsafe<2.1`, or use jinja2 3 or newer",
        ),
        (
            "line 2, in <module>",
            "ModuleNotFoundError: No module named 'sklearn.linear_model.ridge'",
            "the Python module `sklearn.linear_model.ridge` is not in the image (src/score.py:2)",
            "`sklearn.linear_model` is there in another release: pin the one that the script and the model were made with; a file of the project may also hide it",
        ),
        (
            "line 2, in <module>",
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "the shared library `libGL.so.1` is not in the image (src/score.py:2)",
            "use opencv-python-headless instead of opencv-python, or a base image with Debian's package `libgl1`",
        ),
        (
            "line 9, in init",
            "LookupError: \n**********\n  Resource \u{1b}[93mpunkt\u{1b}[0m not found.\n  Please use nltk.download\n",
            "the data of NLTK is not in the image (src/score.py:9, in init())",
            "register its folder as a model, and add it to `nltk.data.path` in init()",
        ),
        (
            "line 12, in run",
            "TypeError: Object of type ndarray is not JSON serializable",
            "run() returned something that JSON does not have (src/score.py:12, in run())",
            "return lists and numbers: `result.tolist()`",
        ),
        (
            "line 3, in init",
            "  File \"/opt/conda/lib/python3.8/os.py\", line 675, in __getitem__\n    raise KeyError(key) from None\nKeyError: 'API_URL'",
            "the environment variable API_URL is not set (src/score.py:3, in init())",
            "set it with `environmentVariables` of the inference configuration, or `ENV` in its extra Dockerfile lines",
        ),
    ] {
        assert_eq!(end(&log(line, exception), 3), Explanation::new(cause, hint), "{exception}");
    }
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
