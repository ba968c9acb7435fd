//! `mlpack check` of projects whose conda file cannot be read.

use std::fs;

use snapbox::str;

use crate::kit::{TestContext, base};
use crate::need;

#[test]
fn all_faults_are_found_in_one_run_and_the_certain_ones_corrected() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    context.write("score.py", "def init():\n    pass\n\n\ndef score(data):\n    return data\n");
    let conda = "chanels: [file:///nowhere]\ndependencies:\n- python=3.11\n- scipy==\n- pip:\n  - scikit-learn=0.22\n  - pandas=>1\n  - azureml core\n  - numpy-\n";
    context.write("environment.yml", conda);
    let args = ["check", "--es", "score.py", "--cf", "environment.yml", "--bi", &base];
    let args = [&args[..], &["--policy", "current"]].concat();
    context.mlpack(&args).is(str![[r#"
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
error[conda.syntax]: [TEMP]/work/environment.yml:1: unknown key `chanels`
  hint: did you mean `channels`?
error[conda.syntax]: [TEMP]/work/environment.yml:4: invalid conda package `scipy==`: a version is missing after `==`
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:6: invalid pip requirement `scikit-learn=0.22`: pip pins with `==`; a single `=` is conda's way
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:7: invalid pip requirement `pandas=>1`: no such comparison operator "=>", must be one of ~= == != <= >= < > ===
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:8: invalid pip requirement `azureml core`: Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `c`
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:9: invalid pip requirement `numpy-`: Package name must end with an alphanumeric character, not '-'
  hint: correct the line
7 errors, 0 warnings
--- stderr
error: the project has 7 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    let with = |flag| [&args[..], &[flag]].concat();
    context.mlpack(&with("--diff")).is(str![[r#"
--- environment.yml
+++ environment.yml
@@ -1 +1 @@
-chanels: [file:///nowhere]
+channels: [file:///nowhere]
@@ -6 +6 @@
-  - scikit-learn=0.22
+  - scikit-learn==0.22
@@ -7 +7 @@
-  - pandas=>1
+  - pandas>=1
--- stderr
error[conda.syntax]: [TEMP]/work/environment.yml:4: invalid conda package `scipy==`: a version is missing after `==`
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:8: invalid pip requirement `azureml core`: Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `c`
  hint: correct the line
error[conda.syntax]: [TEMP]/work/environment.yml:9: invalid pip requirement `numpy-`: Package name must end with an alphanumeric character, not '-'
  hint: correct the line
error: the project has 7 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
    assert_eq!(fs::read_to_string(context.path("environment.yml")).unwrap(), conda);
    let left = context.mlpack(&with("--fix"));
    assert!(left.stdout.ends_with("4 errors, 0 warnings\n"), "{}", left.stdout);
    let mended = fs::read_to_string(context.path("environment.yml")).unwrap();
    let meant = [("chanels", "channels"), ("learn=", "learn=="), ("=>", ">=")];
    let meant = meant.iter().fold(conda.to_owned(), |text, (slip, to)| text.replace(slip, to));
    assert_eq!(mended, meant);
    // One slip ends the parser: the next run finds what is behind it.
    context.write("environment.yml", "dependencies:\n- python=3.11\n-numpy\n- scipy==\n");
    let next = context.mlpack(&with("--fix"));
    assert!(next.stdout.contains("environment.yml:4: invalid conda package"), "{}", next.stdout);
}
