//! Packages on their way into an image: inspected, pruned and compiled to bytecode.

use snapbox::str;

use crate::kit::{TestContext, base, has, image, wheel};
use crate::lock::pip;
use crate::need;

#[test]
fn an_import_that_no_package_provides_is_refused() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    let script = "import core, cv2\nimport json\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return core\n";
    context.write("score.py", script);
    args.push("--dry-run".to_owned());
    context.mlpack(&args).is(str![[r#"
--- stderr
error[script.imports]: [TEMP]/work/score.py:1: `import cv2`: no package of the environment has `cv2`
  hint: add opencv-python-headless to the pip list; if it is there in a way that cannot be seen, --allow script.imports
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    // A check that is named only warns.
    args.extend(["--allow", "script.imports"].map(str::to_owned));
    let answer = context.mlpack(&args);
    answer.ok();
    assert_eq!(answer.stderr.matches("warning[script.imports]").count(), 1, "{}", answer.stderr);
}

#[test]
fn packages_for_other_pythons_are_refused_as_by_pip() {
    let base = base("debian12-py311");
    let mut context = need!(TestContext::offline());
    let mut args = context.project(&base);
    args.push("--dry-run".to_owned());
    context.set("UV_FIND_LINKS", context.path("wheels"));
    for (name, python) in [("old", ">=3.6, <3.7"), ("fine", ">=2.7,!=3.0.*,<4"), ("odd", ">=3.6.*")]
    {
        let field = format!("Requires-Python: {python}");
        let wheel = wheel(name, "1.0", &[&field], &[("__init__.py", "")], false);
        context.write(&format!("wheels/{name}-1.0-py3-none-any.whl"), wheel);
    }
    pip(&context, &["fine", "odd", "old"]);
    context.mlpack(&args).is(str![[r#"
--- stderr
error[deps.requires-python]: [TEMP]/work/environment.yml:6: old 1.0 is for Python >=3.6, <3.7, the image has 3.11.9
  hint: pin a release of old for Python 3.11, use another Python, or install it all the same with --allow deps.requires-python
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    args.extend(["--allow", "deps.requires-python"].map(str::to_owned));
    context.mlpack(&args).ok();
}

#[test]
fn nested_requirement_files_are_checked() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    context.write(
        "environment.yml",
        "dependencies:\n  - pip:\n    - -r lists/all.txt\n    - -c lists/bounds.txt\n",
    );
    context.write("lists/all.txt", "# everything\ncore==1.0\n-r web.txt\n");
    context.write("lists/web.txt", "flask \\\n  ==1.0.3\njinja2\n");
    context.write("lists/bounds.txt", "jinja2<3.1\n");
    args.push("--dry-run".to_owned());
    context.mlpack(&args).is(str![[r#"
--- stderr
error: the pip list is unsatisfiable for cpython-3.11.9-linux-amd64-glibc2.36
this line cannot be met:
  [TEMP]/work/lists/web.txt:1: flask   ==1.0.3
Because flask was not found in the provided package locations and you require flask==1.0.3, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set satisfies all
--- exit code 1

"#]]);
}

#[test]
fn packages_missing_for_a_pickled_model_are_reported() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    // What joblib writes of an estimator whose coefficients are 100 zeros.
    let mut model = b"\x80\x03cxgboost.sklearn\nXGBRegressor\nq\x00)\x81q\x01}q\x02(".to_vec();
    model.extend(b"X\x05\x00\x00\x00coef_q\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x04)\x81q\x05}q\x06b");
    model.extend([0; 800]);
    model.extend(b"X\x10\x00\x00\x00_sklearn_versionq\x07X\x06\x00\x00\x000.20.3q\x08ub.");
    context.write("model.bin", model);
    args.push("--dry-run".to_owned());
    let answer = context.mlpack(&args);
    answer.ok();
    context.normalized(&answer.stderr).is(str![[r#"
warning[model.pickle]: [TEMP]/work/model.bin: it needs `joblib.numpy_pickle`, and no package of the environment has `joblib`
  hint: add joblib to the pip list
warning[model.pickle]: [TEMP]/work/model.bin: it needs `xgboost.sklearn`, and no package of the environment has `xgboost`
  hint: add xgboost to the pip list

"#]]);
}

#[test]
fn exclude_newer_does_not_apply_to_find_links() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    args.extend(["--dry-run", "--exclude-newer", "2019-05-05"].map(str::to_owned));
    let answer = context.answer(context.command(&args), "");
    answer.ok();
    let told: Vec<_> =
        answer.stderr.lines().filter(|line| line.starts_with("--exclude-newer")).collect();
    context.normalized(&told.join("\n")).is(str![
        "--exclude-newer does not apply to core 1.0: files behind --find-links have no upload time"
    ]);
}

#[test]
fn slim_and_compiled_packages_are_the_same_from_any_cache() {
    if !has("python3.11") {
        return;
    }
    let base = base("debian12-py311");
    let options = ["--slim", "--bytecode", "--output", "oci:out"].map(str::to_owned);
    let package = |seed: &str| {
        let mut context = TestContext::offline()?.own_cache();
        context.set("PYTHONHASHSEED", seed);
        let args = [context.project(&base), options.to_vec()].concat();
        let first = context.mlpack(&args).digest();
        assert_eq!(context.mlpack(&args).digest(), first);
        Some((context, first))
    };
    let (context, first) = need!(package("1"));
    let (_, second) = need!(package("2"));
    assert_eq!(first, second);
    let files = context.mlpack(&["inspect", "oci:out", "--files"]);
    let bytecode = "site-packages/core/__pycache__/__init__.cpython-311.pyc";
    assert!(files.ok().lines().any(|line| line.ends_with(bytecode)), "{}", files.stdout);
    let layers = image(&context.path("out")).layers();
    let plain = [context.project(&base), options[2..].to_vec()].concat();
    context.mlpack(&plain).ok();
    assert_ne!(image(&context.path("out")).layers(), layers);
}

#[test]
fn bytecode_without_an_interpreter_is_refused() {
    let base = base("debian12-py311");
    let mut context = need!(TestContext::offline());
    // What describes an interpreter to uv is a shell script that needs this much.
    let programs = context.path("programs");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink("/bin/cat", programs.join("cat")).unwrap();
    context.set("PATH", programs);
    let mut args = context.project(&base);
    args.extend(["--bytecode", "--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).is(str![[r#"
--- stderr
error: no Python 3.11 on this machine to compile bytecode with
hint: give a Python 3.11 with --python, or leave out --bytecode
--- exit code 1

"#]]);
}
