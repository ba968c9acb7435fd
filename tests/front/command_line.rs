//! Arguments, completions, exit codes.

use snapbox::str;

use crate::kit::TestContext;

#[test]
fn the_verbs_are_listed() {
    TestContext::bare().mlpack(&["-h"]).is(snapbox::file!["golden/help.txt"]);
}

#[test]
fn every_verb_has_a_help_with_an_example_or_its_options() {
    let context = TestContext::bare();
    for verb in [
        "init",
        "quickstart",
        "package",
        "lock",
        "env",
        "env list",
        "env diff",
        "check",
        "serve",
        "inspect",
        "bases",
        "deploy",
        "model register",
        "model list",
        "model show",
        "model update",
        "model download",
        "model delete",
        "model deploy",
        "workspace create",
        "workspace show",
        "workspace gc",
        "service",
        "service list",
        "service show",
        "service get-logs",
        "service run",
        "service delete",
        "push",
        "pull",
        "copy",
        "login",
        "logout",
        "completions",
    ] {
        let args: Vec<_> = verb.split(' ').chain(["--help"]).collect();
        let answer = context.mlpack(&args);
        assert!(answer.ok().contains(&format!("Usage: mlpack {verb}")), "{}", answer.stdout);
    }
}

#[test]
fn long_options_take_one_dash_too() {
    let context = TestContext::bare();
    let args = ["model", "deploy", "-n", "old-style", "-ic", "i.json", "-dc", "d.json"];
    context.mlpack(&args).is(str![[r#"
--- stderr
error: cannot read [TEMP]/work/d.json: No such file or directory (os error 2)
--- exit code 1

"#]]);
    let args = ["model", "deploy", "-n", "old-style", "-ic", "i.json", "-ct", "cluster"];
    context.mlpack(&args).is(str![[r#"
--- stderr
error: deploying to compute target `cluster` is not supported yet
hint: use compute type `local` without a compute target, or push the image with `--output REGISTRY/REPOSITORY:TAG` and deploy it with that service's own tools
--- exit code 2

"#]]);
}

#[test]
fn completions_exist_for_every_shell() {
    let context = TestContext::bare();
    for (shell, sign) in [
        ("bash", "complete -F _mlpack"),
        ("elvish", "set edit:completion:arg-completer[mlpack]"),
        ("fish", "complete -c mlpack"),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef mlpack"),
    ] {
        let answer = context.mlpack(&["completions", shell]);
        assert!(answer.ok().contains(sign), "{shell}");
        assert!(answer.stdout.contains("quickstart"), "{shell}");
    }
    let script = context.mlpack(&["completions", "bash"]).stdout;
    context.write("mlpack.bash", script);
    context.answer(context.program("bash", &["-n", "mlpack.bash"]), "").ok();
}

#[test]
fn wrong_usage_exits_with_2() {
    let context = TestContext::bare();
    context.mlpack(&["packge"]).is(str![[r#"
--- stderr
error: unrecognized subcommand 'packge'

  tip: a similar subcommand exists: 'package'

Usage: mlpack [OPTIONS] <COMMAND>

For more information, try '--help'.
--- exit code 2

"#]]);
    context.mlpack(&["package", "-m", "model.bin"]).is(str![[r#"
--- stderr
error: the following required arguments were not provided:
  --output <IMAGE>

Usage: mlpack package [OPTIONS] --output <IMAGE>

For more information, try '--help'.
--- exit code 2

"#]]);
    context.mlpack(&["check", "oci:"]).is(str![[r#"
--- stderr
warning: `mlpack check oci:` is now `mlpack base check oci:`
error: `oci:` is not an image: a path is missing after the colon
--- exit code 2

"#]]);
    context.mlpack(&["package", "-m", "=model.bin", "--output", "oci:out"]).is(str![[r#"
--- stderr
error: `=model.bin` is not a model: the name `` must be at most 255 letters, digits, `-`, `.` and `_`, beginning with a letter or digit
hint: write NAME=PATH or NAME:VERSION=PATH, as in `digits:3=outputs/digits.onnx`
--- exit code 2

"#]]);
}

#[test]
fn errors_as_json() {
    let context = TestContext::bare();
    let answer = context.mlpack(&["inspect", "oci:nowhere", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(&answer.stderr).unwrap();
    assert_eq!((answer.code, &error["error"]["exitCode"]), (1, &1.into()), "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("nowhere"), "{error}");
    assert_eq!(answer.stdout, "");
}

#[test]
fn known_bases_and_policies_are_listed() {
    TestContext::bare().mlpack(&["bases"]).is(snapbox::file!["golden/bases.txt"]);
}
