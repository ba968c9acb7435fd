//! Sources built with the interpreter of a conda environment, on a machine without a Python of that
//! version.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use snapbox::str;
use tempfile::TempDir;

use crate::kit::{self, Answer, Channel, TestContext, base, copy_base, has, relabel, skip};
use crate::need;

/// The Python of the environment.
const MINOR: &str = "3.9";

/// A build that needs nothing but Python, and writes down which one ran it.
const BACKEND: &str = r#"import sys, zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    info = "witness-1.0.dist-info/"
    files = {
        "witness.py": "BUILT_BY = %r\n" % (sys.version_info[:2],),
        info + "METADATA": "Metadata-Version: 2.1\nName: witness\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    name = "witness-1.0-py3-none-any.whl"
    record = "".join("%s,,\n" % path for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        for path, text in [*files.items(), (info + "RECORD", record)]:
            wheel.writestr(zipfile.ZipInfo(path), text)
    return name
"#;

const EXTENSION: &str = r#"#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled", "", -1, methods};
PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&module); }
"#;

/// A context, the folder of its cache, the arguments that package its project.
struct SourceProject {
    context: TestContext,
    cache: TempDir,
    args: Vec<String>,
}

impl SourceProject {
    /// A context whose PATH leads to these programs only. The cache has a name of `length` characters,
    /// since the channel's interpreters can hold a short prefix only; `None` if even that is too
    /// long.
    #[track_caller]
    fn new(
        mut context: TestContext,
        channel: &Channel,
        length: usize,
        programs: &[&str],
    ) -> Option<Self> {
        let cache =
            tempfile::Builder::new().prefix("").rand_bytes(length).tempdir_in("/tmp").unwrap();
        // The folder `py` and in it a name of 12 characters.
        if channel.prefix_length(MINOR) < cache.path().as_os_str().len() + "/py/".len() + 12 {
            skip("the channel's interpreters have too little room for their place");
            return None;
        }
        context.set("MLPACK_CACHE_DIR", cache.path());
        hide_python(&mut context, programs);
        let args = project(&mut context, channel, &[]);
        Some(Self { context, cache, args })
    }

    fn packaged(&self) -> Answer {
        let args = [&self.args[..], &["--output".to_owned(), "oci:out".to_owned()]].concat();
        let answer = self.context.mlpack(&args);
        answer.ok();
        answer
    }
}

/// Lets PATH lead to these programs of this machine, to `cat`, which describing an interpreter needs,
/// and to what unpacks a layer.
fn hide_python(context: &mut TestContext, programs: &[&str]) {
    let dir = context.path("programs");
    fs::create_dir(&dir).unwrap();
    for name in programs.iter().chain(&["cat", "tar", "gzip"]) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|at| at.is_file());
        symlink(found.unwrap(), dir.join(name)).unwrap();
    }
    context.set("PATH", dir);
}

/// Arguments of `package` for the small project in a conda environment with lines in its list.
fn project(context: &mut TestContext, channel: &Channel, lines: &[&str]) -> Vec<String> {
    context.name(&channel.dir.to_string_lossy(), "[CHANNEL]");
    let args = context.project(&base("debian12-py311"));
    let mut text = format!(
        "name: svc\nchannels:\n  - {}\n  - nodefaults\ndependencies:\n  - python={MINOR}\n  - pip:\n    - --find-links ./sources\n",
        channel.address("main")
    );
    for line in lines {
        text += &format!("    - {line}\n");
    }
    context.write("environment.yml", text);
    fs::create_dir_all(context.path("sources")).unwrap();
    args
}

/// Writes the archive of a source with these files into `sources`, the same bytes every time, and
/// adds it to the pip list.
fn source(context: &TestContext, name: &str, files: &[(&str, &str)]) {
    let folder = format!("{name}-1.0");
    let about = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    for (file, text) in files.iter().chain(&[("PKG-INFO", about.as_str())]) {
        context.write(&format!("{folder}/{file}"), text);
    }
    let owner = ["--owner=0", "--group=0", "--sort=name", "--mtime=2020-01-01", "--mode=u=rwX"];
    let archive = format!("sources/{folder}.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(owner)
        .args(["--use-compress-program=gzip --no-name", "-cf", &archive, &folder])
        .current_dir(context.path(""))
        .status();
    assert!(packed.unwrap().success());
    fs::remove_dir_all(context.path(&folder)).unwrap();
    let list = fs::read_to_string(context.path("environment.yml")).unwrap();
    context.write("environment.yml", format!("{list}    - {name}==1.0\n"));
}

fn witness(context: &TestContext) {
    let project =
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";
    source(context, "witness", &[("pyproject.toml", project), ("backend.py", BACKEND)]);
}

/// Unpacks the environment of `oci:out`.
fn unpacked(context: &TestContext) -> PathBuf {
    context.unpack("out", "opt/mlpack/envs/svc", "unpacked");
    context.path("unpacked/opt/mlpack/envs/svc")
}

/// Runs the interpreter of an unpacked environment, which finds its library by its place in an image.
fn run(tree: &Path, code: &str) -> String {
    let output = std::process::Command::new(tree.join("bin/python3.9"))
        .args(["-I", "-c", code])
        .env("LD_LIBRARY_PATH", tree.join("lib"))
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_source_is_built_with_the_python_of_the_environment() {
    let channel = need!(kit::runnable_channel(&["python-3.9"]));
    let site = need!(SourceProject::new(need!(TestContext::offline()), &channel, 6, &[]));
    witness(&site.context);
    let first = site.packaged().digest();
    assert_eq!(
        run(&unpacked(&site.context), "import witness; print(witness.BUILT_BY)"),
        "(3, 9)\n"
    );
    assert_eq!(
        site.context
            .mlpack(&["inspect", "oci:out", "--files"])
            .ok()
            .matches(&*site.cache.path().to_string_lossy())
            .count(),
        0
    );
    assert_eq!(site.packaged().digest(), first);

    // Elsewhere, in another folder, by the lock alone.
    let other = need!(SourceProject::new(need!(TestContext::offline()), &channel, 5, &[]));
    witness(&other.context);
    let mut lock = other.args.clone();
    lock[0] = "lock".to_owned();
    other.context.mlpack(&lock).ok();
    for path in fs::read_dir(other.cache.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let args = [&other.args[..], &["--locked", "--output", "oci:out"].map(str::to_owned)].concat();
    assert_eq!(other.context.mlpack(&args).digest(), first);

    // What was damaged is laid down again.
    let staged = fs::read_dir(other.cache.path().join("py")).unwrap().next().unwrap().unwrap();
    fs::write(staged.path().join("bin/python3.9"), "").unwrap();
    fs::remove_dir_all(other.cache.path().join("built")).unwrap();
    assert_eq!(other.context.mlpack(&args).digest(), first);
}

#[test]
fn an_extension_does_not_depend_on_the_place_of_the_building_python() {
    if !["gcc", "as", "ld"].iter().all(|name| has(name)) {
        return;
    }
    let channel = need!(kit::runnable_channel(&["python-3.9"]));
    let package = |length: usize| {
        let mut context = TestContext::online()?;
        context.set("MLPACK_UV", kit::uv()?);
        let site = SourceProject::new(context, &channel, length, &["gcc", "as", "ld"])?;
        let setup = "from setuptools import Extension, setup\nsetup(name='compiled', version='1.0', ext_modules=[Extension('compiled', ['compiled.c'])])\n";
        source(&site.context, "compiled", &[("setup.py", setup), ("compiled.c", EXTENSION)]);
        let digest = site.packaged().digest();
        Some((site, digest))
    };
    let (site, first) = need!(package(6));
    let (_, second) = need!(package(5));
    assert_eq!(first, second);
    let tree = unpacked(&site.context);
    let said = run(&tree, "import compiled; print(compiled.answer(), compiled.__file__)");
    let path = said.trim().strip_prefix("42 ").unwrap_or_else(|| panic!("{said}"));
    let bytes = fs::read(path).unwrap();
    let cache = site.cache.path().to_string_lossy().into_owned();
    assert!(!bytes.windows(cache.len()).any(|window| window == cache.as_bytes()), "{path}");
}

#[test]
fn a_python_of_another_architecture_is_not_run() {
    let base = base("debian12-py311");
    let channel = need!(kit::runnable_channel(&["python-3.9"]));
    let mut context = need!(TestContext::offline());
    let mut args = project(&mut context, &channel, &[]);
    witness(&context);
    copy_base("debian12-py311", &context.path("base"));
    relabel(&context.path("base"), "arm64");
    let at = args.iter().position(|arg| *arg == base).unwrap();
    args[at] = "oci:base".to_owned();
    args.extend(["--platform", "linux/arm64", "--output", "oci:out"].map(str::to_owned));
    // The same channel, whose packages say that they are for the other architecture.
    for (subdir, named) in [("linux-64", "linux-aarch64"), ("noarch", "noarch")] {
        let from = channel.dir.join("main").join(subdir);
        let to = context.path("arm").join(named);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            symlink(entry.path(), to.join(entry.file_name())).unwrap();
        }
        let index = fs::read_to_string(to.join("repodata.json")).unwrap();
        fs::remove_file(to.join("repodata.json")).unwrap();
        fs::write(to.join("repodata.json"), index.replace("linux-64", "linux-aarch64")).unwrap();
    }
    let list = fs::read_to_string(context.path("environment.yml")).unwrap();
    let arm = format!("file://{}", context.path("arm").display());
    context.write("environment.yml", list.replace(&channel.address("main"), &arm));
    hide_python(&mut context, &[]);
    context.mlpack(&args).is(str![[r#"
--- stderr
error: witness 1.0 has no wheel for cpython-3.9.18-linux-arm64-glibc2.36 and cannot be built here: no Python on this machine can run its build script, and the environment's own cannot be run here: it is for aarch64, this machine is x86_64
hint: pin a version of witness that has a wheel, put a wheel of it where --find-links points, or give a Python 3.9 of this machine's architecture with --python
--- exit code 1

"#]]);
}

#[test]
fn a_cache_path_too_long_for_the_prefix_is_reported() {
    let channel = need!(kit::runnable_channel(&["python-3.9"]));
    let mut context = need!(TestContext::offline()).own_cache();
    let mut args = project(&mut context, &channel, &[]);
    witness(&context);
    hide_python(&mut context, &[]);
    args.push("--dry-run".to_owned());
    let answer = context.mlpack(&args);
    let told = format!(
        "characters, its programs support {}; set MLPACK_CACHE_DIR to a shorter path",
        channel.prefix_length(MINOR)
    );
    assert!(answer.code == 1 && answer.stderr.contains(&told), "{}", answer.stderr);
}
