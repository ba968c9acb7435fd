//! `mlpack check` on a project, `mlpack base check`, and how verbs and images may be named.

use std::fs;

use snapbox::str;

use crate::kit::{TestContext, base};
use crate::need;

/// The arguments that check the small project on a base.
fn check(context: &TestContext, base: &str) -> Vec<String> {
    let mut args = context.project(base);
    args[0] = "check".to_owned();
    args
}

#[test]
fn check_of_a_good_project_finds_nothing() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let args = check(&context, &base);
    context.mlpack(&args).is(str![[r#"
0 errors, 0 warnings

"#]]);
    let answer = context.mlpack(&[&args[..], &["--format".to_owned(), "json".to_owned()]].concat());
    answer.is(str![[r#"
{
  "findings": [],
  "passed": true
}

"#]]);
}

#[test]
fn check_prints_findings_and_exits_with_3() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let args = check(&context, &base);
    context.write("score.py", "def init():\n    pass\n");
    context.mlpack(&args).is(str![[r#"
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
1 error, 0 warnings
--- stderr
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn check_finds_the_errors_of_all_stages_in_one_run() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let mut args = check(&context, &base);
    // An error of the project, one of its extra Dockerfile lines, one of its packages, and warnings.
    context.write("score.py", "import cv2\n\n\ndef init():\n    pass\n");
    context.write("steps", "RUN make\n");
    context.write(
        "environment.yml",
        "dependencies:\n  - python=3.11\n  - pip:\n    - core\n    - core\n",
    );
    args.extend(["--extra-docker-file-steps", "steps", "--sarif", "out.sarif"].map(str::to_owned));
    context.mlpack(&args).is(str![[r#"
warning[script.imports]: [TEMP]/work/score.py:1: `import cv2`: no package of the environment has `cv2`
  hint: add opencv-python-headless to the pip list
error[docker.steps]: [TEMP]/work/steps:1: RUN is not supported: mlpack runs no program and builds no other image
  hint: add Python packages to the conda file; for system packages build a base image and set baseImage to it
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
2 errors, 1 warning
--- stderr
error: the project has 2 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    let log = fs::read_to_string(context.path("out.sarif")).unwrap();
    context.normalized(&log).is(str![[r#"
{
  "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "mlpack",
          "version": "0.1.0",
          "rules": [
            {
              "id": "docker.steps"
            },
            {
              "id": "script.imports"
            },
            {
              "id": "script.init-run"
            }
          ]
        }
      },
      "results": [
        {
          "ruleId": "script.imports",
          "level": "warning",
          "message": {
            "text": "`import cv2`: no package of the environment has `cv2`\nhint: add opencv-python-headless to the pip list"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "score.py"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ]
        },
        {
          "ruleId": "docker.steps",
          "level": "error",
          "message": {
            "text": "RUN is not supported: mlpack runs no program and builds no other image\nhint: add Python packages to the conda file; for system packages build a base image and set baseImage to it"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "steps"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ]
        },
        {
          "ruleId": "script.init-run",
          "level": "error",
          "message": {
            "text": "the entry script has no function `run` at its top level\nhint: add `def run(data):` that returns the prediction"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "score.py"
                }
              }
            }
          ]
        }
      ]
    }
  ]
}
"#]]);
    // What cannot be checked is said beside what was.
    context.write("environment.yml", "dependencies:\n  - pip:\n    - no-such-package\n");
    context.mlpack(&args).is(str![[r#"
error[docker.steps]: [TEMP]/work/steps:1: RUN is not supported: mlpack runs no program and builds no other image
  hint: add Python packages to the conda file; for system packages build a base image and set baseImage to it
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
2 errors, 0 warnings
--- stderr
warning: other checks could not run: the pip list is unsatisfiable for cpython-3.11.9-linux-amd64-glibc2.36
this line cannot be met:
  [TEMP]/work/environment.yml:3: no-such-package
Because no-such-package was not found in the provided package locations and you require no-such-package, we can conclude that your requirements are unsatisfiable.
error: the project has 2 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn check_of_a_project_without_an_entry_script_is_wrong_usage() {
    TestContext::bare().mlpack(&["check"]).is(str![[r#"
--- stderr
error: `entryScript` is missing
hint: give --entry-script, or a configuration with `entryScript`
--- exit code 2

"#]]);
}

#[test]
fn base_check_and_its_old_form_print_the_same() {
    let base = base("debian12-py311");
    let context = TestContext::bare();
    let new = context.mlpack(&["base", "check", &base, "--policy", "current"]);
    let old = context.mlpack(&["check", &base, "--policy", "current"]);
    assert_eq!((new.code, new.stderr.as_str()), (0, ""));
    assert_eq!((old.code, &old.stdout), (0, &new.stdout));
    assert_eq!(
        old.stderr,
        format!("warning: `mlpack check {base}` is now `mlpack base check {base}`\n")
    );
}

#[test]
fn base_list_is_bases() {
    let context = TestContext::bare();
    assert_eq!(context.mlpack(&["base", "list"]).ok(), context.mlpack(&["bases"]).ok());
}

#[test]
fn a_refused_base_names_the_policy_that_accepts_it() {
    let base = base("debian12-py311");
    let answer = TestContext::bare().mlpack(&["base", "check", &base]);
    assert_eq!(answer.code, 3);
    let hint = answer.stderr.lines().last().unwrap();
    assert_eq!(hint, "hint: this base image meets the policy `current`: pass `--policy current`");
}

#[test]
fn a_layout_and_archives_need_no_prefix() {
    let base = base("debian12-py311");
    let context = TestContext::bare();
    let image = |args: &[&str]| -> serde_json::Value {
        context.mlpack(&[&["inspect", "--format", "json"], args].concat()).json()
    };
    let expected = image(&[&base]);
    for (name, prefix) in
        [("layout", "oci"), ("oci.tar", "oci-archive"), ("docker.tar", "docker-archive")]
    {
        context.mlpack(&["copy", &base, &format!("{prefix}:{name}")]).ok();
        let found = image(&[name]);
        assert_eq!(found["imageId"], expected["imageId"], "{name}");
        assert_eq!(found, image(&[&format!("{prefix}:{name}")]), "{name}");
    }
    // What is neither is the name of an image in a registry, or no name at all.
    fs::write(context.path("data"), "text").unwrap();
    let answer = context.mlpack(&["inspect", "data:"]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
}

#[test]
fn a_base_and_an_output_may_be_layouts_without_a_prefix() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let mut args = context.project(base.trim_start_matches("oci:"));
    args.extend(["--output", "oci:out"].map(str::to_owned));
    let digest = context.mlpack(&args).digest();
    *args.last_mut().unwrap() = context.path("out").display().to_string();
    assert_eq!(context.mlpack(&args).digest(), digest);
}

#[test]
fn mlpack_alone_prints_the_help() {
    let context = TestContext::bare();
    let alone = context.answer(context.command::<&str>(&[]), "");
    assert_eq!(alone.ok(), context.mlpack(&["-h"]).ok());
}

#[test]
fn a_usage_line_names_the_options_of_its_verb() {
    let mut context = TestContext::bare();
    context.set("MLPACK_POLICY", "current");
    context.mlpack(&["package", "-m", "model.bin"]).is(str![[r#"
--- stderr
error: the following required arguments were not provided:
  --output <IMAGE>

Usage: mlpack package [OPTIONS] --output <IMAGE>

For more information, try '--help'.
--- exit code 2

"#]]);
}

#[test]
fn registry_options_belong_to_verbs_that_use_registries() {
    let context = TestContext::bare();
    for (verb, uses) in [("package", true), ("pull", true), ("init", false), ("completions", false)]
    {
        let answer = context.mlpack(&[verb, "--help"]);
        assert_eq!(answer.ok().contains("Registry options"), uses, "{verb}");
    }
}

/// Only what needs no decision is changed; the file keeps its comments, line ends and permissions.
#[test]
fn check_fix_changes_lines_and_checks_again() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let args = check(&context, &base);
    let lines = "channels: [file:///nowhere]\r\ndependencies: # exported\r\n- vs2015_runtime=14=h_1\r\n- python=3.11=h9_0\r\n";
    context.write("environment.yml", lines);
    let script = "import os\ndef init():\n    os.getenv('AZUREML_MODEL_DIR').split('/')[1]\n";
    context.write("score.py", script);
    let with = |flag: &str| [&args[..], &[flag.to_owned()]].concat();
    context.mlpack(&with("--diff")).is(str![[r#"
--- environment.yml
+++ environment.yml
@@ -3 +2,0 @@
-- vs2015_runtime=14=h_1
@@ -4 +3 @@
-- python=3.11=h9_0
+- python=3.11
--- score.py
+++ score.py
@@ -3 +3 @@
-    os.getenv('AZUREML_MODEL_DIR').split('/')[1]
+    os.getenv('AZUREML_MODEL_DIR').split('/')[-2]

"#]]);
    assert_eq!(fs::read_to_string(context.path("environment.yml")).unwrap(), lines);
    // A file that cannot be read is no file without a change.
    context.write("environment.yml", "dependencies: [\n");
    assert!(context.mlpack(&with("--diff")).text().contains("environment.yml:"));
    context.write("environment.yml", lines);
    context.mlpack(&with("--fix")).is(str![[r#"
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
1 error, 0 warnings
--- stderr
--- environment.yml
+++ environment.yml
@@ -3 +2,0 @@
-- vs2015_runtime=14=h_1
@@ -4 +3 @@
-- python=3.11=h9_0
+- python=3.11
--- score.py
+++ score.py
@@ -3 +3 @@
-    os.getenv('AZUREML_MODEL_DIR').split('/')[1]
+    os.getenv('AZUREML_MODEL_DIR').split('/')[-2]
changed 3 lines
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    assert_eq!(
        fs::read_to_string(context.path("environment.yml")).unwrap(),
        "channels: [file:///nowhere]\r\ndependencies: # exported\r\n- python=3.11\r\n"
    );
}
