//! Conda files and pip lists that cannot be used: each is reported, and nothing is written.

use snapbox::str;

use super::bad_inputs::{arguments, context_and_project, refused};
use crate::kit::{TestContext, base};
use crate::need;

#[test]
fn a_package_that_does_not_exist() {
    let (context, args) = need!(context_and_project());
    context.write(
        "environment.yml",
        "dependencies:\n  - pip:\n    - core\n    - no-such-thing-at-all\n",
    );
    refused(&context, &args).is(str![[r#"
--- stderr
error: the pip list is unsatisfiable for cpython-3.11.9-linux-amd64-glibc2.36
this line cannot be met:
  [TEMP]/work/environment.yml:4: no-such-thing-at-all
Because no-such-thing-at-all was not found in the provided package locations and you require no-such-thing-at-all, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set satisfies all
--- exit code 1

"#]]);
}

#[test]
fn a_package_that_pypi_does_not_have() {
    let base = base("debian12-py311");
    let context = need!(TestContext::online());
    let args = arguments(&context, &base);
    context
        .write("environment.yml", "dependencies:\n  - pip:\n    - mlpack-no-such-package-at-all\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml:3: there is no package `mlpack-no-such-package-at-all` in the index
hint: check the spelling in the `pip:` list, or add the index that has it
--- exit code 1

"#]]);
}

#[test]
fn packages_that_contradict_each_other() {
    let (context, args) = need!(context_and_project());
    context.write("environment.yml", "dependencies:\n  - pip:\n    - left\n    - right\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: the pip list is unsatisfiable for cpython-3.11.9-linux-amd64-glibc2.36
these two lines cannot both be met:
  [TEMP]/work/environment.yml:3: left
  [TEMP]/work/environment.yml:4: right
Because all versions of right depend on core>=2 and all versions of left depend on core<2, we can conclude that all versions of left and all versions of right are incompatible.
And because you require left and right, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set satisfies all
--- exit code 1

"#]]);
}

#[test]
fn a_conda_file_that_asks_for_another_python() {
    let (context, mut args) = need!(context_and_project());
    args.extend(["--environment".to_owned(), "base".to_owned()]);
    context.write("environment.yml", "dependencies:\n  - python=3.9\n  - pip:\n    - core\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml requires `python=3.9`, but the base image has Python 3.11.9 at /usr/local/bin/python3.11
hint: use a base image whose Python matches `python=3.9`, write `python=3.11.9` into the conda file, or use a new interpreter with `--environment new`
--- exit code 1

"#]]);
    context.write("environment.yml", "dependencies:\n  - numpy=1.16\n  - pip:\n    - core\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml lists conda packages, which cannot be installed into the base's Python: numpy
hint: omit `--environment base`, or list them under `pip:` if PyPI has them
--- exit code 1

"#]]);
}

#[test]
fn a_conda_file_that_is_written_wrong() {
    let (context, args) = need!(context_and_project());
    context.write("environment.yml", "dependencies:\n  - python\n\t- pip\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml:3:1: a tab is used to indent
hint: indent with spaces; YAML does not allow tabs there
--- exit code 1

"#]]);
    context.write("environment.yml", "dependencies:\n  - python\npip:\n  - core\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml:3:1: `pip:` must be nested under `dependencies:`
hint: write it as
  dependencies:
    - python=3.6.2
    - pip:
      - azureml-defaults
--- exit code 1

"#]]);
    context.write("environment.yml", "dependencies:\n  - pip:\n  - core\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml:2:5: `pip` must be a list of lines, indented below `- pip:`, found nothing
hint: write it as
  dependencies:
    - python=3.6.2
    - pip:
      - azureml-defaults
--- exit code 1

"#]]);
}
