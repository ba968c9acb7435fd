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
        "model package",
        "model profile",
        "model deploy",
        "workspace create",
        "workspace set-default",
        "workspace show",
        "workspace gc",
        "service",
        "service list",
        "service show",
        "service update",
        "service get-logs",
        "service run",
        "service delete",
        "push",
        "pull",
        "copy",
        "login",
        "logout",
        "completions",
        "man",
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
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1

"#]]);
}

#[test]
fn completions_exist_for_every_shell() {
    let context = TestContext::bare();
    for (shell, sign) in [
        ("bash", "complete -o nospace -o bashdefault"),
        ("elvish", "set edit:completion:arg-completer[mlpack]"),
        ("fish", "complete --keep-order --exclusive --command mlpack"),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef mlpack"),
    ] {
        let answer = context.mlpack(&["completions", shell]);
        assert!(answer.ok().contains(sign), "{shell}: {}", answer.stdout);
        assert!(answer.stdout.contains("MLPACK_COMPLETE"), "{shell}");
    }
    let script = context.mlpack(&["completions", "bash"]).stdout;
    context.write("mlpack.bash", script);
    context.answer(context.program("bash", &["-n", "mlpack.bash"]), "").ok();
}

#[test]
fn completions_know_options_and_registered_models() {
    let mut context = TestContext::bare();
    context.write("m.pkl", "weights");
    for name in ["digits", "digits", "ridge"] {
        context.mlpack(&["model", "register", "-n", name, "-p", "m.pkl"]).ok();
    }
    context.mlpack(&["model", "update", "-i", "digits:1", "--alias", "best"]).ok();
    context.set("MLPACK_COMPLETE", "bash");
    context.set("_CLAP_IFS", "\n");
    let mut complete = |line: &str| {
        let words: Vec<&str> = ["--"].into_iter().chain(line.split(' ')).collect();
        context.set("_CLAP_COMPLETE_INDEX", (words.len() - 2).to_string());
        let answer = context.answer(context.command(&words), "");
        answer.ok().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("mlpack model show -i d"), ["digits:1", "digits:2", "digits@best"]);
    assert_eq!(complete("mlpack model deploy -m r"), ["ridge:1"]);
    assert_eq!(complete("mlpack package --model r"), ["ridge:1"]);
    assert_eq!(complete("mlpack model list -n "), ["digits", "ridge"]);
    assert_eq!(complete("mlpack model deploy --cpu"), ["--cpu-cores", "--cpu-cores-limit"]);
    assert_eq!(complete("mlpack quick"), ["quickstart"]);
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

#[test]
fn every_command_has_a_manual_page() {
    let context = TestContext::bare();
    let written = context.mlpack(&["man", "pages", "--format", "json"]).json();
    let names: Vec<&str> =
        written["pages"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in ["mlpack.1", "mlpack-package.1", "mlpack-model-deploy.1", "mlpack-service-update.1"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    let page = std::fs::read_to_string(context.path("pages/mlpack-model-deploy.1")).unwrap();
    for part in [".TH mlpack-model-deploy 1", "cpu\\-cores", "Examples:"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
