//! `mlpack lock`: what it writes, and when the file is used.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use snapbox::str;

use crate::kit::{self, Answer, TestContext, base, eq};
use crate::need;

/// Arguments of `lock` for a context's project.
pub(crate) fn lock(project: &[String], more: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = project.to_vec();
    args[0] = "lock".to_owned();
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

pub(crate) fn package(project: &[String], more: &[&str]) -> Vec<String> {
    let more = more.iter().chain(&["--output", "oci:out"]);
    project.iter().cloned().chain(more.map(|arg| (*arg).to_owned())).collect()
}

/// The lines of progress that are about the lock file.
fn told(answer: &Answer) -> Vec<String> {
    let about = |line: &&str| line.starts_with("mlpack.lock");
    answer.stderr.lines().filter(about).map(str::to_owned).collect()
}

/// Runs with progress.
fn loud(context: &TestContext, args: &[String]) -> Answer {
    context.answer(context.command(args), "")
}

pub(crate) fn pip(context: &TestContext, lines: &[&str]) {
    let lines: String = lines.iter().map(|line| format!("    - {line}\n")).collect();
    context.write("environment.yml", format!("name: sums\ndependencies:\n  - pip:\n{lines}"));
}

pub(crate) fn read(context: &TestContext) -> String {
    fs::read_to_string(context.path("mlpack.lock")).unwrap()
}

/// `name version` of the locked packages.
pub(crate) fn versions(context: &TestContext) -> Vec<String> {
    let answer = context.mlpack(&["env", "list", ".", "--format", "json"]).json();
    let packages = answer["packages"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    packages.map(|one| format!("{} {}", text(&one["name"]), text(&one["version"]))).collect()
}

#[test]
fn a_lock_is_the_same_on_every_machine() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.mlpack(&lock(&project, &[])).is(str![[r#"
mlpack.lock written: 1 package

"#]]);
    let text = read(&context);
    context.normalized(&text).is(snapbox::file!["golden/lock.txt"]);
    assert!(!text.contains(context.root().to_str().unwrap()), "{text}");
    let other = need!(TestContext::offline());
    other.mlpack(&lock(&other.project(&base), &["--lock", "mlpack.lock"])).ok();
    assert_eq!(read(&other), text);
    context.mlpack(&lock(&project, &[])).is(str![[r#"
mlpack.lock is up to date

"#]]);
    assert_eq!(read(&context), text);
    // A conda file is enough, and `--lock` sets the path of the lock file.
    let args = ["lock", "--cf", "environment.yml", "--bi", &base, "--policy", "current"];
    let more = ["--lock", "locks/own.lock", "--format", "json"];
    let answer = other.mlpack(&[&args[..], &more[..]].concat()).json();
    let expected = serde_json::json!(
        { "lock": "locks/own.lock", "state": "written", "packages": 1, "changes": [] }
    );
    assert_eq!(answer, expected);
    assert_eq!(fs::read_to_string(other.path("locks/own.lock")).unwrap(), text);
    // What cannot be installed is found before anything is downloaded, all of it.
    let conda =
        "channels: [file:///nowhere]\ndependencies: [python=3.11, vc=14, {pip: [pywin32==227]}]\n";
    other.write("environment.yml", conda);
    other.mlpack(&args).is(str![[r#"
--- stderr
error[deps.conda-lines]: [TEMP]/work/environment.yml:2: `vc=14` does not exist for Linux
  hint: remove the line; `conda env export --from-history` writes files without such lines
error[deps.other-platform]: [TEMP]/work/environment.yml:2: `pywin32==227` is for Windows alone: there is nothing for Linux
  hint: remove the line
error: the project has 2 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn a_locked_build_sends_no_requests() {
    let base = base("debian12-py311");
    let mut context = need!(TestContext::offline()).own_cache();
    let project = context.project(&base);
    let digest = context.mlpack(&package(&project, &[])).digest();
    context.mlpack(&lock(&project, &[])).ok();
    // No resolver and no index from here on; the layers are written again from the cached wheels.
    context.set("MLPACK_UV", "/nonexistent");
    context.set("UV_NO_INDEX", "");
    context.set("UV_FIND_LINKS", "");
    context.set("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
    context.set("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple");
    fs::remove_dir_all(context.root().join("cache/layers")).unwrap();
    let answer = loud(&context, &package(&project, &["--locked"]));
    assert_eq!(answer.digest(), digest);
    assert_eq!(
        told(&answer),
        [
            "mlpack.lock: it was made with no index, the current indexes are http://127.0.0.1:9/simple; every file is verified by its hash, wherever it comes from",
            "mlpack.lock is up to date; using its 1 package",
        ]
    );
    context.mlpack(&package(&project, &["--no-lock"])).is(str![[r#"
--- stderr
error: cannot use /nonexistent as uv: No such file or directory (os error 2)
hint: name another executable with MLPACK_UV
--- exit code 1

"#]]);
    // Killed, as the system does where memory is short.
    context
        .write("uv", "#!/bin/sh\ncase $1 in --version) echo uv 0.13.9 ;; *) kill -9 $$ ;; esac\n");
    let uv = context.path("uv");
    fs::set_permissions(&uv, fs::Permissions::from_mode(0o755)).unwrap();
    context.set("MLPACK_UV", &uv);
    context.mlpack(&package(&project, &["--no-lock"])).is(str![[r#"
--- stderr
error: [TEMP]/work/uv ended without a message (signal: 9 (SIGKILL))
hint: see whether the machine had enough memory for it and its threads (`ulimit -u`), and run the command again
--- exit code 1

"#]]);
    context.mlpack(&lock(&project, &["--check"])).is(str![[r#"
mlpack.lock is up to date

"#]]);
}

#[test]
fn a_remote_requirements_file_is_read_only_once() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    let (host, seen) = kit::answering(|_| {
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\ncore==1.0\n".to_owned()
    });
    pip(&context, &[&format!("-r http://me:secret@{host}/list.txt")]);
    context.mlpack(&lock(&project, &[])).ok();
    assert_eq!(versions(&context), ["core 1.0"]);
    assert!(!read(&context).contains("secret"), "{}", read(&context));
    let asked = seen.lock().unwrap().len();
    assert!(asked > 0);
    context.mlpack(&lock(&project, &["--check"])).ok();
    context.mlpack(&package(&project, &["--locked"])).digest();
    assert_eq!(seen.lock().unwrap().len(), asked);
    context.mlpack(&lock(&project, &["--update"])).ok();
    assert!(seen.lock().unwrap().len() > asked);
}

#[test]
fn an_outdated_lock_is_not_overwritten() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.mlpack(&lock(&project, &[])).ok();
    let text = read(&context);
    pip(&context, &["core", "left"]);
    let answer = loud(&context, &package(&project, &[]));
    answer.ok();
    let reason = "in the pip list, `core`, `left` added and `core==1.0` removed";
    assert_eq!(
        told(&answer),
        [format!(
            "mlpack.lock is out of date: {reason}; re-resolving (other pins kept where possible). Run `mlpack lock` to update it"
        )]
    );
    assert_eq!(read(&context), text);
    context.mlpack(&package(&project, &["--locked"])).is(str![[r#"
--- stderr
error: mlpack.lock is out of date: in the pip list, `core`, `left` added and `core==1.0` removed
hint: run `mlpack lock` with the same arguments to update it
--- exit code 3

"#]]);
    context.mlpack(&lock(&project, &["--check"])).is(str![[r#"
--- stderr
error: mlpack.lock is out of date: in the pip list, `core`, `left` added and `core==1.0` removed
hint: run `mlpack lock` with the same arguments to update it
--- exit code 3

"#]]);
    fs::remove_file(context.path("mlpack.lock")).unwrap();
    context.mlpack(&package(&project, &["--locked"])).is(str![[r#"
--- stderr
error: there is no mlpack.lock
hint: run `mlpack lock` with the same arguments to create it
--- exit code 3

"#]]);
    context.mlpack(&lock(&project, &["--check"])).is(str![[r#"
--- stderr
error: there is no mlpack.lock
hint: run `mlpack lock` with the same arguments to create it
--- exit code 3

"#]]);
}

#[test]
fn every_changed_input_is_named() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.write("list.txt", "core==1.0\n");
    pip(&context, &["-r list.txt"]);
    context.mlpack(&lock(&project, &[])).ok();
    let text = read(&context);
    let differs = |more: &[&str]| {
        let answer = context.mlpack(&lock(&project, &[&["--check"], more].concat()));
        let first = answer.stderr.lines().next().unwrap().to_owned();
        first.trim_start_matches("error: mlpack.lock is out of date: ").to_owned()
    };
    context.write("list.txt", "core==2.0\n");
    assert_eq!(differs(&[]), "list.txt changed");
    context.write("list.txt", "core==1.0\n");
    let day = "--exclude-newer is 2030-01-01, was not given";
    assert_eq!(differs(&["--exclude-newer", "2030-01-01"]), day);
    assert_eq!(
        differs(&["--environment", "new"]),
        "the environment gets a new interpreter, not the base's"
    );
    let target = text.lines().skip_while(|line| *line != "[target]");
    let facts: Vec<_> = target.skip(1).take_while(|line| !line.is_empty()).collect();
    let [python, interpreter, _, _, glibc] = facts[..] else { panic!("{facts:?}") };
    let found = |line: &str| line.split('"').nth(1).unwrap().to_owned();
    for (line, other, what) in [
        (python, "3.11.1", "the base's Python"),
        (interpreter, "/opt/python", "the base's interpreter"),
        (glibc, "2.17", "the base's glibc"),
    ] {
        let found = found(line);
        context.write("mlpack.lock", text.replace(line, &line.replace(&found, other)));
        assert_eq!(differs(&[]), format!("{what} is {found}, was {other}"));
    }
}

#[test]
fn a_base_with_the_same_facts_keeps_the_lock_valid() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    let digest = context.mlpack(&package(&project, &[])).digest();
    context.mlpack(&lock(&project, &[])).ok();
    let text = read(&context);
    let line = text.lines().find(|line| line.starts_with("digest = ")).unwrap();
    let other = format!("digest = \"sha256:{}\"", "0".repeat(64));
    context.write("mlpack.lock", text.replace(line, &other));
    let answer = loud(&context, &package(&project, &["--locked"]));
    assert_eq!(answer.digest(), digest);
    let short = &line["digest = \"sha256:".len()..][..12];
    assert_eq!(
        told(&answer)[0],
        format!(
            "mlpack.lock: the base is {short} now, 000000000000 when it was locked; Python, glibc and architecture are the same"
        )
    );
    // No package is resolved; only the digest of the base is updated.
    context.mlpack(&lock(&project, &[])).is(str![[r#"
mlpack.lock written: 1 package
CHANGE   NAME  KIND  BEFORE        AFTER
changed  base  -     000000000000  4e405fd3a9c7

"#]]);
    assert_eq!(read(&context), text);
}

#[test]
fn a_damaged_lock_is_reported_by_line_and_key() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.mlpack(&lock(&project, &[])).ok();
    let text = read(&context);
    let core = text.find("[[pip]]\nname = \"core\"").unwrap();
    let block = &text[core..];
    let mut said = String::new();
    for (name, damaged) in [
        ("merge", text.replacen("[base]", "<<<<<<< ours\n[base]", 1)),
        ("newer", text.replace("format = 1", "format = 2")),
        ("no format", text.replace("format = 1", "")),
        ("hash", text.replacen("sha256 = \"", "sha256 = \"x", 1)),
        ("unknown key", text.replace("[base]", "[base]\ntag = \"v1\"")),
        ("missing key", text.replace("version = \"1.0\"\n", "")),
        ("wrong type", text.replace("version = \"1.0\"", "version = 1.0")),
        ("twice", format!("{text}\n{block}")),
        ("another server", format!("server = \"azureml-inference-server-http==1.5.0\"\n{text}")),
        ("unknown server", text.replace("server = \"builtin\"", "server = \"gunicorn\"")),
        ("glibc", text.replace("glibc = \"", "glibc = \"x")),
        ("file", text.replace("file = \"core", "file = \"../core")),
        ("empty", String::new()),
    ] {
        context.write("mlpack.lock", &damaged);
        let answer = context.mlpack(&package(&project, &[]));
        assert_eq!(answer.code, 1, "{name}: {answer:?}");
        let first = answer.text().lines().skip(1).take(2).collect::<Vec<_>>().join("\n");
        said.push_str(&format!("{name}\n{first}\n"));
    }
    eq(&said, snapbox::file!["golden/lock-damaged.txt"]);
    // It can always be written again, and be ignored.
    context.mlpack(&package(&project, &["--no-lock"])).ok();
    context.mlpack(&lock(&project, &["--update"])).ok();
    assert_eq!(read(&context), text);
}
