//! Inputs that are too large or too deep: refused before they take time, memory or the stack.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::bad_inputs::{context_and_project, refused};
use crate::kit::{TestContext, base};
use crate::need;

/// Packaging is refused with a message in little time.
#[track_caller]
fn refuses(context: &TestContext, args: &[String], message: &str) {
    let begun = Instant::now();
    let answer = refused(context, args);
    // Without a limit each takes minutes, gigabytes or the process.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(answer.stderr.contains(message), "{}", answer.stderr);
    let longest = answer.stderr.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 5000, "a line of {longest} bytes");
}

#[test]
fn lists_of_packages() {
    let (context, args) = need!(context_and_project());
    let list = |lines: &str| {
        context.write("environment.yml", format!("dependencies:\n  - python\n{lines}"));
    };
    let nested = "(".repeat(20_000);
    list(&format!("  - pip:\n    - core; {nested}python_version > '3'\n"));
    refuses(
        &context,
        &args,
        "it has 20000 brackets inside of one another, and at most 100 are read",
    );
    list(&format!("  - core {nested}\n"));
    refuses(&context, &args, "it has 20000 brackets inside of one another");
    list("  - pip:\n    - -r /dev/zero\n");
    refuses(&context, &args, "cannot read /dev/zero: it is not a regular file");
    // Ten lists that name each other ten times: ten to the tenth lines.
    list("  - pip:\n    - -r 0.txt\n");
    for number in 0..9 {
        context.write(&format!("{number}.txt"), format!("-r {}.txt\n", number + 1).repeat(10));
    }
    context.write("9.txt", "no-such-package-anywhere\n");
    refuses(&context, &args, "no-such-package-anywhere");
}

#[test]
fn documents_and_scripts() {
    let (context, args) = need!(context_and_project());
    let mut text = format!("name: &a \"{}\"\ndependencies:\n", "x".repeat(1 << 20));
    (0..15_000).for_each(|_| text.push_str("  - *a\n"));
    context.write("environment.yml", text);
    refuses(&context, &args, "the file is too large with what its aliases repeat");
    context.write("environment.yml", "dependencies:\n  - pip:\n    - core==1.0\n");

    let script = "def init():\n    pass\n\n\ndef run(data):\n    return data\n\n\nx = ";
    context.write("score.py", format!("{script}1{}\n", "+1".repeat(31_000)));
    refuses(&context, &args, "score.py:9: column 10004: an expression of more than 5000 operators");
    context.write("score.py", format!("{script}{}\n", "(".repeat(100_000)));
    refuses(&context, &args, "score.py:9: column 205: too many nested parentheses");
    context.write("score.py", format!("{script}{}1\n", "- ".repeat(4900)));
    context.mlpack(&args).ok();
}

#[test]
fn variables_of_dockerfile_steps() {
    let (context, args) = need!(context_and_project());
    let mut steps = format!("ENV A0={}\n", "a".repeat(1000));
    for number in 1..40 {
        let before = number - 1;
        writeln!(steps, "ENV A{number}=\"$A{before}$A{before}$A{before}$A{before}\"").unwrap();
    }
    context.write("steps", steps);
    context.write(
        "inferenceconfig.json",
        r#"{"entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml", "extraDockerfileSteps": "steps"}"#,
    );
    refuses(&context, &args, "a value of more than 131072 bytes, which no process can be given");
}

/// What a package of a channel depends on is read by a parser that calls itself for each parenthesis.
#[test]
fn what_a_channel_says_of_its_packages_does_not_end_the_process() {
    let context = TestContext::bare().own_cache();
    let depends = format!("missing {}>=1{}", "(".repeat(20_000), ")".repeat(20_000));
    let package = |name: &str, depends: &[String]| {
        serde_json::json!({
            "name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": depends,
            "md5": "0".repeat(32), "sha256": "0".repeat(64), "size": 10, "subdir": "noarch",
            "noarch": "generic",
        })
    };
    let packages = serde_json::json!({
        "deep-1.0-0.tar.bz2": package("deep", &[depends]),
        "python-1.0-0.tar.bz2": package("python", &[]),
    });
    for (subdir, packages) in [("noarch", packages), ("linux-64", serde_json::json!({}))] {
        let repodata = serde_json::json!({
            "info": { "subdir": subdir }, "packages": packages, "packages.conda": {},
        });
        context.write(&format!("channel/{subdir}/repodata.json"), repodata.to_string());
    }
    let channel = context.path("channel").display().to_string();
    let lines = format!("channels:\n- file://{channel}\n- nodefaults\ndependencies:\n- deep\n");
    context.write("env.yml", lines);
    context.write("score.py", "def init(): pass\ndef run(data): return data\n");
    let base = base("debian12-py311");
    let args = ["lock", "--es", "score.py", "--cf", "env.yml", "--bi", &base];
    let answer = context.mlpack(&[&args[..], &["--policy", "current"]].concat());
    assert!(answer.stderr.contains("no channel has a package missing"), "{}", answer.stderr);
    assert_eq!(answer.code, 1);
}
