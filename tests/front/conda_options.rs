//! `--slim` and `--bytecode` on conda packages: what is removed and added, and that every list of
//! files matches.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kit::{self, TestContext, base, has};
use crate::need;

/// Packages the small project with conda packages, and unpacks its environment.
fn unpacked(context: &TestContext, base: &str, channel: &str, options: &[&str]) -> String {
    let mut args = context.project(base);
    let lines = "  - python=3.11\n  - links\n  - mlpack-greeter\n  - pip:\n    - core==1.0\n";
    context.write(
        "environment.yml",
        format!("name: svc\nchannels:\n  - {channel}\n  - nodefaults\ndependencies:\n{lines}"),
    );
    args.extend(["--output", "oci:out"].iter().chain(options).map(|&arg| arg.to_owned()));
    let answer = context.answer(context.command(&args), "");
    answer.digest();
    context.unpack("out", "opt/mlpack/envs/svc", "unpacked");
    answer.stderr
}

/// Paths of files and links below a folder, from there.
fn paths(dir: &Path) -> BTreeSet<String> {
    let mut waiting = vec![dir.to_owned()];
    let mut found = BTreeSet::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() && !path.is_symlink() {
                true => waiting.push(path),
                false => {
                    found.insert(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    found
}

/// What the records of conda list: `files`, which must be what `paths_data` lists.
fn listed(env: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(env.join("conda-meta")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let files: BTreeSet<_> = record["files"].as_array().unwrap().iter().map(text).collect();
        let data = record["paths_data"]["paths"].as_array().unwrap();
        let data: BTreeSet<_> = data.iter().map(|path| text(&path["_path"])).collect();
        assert_eq!(files, data, "{}", path.display());
        all.extend(files);
    }
    all
}

/// The lists of an environment hold what is there and nothing else, pip's packages apart.
fn is_true(env: &Path) {
    let (found, listed) = (paths(env), listed(env));
    let missing: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "listed and not there: {missing:?}");
    let of_pip = |path: &str| {
        let name = path.rsplit_once("site-packages/").map_or("", |(_, name)| name);
        name.starts_with("core")
    };
    let more: Vec<_> = found
        .difference(&listed)
        .filter(|path| !path.starts_with("conda-meta/") && !of_pip(path))
        .collect();
    assert!(more.is_empty(), "there and not listed: {more:?}");
    let record = "lib/python3.11/site-packages/mlpack_greeter-1.0.dist-info/RECORD";
    let record = fs::read_to_string(env.join(record)).unwrap();
    for line in record.lines() {
        let path = env.join("lib/python3.11/site-packages").join(line.split(',').next().unwrap());
        assert!(path.exists(), "{line}");
    }
}

#[test]
fn slim_conda_packages_list_what_is_left() {
    let base = base("debian12-py311");
    let channel = need!(kit::channel());
    let main = channel.address("main");
    let whole = need!(TestContext::offline()).own_cache();
    unpacked(&whole, &base, &main, &[]);
    let slim = need!(TestContext::offline()).own_cache();
    let said = unpacked(&slim, &base, &main, &["--slim"]);
    let [whole, slim] = [&whole, &slim].map(|context| context.path("unpacked/opt/mlpack/envs/svc"));
    is_true(&whole);
    is_true(&slim);
    let (whole, slim) = (paths(&whole), paths(&slim));
    let gone: Vec<_> = whole.difference(&slim).map(String::as_str).collect();
    for path in [
        "lib/liblinks.a",
        "include/links.h",
        "include/python3.11/Python.h",
        "lib/python3.11/site-packages/mlpack_greeter/tests/test_greeter.py",
    ] {
        assert!(gone.contains(&path), "{path} is still there");
    }
    for path in ["bin/python3.11", "bin/links-again", "share/links/b.txt", "bin/mlpack-greet"] {
        assert!(slim.contains(path), "{path} went");
    }
    assert!(slim.is_subset(&whole));
    assert!(said.contains("static libraries") && said.contains("headers"), "{said}");
}

#[test]
fn compiled_conda_packages_run_without_their_sources() {
    if !has("python3.11") {
        return;
    }
    let base = base("debian12-py311");
    let channel = need!(kit::runnable_channel(&["python-3.11"]));
    let context = need!(TestContext::offline()).own_cache();
    unpacked(&context, &base, &channel.address("main"), &["--bytecode"]);
    let env = context.path("unpacked/opt/mlpack/envs/svc");
    is_true(&env);
    let site = env.join("lib/python3.11/site-packages/mlpack_greeter");
    assert!(site.join("__pycache__/__init__.cpython-311.pyc").is_file());
    assert!(env.join("lib/python3.11/json/__pycache__/__init__.cpython-311.pyc").is_file());
    // Bytecode of this kind is taken whatever the source says.
    fs::write(site.join("__init__.py"), "raise SystemExit('the source was read')\n").unwrap();
    let python = env.join("bin/python3.11");
    let mut command =
        context.program(python.to_str().unwrap(), &["-c", "import mlpack_greeter as m; m.main()"]);
    command.env("PYTHONHOME", &env).env("LD_LIBRARY_PATH", env.join("lib"));
    assert_eq!(context.answer(command, "").ok(), "hello from mlpack-greeter 1.0");
}

#[test]
fn slim_and_compiled_conda_packages_are_the_same_from_any_cache() {
    if !has("python3.11") {
        return;
    }
    let base = base("debian12-py311");
    let channel = need!(kit::channel());
    let digest = |seed: &str| {
        let mut context = TestContext::offline()?.own_cache();
        context.set("PYTHONHASHSEED", seed);
        unpacked(&context, &base, &channel.address("main"), &["--slim", "--bytecode"]);
        is_true(&context.path("unpacked/opt/mlpack/envs/svc"));
        Some(kit::image(&context.path("out")).digest)
    };
    assert_eq!(need!(digest("1")), need!(digest("2")));
}
