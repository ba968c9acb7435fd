//! `mlpack check`: facts with their evidence, verdicts, remedies.

use snapbox::{file, str};

use crate::kit::{TestContext, base};
use crate::need;

fn check(name: &str, policy: &str) -> Option<crate::kit::Answer> {
    let base = base(name)?;
    Some(TestContext::bare().mlpack(&["check", &base, "--policy", policy]))
}

#[test]
fn ubuntu_with_miniconda_satisfies_azureml_2019() {
    need!(check("ubuntu18-miniconda-py36", "azureml-2019")).is(file!["golden/check-ubuntu18.txt"]);
}

#[test]
fn debian_12_satisfies_current() {
    need!(check("debian12-py311", "current")).is(file!["golden/check-debian12.txt"]);
}

#[test]
fn debian_fails_azureml_2019() {
    need!(check("debian-py36", "azureml-2019")).is(str![[r#"
oci:[BASES]/debian-py36@sha256:[HEX]

FACT  VALUE  READ FROM
os  Debian GNU/Linux 11 (mlpack test material)  [SHORT] /usr/lib/os-release
architecture  amd64  [SHORT] config architecture
glibc  [GLIBC]  [SHORT] /usr/lib/x86_64-linux-gnu/libc.so.6
conda  4.6.14 at /opt/miniconda  [SHORT] /opt/miniconda/conda-meta/conda-4.6.14-py36_0.json
python  3.6.[PATCH] at /opt/miniconda/bin/python3.6, on PATH as /opt/miniconda/bin/python  [SHORT] /opt/miniconda/conda-meta/python-3.6.[PATCH]-h0371630_0.json
user  root (none set)  [SHORT] config User
entrypoint  /bin/bash  [SHORT] config Entrypoint and Cmd

policy azureml-2019
FAILED  os  found debian 11  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
os: Take a base made from Ubuntu 16.04 or newer. To use a Debian base, or one of today, check it with `--policy current` instead.
--- stderr
error: the base image does not meet the policy `azureml-2019`: os
hint: choose another base image, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn conda_4_3_fails_azureml_2019() {
    need!(check("ubuntu18-conda43", "azureml-2019")).is(str![[r#"
oci:[BASES]/ubuntu18-conda43@sha256:[HEX]

FACT  VALUE  READ FROM
os  Ubuntu 18.04 (mlpack test material)  [SHORT] /usr/lib/os-release
architecture  amd64  [SHORT] config architecture
glibc  [GLIBC]  [SHORT] /usr/lib/x86_64-linux-gnu/libc.so.6
conda  4.3.31 at /opt/miniconda  [SHORT] /opt/miniconda/conda-meta/conda-4.3.31-py36_0.json
python  3.6.[PATCH] at /opt/miniconda/bin/python3.6, on PATH as /opt/miniconda/bin/python  [SHORT] /opt/miniconda/conda-meta/python-3.6.[PATCH]-h0371630_0.json
user  root (none set)  [SHORT] config User
entrypoint  /bin/bash  [SHORT] config Entrypoint and Cmd

policy azureml-2019
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
FAILED  conda  found 4.3.31 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
conda: Take a base with Miniconda 4.5 or newer, or run `conda update -n base conda` where the base is built. A base without conda can pass `--policy current`.
--- stderr
error: the base image does not meet the policy `azureml-2019`: conda
hint: choose another base image, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn python_2_7_fails_azureml_2019() {
    need!(check("ubuntu18-py27", "azureml-2019")).is(str![[r#"
oci:[BASES]/ubuntu18-py27@sha256:[HEX]

FACT  VALUE  READ FROM
os  Ubuntu 18.04 (mlpack test material)  [SHORT] /usr/lib/os-release
architecture  amd64  [SHORT] config architecture
glibc  [GLIBC]  [SHORT] /usr/lib/x86_64-linux-gnu/libc.so.6
conda  4.6.14 at /opt/miniconda  [SHORT] /opt/miniconda/conda-meta/conda-4.6.14-py27_0.json
python  2.7.[PATCH] at /opt/miniconda/bin/python2.7, on PATH as /opt/miniconda/bin/python  [SHORT] /opt/miniconda/conda-meta/python-2.7.[PATCH]-h0371630_0.json
user  root (none set)  [SHORT] config User
entrypoint  /bin/bash  [SHORT] config Entrypoint and Cmd

policy azureml-2019
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
FAILED  python  found 2.7.[PATCH] at /opt/miniconda/bin/python2.7  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
python: Take a base whose `python` on PATH is 3.5 or 3.6. If your code needs a newer Python, check the base with `--policy current`.
--- stderr
error: the base image does not meet the policy `azureml-2019`: python
hint: choose another base image, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn facts_and_verdicts_as_json() {
    let base = need!(base("debian-py36"));
    let answer = TestContext::bare().mlpack(&["check", &base, "--format", "json"]);
    assert_eq!(answer.code, 3);
    answer.is(file!["golden/check-json.txt"]);
}

/// The facts come from the layers, each read once; afterwards from the cache, and they are the same.
#[test]
fn facts_are_cached_and_a_damaged_cache_is_ignored() {
    let base = need!(base("debian12-py311"));
    let context = TestContext::bare().own_cache();
    let args = ["check", &base, "--policy", "current"];
    let (first, second) = (context.mlpack(&args), context.mlpack(&args));
    assert_eq!(first.ok(), second.ok());
    // What was read wrongly or half is not trusted.
    for file in crate::kit::files(&context.root().join("cache")) {
        let path = file.rsplit_once(' ').unwrap().0;
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(first.ok(), context.mlpack(&args).ok());
}

#[test]
fn an_unknown_policy_is_reported() {
    let base = need!(base("debian12-py311"));
    TestContext::bare().mlpack(&["check", &base, "--policy", "azure"]).is(str![[r#"
--- stderr
error: there is no policy `azure`; known are azureml-2019, current
hint: name one with --policy; `mlpack bases` lists them
--- exit code 2

"#]]);
}
