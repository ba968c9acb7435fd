//! What is done to packages on their way into an image: looked into, made slim, compiled.

use snapbox::str;

use crate::kit::{World, base, has, image};
use crate::need;

#[test]
fn an_import_that_no_package_has_is_told_before_anything_is_written() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    let script = "import core, cv2\nimport json\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return core\n";
    world.write("score.py", script);
    args.push("--dry-run".to_owned());
    let answer = world.mlpack(&args);
    answer.ok();
    let warning = "score.py:1: `import cv2`: no package of the environment has `cv2`\n  remedy: add opencv-python to the pip list\n";
    assert!(answer.stderr.contains(warning), "{}", answer.stderr);
    assert_eq!(answer.stderr.matches("script.imports").count(), 1, "{}", answer.stderr);
}

#[test]
fn what_stands_in_a_list_of_its_own_is_checked() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    world.write(
        "environment.yml",
        "dependencies:\n  - pip:\n    - -r lists/all.txt\n    - -c lists/bounds.txt\n",
    );
    world.write("lists/all.txt", "# everything\ncore==1.0\n-r web.txt\n");
    world.write("lists/web.txt", "flask \\\n  ==1.0.3\njinja2\n");
    world.write("lists/bounds.txt", "jinja2<3.1\n");
    args.push("--dry-run".to_owned());
    world.mlpack(&args).is(str![[r#"
--- stderr
warning[deps.flask]: [WORLD]/work/lists/web.txt:1: `flask  ==1.0.3` means Flask 1.0, which does not start with today's itsdangerous, markupsafe, werkzeug
  remedy: add to the pip list: itsdangerous==2.0.1, markupsafe<2.1, werkzeug<2
error: the pip list cannot be met for cpython-3.11.[PATCH]-linux-amd64-glibc[GLIBC]
Because flask was not found in the provided package locations and you require flask==1.0.3, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set fits all
--- exit code 1

"#]]);
}

#[test]
fn a_model_that_was_pickled_elsewhere_is_told() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    // What joblib writes of an estimator whose coefficients are 100 zeros.
    let mut model = b"\x80\x03cxgboost.sklearn\nXGBRegressor\nq\x00)\x81q\x01}q\x02(".to_vec();
    model.extend(b"X\x05\x00\x00\x00coef_q\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x04)\x81q\x05}q\x06b");
    model.extend([0; 800]);
    model.extend(b"X\x10\x00\x00\x00_sklearn_versionq\x07X\x06\x00\x00\x000.20.3q\x08ub.");
    world.write("model.bin", model);
    args.push("--dry-run".to_owned());
    let answer = world.mlpack(&args);
    answer.ok();
    world.say(&answer.stderr).is(str![[r#"
warning[model.pickle]: [WORLD]/work/model.bin: it needs `joblib.numpy_pickle`, and no package of the environment has `joblib`
  remedy: add joblib to the pip list
warning[model.pickle]: [WORLD]/work/model.bin: it needs `xgboost.sklearn`, and no package of the environment has `xgboost`
  remedy: add xgboost to the pip list

"#]]);
}

#[test]
fn a_day_that_counts_for_an_index_alone_is_told() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    args.extend(["--dry-run", "--exclude-newer", "2019-05-05"].map(str::to_owned));
    let answer = world.answer(world.command(&args), "");
    answer.ok();
    let told: Vec<_> =
        answer.stderr.lines().filter(|line| line.starts_with("--exclude-newer")).collect();
    world.say(&told.join("\n")).is(str!["--exclude-newer does not count for azureml-inference-server-http 1.4.0, core 1.0: files behind --find-links have no time of upload"]);
}

#[test]
fn slim_and_compiled_packages_are_the_same_from_any_cache() {
    if !has("python3.11") {
        return;
    }
    let base = need!(base("debian12-py311"));
    let options = ["--slim", "--bytecode", "--output", "oci:out"].map(str::to_owned);
    let package = |seed: &str| {
        let mut world = World::offline()?.own_cache();
        world.set("PYTHONHASHSEED", seed);
        let args = [world.project(&base), options.to_vec()].concat();
        let first = world.mlpack(&args).digest();
        assert_eq!(world.mlpack(&args).digest(), first);
        Some((world, first))
    };
    let (world, first) = need!(package("1"));
    let (_, second) = need!(package("2"));
    assert_eq!(first, second);
    let files = world.mlpack(&["inspect", "oci:out", "--files"]);
    let bytecode = "site-packages/core/__pycache__/__init__.cpython-311.pyc";
    assert!(files.ok().lines().any(|line| line.ends_with(bytecode)), "{}", files.stdout);
    let layers = image(&world.path("out")).layers();
    let plain = [world.project(&base), options[2..].to_vec()].concat();
    world.mlpack(&plain).ok();
    assert_ne!(image(&world.path("out")).layers(), layers);
}

#[test]
fn bytecode_without_an_interpreter_is_refused() {
    let base = need!(base("debian12-py311"));
    let mut world = need!(World::offline());
    // What describes an interpreter to uv is a shell script that needs this much.
    let programs = world.path("programs");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink("/bin/cat", programs.join("cat")).unwrap();
    world.set("PATH", programs);
    let mut args = world.project(&base);
    args.extend(["--bytecode", "--output", "oci:out"].map(str::to_owned));
    world.mlpack(&args).is(str![[r#"
--- stderr
error: there is no Python 3.11 on this machine to make bytecode with
hint: give a Python 3.11 with --python, or leave out --bytecode
--- exit code 1

"#]]);
}
