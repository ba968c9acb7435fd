//! Conda packages: solved, fetched, installed and compared with what conda installs.

use std::fs;
use std::path::PathBuf;

use snapbox::str;

use crate::kit::{self, Answer, Channel, ChannelAuth, TestContext, base};
use crate::need;

/// A context without an index, and the channel.
#[track_caller]
pub(crate) fn context_and_channel() -> Option<(TestContext, Channel)> {
    let channel = kit::channel()?;
    let mut context = TestContext::offline()?.own_cache();
    context.name(&channel.dir.to_string_lossy(), "[CHANNEL]");
    Some((context, channel))
}

/// Arguments that package the small project with an environment of conda packages.
pub(crate) fn project(
    context: &TestContext,
    base: &str,
    channels: &[String],
    lines: &[&str],
) -> Vec<String> {
    let args = context.project(base);
    let list =
        |items: &[String]| items.iter().map(|item| format!("  - {item}\n")).collect::<String>();
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    context.write(
        "environment.yml",
        format!(
            "name: svc\nchannels:\n{}  - nodefaults\ndependencies:\n{}  - pip:\n    - core==1.0\n",
            list(channels),
            list(&lines)
        ),
    );
    args
}

/// The same into `oci:out`.
pub(crate) fn packaged(
    context: &TestContext,
    base: &str,
    channels: &[String],
    lines: &[&str],
) -> Answer {
    let mut args = project(context, base, channels, lines);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    context.mlpack(&args)
}

/// What a plan says of conda packages, or why there is none.
pub(crate) fn planned(
    context: &TestContext,
    base: &str,
    channels: &[String],
    lines: &[&str],
    more: &[&str],
) -> String {
    let mut args = project(context, base, channels, lines);
    args.extend(["--dry-run"].iter().chain(more).map(|&arg| arg.to_owned()));
    let answer = context.mlpack(&args);
    if answer.code != 0 {
        return answer.text();
    }
    args.extend(["--format", "json"].map(str::to_owned));
    let answer = context.mlpack(&args);
    let packages = answer.json()["record"]["condaPackages"].clone();
    packages
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{}\n", line.as_str().unwrap()))
        .collect()
}

/// Unpacks the environment's layers.
fn unpacked(context: &TestContext) -> PathBuf {
    context.unpack("out", "opt/mlpack/envs/svc", "unpacked");
    context.path("unpacked/opt/mlpack/envs/svc")
}

#[test]
fn installed_files_match_those_of_conda() {
    let base = base("debian12-py311");
    let channel = need!(kit::runnable_channel(&["python-3.6"]));
    let mut context = need!(TestContext::offline()).own_cache();
    context.name_pattern(r"program [0-9a-f]{12}", "program [HASH]");
    let lines =
        ["python=3.6", "mlpack-greeter", "links", "linkscripts", "common=1", "same-path-left"];
    packaged(&context, &base, &[channel.address("main")], &lines).digest();
    let tree = unpacked(&context);
    // What pip's packages add is not conda's to judge.
    let site = tree.join("lib/python3.6/site-packages");
    for entry in fs::read_dir(&site).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("core") {
            let path = entry.path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
    }
    // Short, since the placeholder of the interpreter is.
    let prefix = context.root().join("c");
    let compared = Some((tree.as_path(), "/opt/mlpack/envs/svc"));
    let said = need!(kit::real_conda(&channel, &lines, &prefix, compared));
    context.normalized(&said).is(str![[r#"
differs: bin/mlpack-greet: program [HASH], program [HASH]

"#]]);
}

#[test]
fn channel_order_and_channel_names_select_packages() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let (main, extra) = (channel.address("main"), channel.address("extra"));
    let both = [main.clone(), extra.clone()];
    let of = |channels: &[String], line: &str| {
        let found = planned(&context, &base, channels, &["python=3.11", line], &[]);
        let name = line.rsplit("::").next().unwrap().split('=').next().unwrap().to_owned();
        found.lines().find(|line| line.starts_with(&name)).map_or(found.clone(), str::to_owned)
    };
    assert_eq!(of(&both, "priority"), "priority=1.0=0");
    assert_eq!(of(&[extra.clone(), main.clone()], "priority"), "priority=2.0=0");
    assert_eq!(of(&both, "extra-only"), "extra-only=1.0=0");
    assert_eq!(of(&both[..1], &format!("{extra}::priority")), "priority=2.0=0");
}

#[test]
fn virtual_packages_come_from_the_base() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let main = [channel.address("main")];
    let plan = |lines: &[&str], more: &[&str]| planned(&context, &base, &main, lines, more);
    let found = plan(&["python=3.11", "glibc-old", "common"], &[]);
    assert!(found.contains("glibc-old=1.0=0\n") && found.contains("common=2.0=0\n"), "{found}");
    let found = plan(&["python=3.6", "common"], &["--exclude-newer", "2019-05-05"]);
    assert!(found.contains("common=1.0=0\n"), "{found}");
    context.normalized(&plan(&["python=3.11", "needs-cuda"], &[])).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
`needs-cuda` (line 7) is available as 1.0, which needs `__cuda >=10.0`.
Because the base image has no CUDA, nothing meets `__cuda >=10.0`.
So line 7 cannot be met.
hint: use a base image with CUDA
--- exit code 1

"#]]);
    context.normalized(&plan(&["python=3.11", "glibc-old=2"], &[])).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
`glibc-old=2` (line 7) is available as 2.0, which needs `__glibc >=2.99`.
Because the base image has glibc 2.36, nothing meets `__glibc >=2.99`.
So line 7 cannot be met.
hint: use a newer base image
--- exit code 1

"#]]);
    context.normalized(&plan(&["python=3.99"], &[])).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
Because python exists only as 3.6.15 to 3.13.0 (6 versions), nothing meets `python=3.99` (line 6).
hint: request a version that exists
--- exit code 1

"#]]);
    context.normalized(&plan(&["python=3.11", "no-such-package"], &[])).is(str![[r#"
--- stderr
error: no channel has a conda package `no-such-package` for linux-64; searched: file://[REPOSITORY]/fixtures/built/small-channel/main/
hint: check the spelling, add the channel that has it below `channels:`, or list `no-such-package` below `pip:` if PyPI has it
--- exit code 1

"#]]);
}

#[test]
fn secrets_of_a_channel_stay_secret() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    for auth in [ChannelAuth::Login, ChannelAuth::Token] {
        let served = channel.serve(auth);
        let lines = ["python=3.6", "mlpack-greeter"];
        let refused = packaged(&context, &base, &[served.address("main")], &lines);
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        let mut args = project(&context, &base, &[served.secret_address("main")], &lines);
        args.extend(["--output".to_owned(), "oci:out".to_owned()]);
        let answer = context.answer(context.command(&args), "");
        answer.digest();
        let layers = context.mlpack(&["inspect", "oci:out", "--format", "json"]);
        for text in [&answer.stderr, &refused.stderr, &layers.stdout] {
            assert!(!text.contains("secret"), "{text}");
        }
        let cache = context.root().join("cache");
        let mut with_address = 0;
        for line in kit::files(&cache) {
            // A folder behind a link is none of the cache's.
            let bytes = fs::read(line.rsplit_once(' ').unwrap().0).unwrap_or_default();
            let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
            assert!(!holds(b"secret"), "{line}");
            with_address += usize::from(holds(served.address("main").as_bytes()));
        }
        assert_ne!(with_address, 0);
        fs::remove_dir_all(context.path("out")).unwrap();
        fs::remove_dir_all(context.root().join("cache")).unwrap();
    }
}

#[test]
fn in_a_container_everything_imports() {
    let docker = need!(kit::docker("conda"));
    let base = need!(kit::runnable_base("debian12-py311"));
    let channel = need!(kit::runnable_channel(&["python-3.11", "numpy-1.26", "pip-"]));
    let mut context = need!(TestContext::offline()).inheriting(&["DOCKER_HOST"]);
    context.name(&channel.dir.to_string_lossy(), "[CHANNEL]");
    let lines = ["python=3.11", "numpy=1.26", "pip", "mlpack-greeter"];
    let mut args = project(&context, &base, &[channel.address("main")], &lines);
    args.extend(["--output".to_owned(), format!("docker:{}", docker.name)]);
    context.mlpack(&args).ok();
    let run = |program: &[&str]| {
        docker.run(
            &[&["run", "--rm", "--entrypoint", program[0], &docker.name], &program[1..]].concat(),
        )
    };
    let code =
        "import numpy, ssl, sqlite3, core, sys; print(numpy.linalg.det(numpy.eye(3)), sys.prefix)";
    assert_eq!(run(&["python", "-c", code]), "1.0 /opt/mlpack/envs/svc");
    assert_eq!(run(&["python", "-m", "pip", "check"]), "No broken requirements found.");
    assert_eq!(run(&["mlpack-greet-twice"]).lines().count(), 2);
    let installed = run(&["python", "-m", "pip", "list", "--format", "freeze"]);
    assert_eq!(
        installed.lines().filter(|line| line.starts_with("numpy==")).count(),
        1,
        "{installed}"
    );
}

#[test]
fn the_environment_is_below_the_conda_root_of_the_base() {
    let base = base("ubuntu18-miniconda-py36");
    let (context, channel) = need!(context_and_channel());
    let mut args = project(&context, &base, &[channel.address("main")], &["python=3.11"]);
    let policy = args.iter().position(|arg| arg == "current").unwrap();
    args[policy] = "azureml-2019".to_owned();
    args.push("--dry-run".to_owned());
    context.mlpack(&args).is(str![[r#"
base         local image (sha256:55e9a1331b6bed0b2dc96d843b45314543f46d084554b2c14f09d5213bf0113a)
python       3.11.7 at /opt/miniconda/envs/svc/bin/python3.11
             new: `python=3.11` is required, the base has 3.6.15
environment  1 conda and 1 pip packages in /opt/miniconda/envs/svc
entry script /var/azureml-app/score.py
server       builtin
model        model:0 = model.bin
layer        packages in at most 12 layers
layer        server
layer        model model:0
layer        code
env          PATH=/opt/miniconda/envs/svc/bin:/opt/miniconda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
env          LANG=C.UTF-8
env          CONDA_PREFIX=/opt/miniconda/envs/svc
env          AZUREML_CONDA_ENVIRONMENT_PATH=/opt/miniconda/envs/svc
env          AML_APP_ROOT=/var/azureml-app
env          AZUREML_ENTRY_SCRIPT=score.py
env          AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/model/0
env          PYTHONUNBUFFERED=1
env          PYTHONDONTWRITEBYTECODE=1
env          HOME=/tmp
env          USER=mlpack

"#]]);
}
