//! `mlpack base check`: facts with their evidence, verdicts and hints.

use std::fs;

use snapbox::{file, str};

use crate::kit::{Answer, TestContext, base, blob_path, copy_base, image};

fn check(name: &str, policy: &str) -> Answer {
    TestContext::bare().mlpack(&["check", &base(name), "--policy", policy])
}

#[test]
fn ubuntu_with_miniconda_satisfies_azureml_2019() {
    check("ubuntu18-miniconda-py36", "azureml-2019").is(file!["golden/check-ubuntu18.txt"]);
}

#[test]
fn debian_12_satisfies_current() {
    check("debian12-py311", "current").is(file!["golden/check-debian12.txt"]);
}

#[test]
fn debian_fails_azureml_2019() {
    check("debian-py36", "azureml-2019").is(str![[r#"
oci:[BASES]/debian-py36@sha256:b5fd5a3a1afa83ab24ffd200b9c12fcc7565d4a742c35862ae04e4d2bbed0ccd

FACT          VALUE                                                                         READ FROM
os            Debian GNU/Linux 11 (mlpack test material)                                    7842bbe490c9 /usr/lib/os-release
architecture  amd64                                                                         c9d9e8a54718 config architecture
glibc         2.31                                                                          f094b101ae81 /usr/lib/x86_64-linux-gnu/libc.so.6
conda         4.6.14 at /opt/miniconda                                                      f04135f6fad8 /opt/miniconda/conda-meta/conda-4.6.14-py36_0.json
python        3.6.15 at /opt/miniconda/bin/python3.6, on PATH as /opt/miniconda/bin/python  f04135f6fad8 /opt/miniconda/conda-meta/python-3.6.15-h0371630_0.json
user          root (none set)                                                               c9d9e8a54718 config User
entrypoint    /bin/bash                                                                     c9d9e8a54718 config Entrypoint and Cmd

policy azureml-2019
FAILED  os            found debian 11                               wanted ubuntu >=16.04
ok      conda         found 4.6.14 at /opt/miniconda                wanted >=4.5
ok      python        found 3.6.15 at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
os: Use a base built from Ubuntu 16.04 or newer. For a Debian base or a current one, use `--policy current`.
--- stderr
warning: `mlpack check oci:[BASES]/debian-py36` is now `mlpack base check oci:[BASES]/debian-py36`
error: the base image does not meet the policy `azureml-2019`: os
hint: use another base image, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

#[test]
fn conda_4_3_fails_azureml_2019() {
    check("ubuntu18-conda43", "azureml-2019").is(str![[r#"
oci:[BASES]/ubuntu18-conda43@sha256:d199cc62dfb2a10a92686114365e4b4bb96aa89edbcde903f9c75e49f83f205c

FACT          VALUE                                                                         READ FROM
os            Ubuntu 18.04 (mlpack test material)                                           375b51c09eb9 /usr/lib/os-release
architecture  amd64                                                                         f1bd2ec1c0fc config architecture
glibc         2.27                                                                          263968a577ba /usr/lib/x86_64-linux-gnu/libc.so.6
conda         4.3.31 at /opt/miniconda                                                      248939c5e18c /opt/miniconda/conda-meta/conda-4.3.31-py36_0.json
python        3.6.15 at /opt/miniconda/bin/python3.6, on PATH as /opt/miniconda/bin/python  248939c5e18c /opt/miniconda/conda-meta/python-3.6.15-h0371630_0.json
user          root (none set)                                                               f1bd2ec1c0fc config User
entrypoint    /bin/bash                                                                     f1bd2ec1c0fc config Entrypoint and Cmd

policy azureml-2019
ok      os            found ubuntu 18.04                            wanted ubuntu >=16.04
FAILED  conda         found 4.3.31 at /opt/miniconda                wanted >=4.5
ok      python        found 3.6.15 at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
conda: Use a base with Miniconda 4.5 or newer, or run `conda update -n base conda` where the base is built. A base without conda can meet `--policy current`.
--- stderr
warning: `mlpack check oci:[BASES]/ubuntu18-conda43` is now `mlpack base check oci:[BASES]/ubuntu18-conda43`
error: the base image does not meet the policy `azureml-2019`: conda
hint: use another base image, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

#[test]
fn python_2_7_fails_azureml_2019() {
    check("ubuntu18-py27", "azureml-2019").is(str![[r#"
oci:[BASES]/ubuntu18-py27@sha256:ecf2a41f9d52734170f60895bcc3c72636d913e071544c42c2c380c84ccc400a

FACT          VALUE                                                                         READ FROM
os            Ubuntu 18.04 (mlpack test material)                                           375b51c09eb9 /usr/lib/os-release
architecture  amd64                                                                         11888eb59a93 config architecture
glibc         2.27                                                                          263968a577ba /usr/lib/x86_64-linux-gnu/libc.so.6
conda         4.6.14 at /opt/miniconda                                                      d8af5834f86b /opt/miniconda/conda-meta/conda-4.6.14-py27_0.json
python        2.7.18 at /opt/miniconda/bin/python2.7, on PATH as /opt/miniconda/bin/python  d8af5834f86b /opt/miniconda/conda-meta/python-2.7.18-h0371630_0.json
user          root (none set)                                                               11888eb59a93 config User
entrypoint    /bin/bash                                                                     11888eb59a93 config Entrypoint and Cmd

policy azureml-2019
ok      os            found ubuntu 18.04                            wanted ubuntu >=16.04
ok      conda         found 4.6.14 at /opt/miniconda                wanted >=4.5
FAILED  python        found 2.7.18 at /opt/miniconda/bin/python2.7  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
python: Use a base whose `python` on PATH is 3.5 or 3.6. If your code needs a newer Python, use `--policy current`.
--- stderr
warning: `mlpack check oci:[BASES]/ubuntu18-py27` is now `mlpack base check oci:[BASES]/ubuntu18-py27`
error: the base image does not meet the policy `azureml-2019`: python
hint: use another base image, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

#[test]
fn facts_and_verdicts_as_json() {
    let base = base("debian-py36");
    let answer = TestContext::bare().mlpack(&["check", &base, "--format", "json"]);
    assert_eq!(answer.code, 3);
    answer.is(file!["golden/check-json.txt"]);
}

/// The facts come from the layers, each read once; afterwards from the cache, and they are the same.
#[test]
fn facts_are_cached_and_a_damaged_cache_is_ignored() {
    let context = TestContext::bare().own_cache();
    let layout = context.path("base");
    copy_base("debian12-py311", &layout);
    let args = ["check", "oci:base", "--policy", "current"];
    let first = context.mlpack(&args);
    // Layers that cannot be read show that none is.
    let layers = image(&layout).layers().into_iter().map(|digest| blob_path(&layout, &digest));
    let kept: Vec<_> = layers.map(|path| (fs::read(&path).unwrap(), path)).collect();
    for (bytes, path) in &kept {
        fs::write(path, vec![0; bytes.len()]).unwrap();
    }
    assert_eq!(first.ok(), context.mlpack(&args).ok());
    // A cache that was damaged is not trusted: the layers are read again.
    for file in crate::kit::files(&context.root().join("cache")) {
        let path = file.rsplit_once(' ').unwrap().0;
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(context.mlpack(&args).code, 1);
    for (bytes, path) in kept {
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(first.ok(), context.mlpack(&args).ok());
}

#[test]
fn an_unknown_policy_is_reported() {
    let base = base("debian12-py311");
    TestContext::bare().mlpack(&["check", &base, "--policy", "azure"]).is(str![[r#"
--- stderr
warning: `mlpack check oci:[BASES]/debian12-py311` is now `mlpack base check oci:[BASES]/debian12-py311`
error: unknown policy `azure`; known are azureml-2019, current
hint: pass one with --policy; `mlpack bases` lists them
--- exit code 2

"#]]);
}

#[test]
fn a_missing_platform_is_reported() {
    let base = base("debian12-py311");
    TestContext::bare().mlpack(&["check", &base, "--policy", "current", "--platform", "linux/arm64"]).is(
        str![[r#"
--- stderr
warning: `mlpack check oci:[BASES]/debian12-py311` is now `mlpack base check oci:[BASES]/debian12-py311`
error: oci:[BASES]/debian12-py311 has no image for linux/arm64; it has linux/amd64
hint: add one of the existing tags after the path, as in `oci:DIR:TAG`, or choose another `--platform`
--- exit code 1

"#]],
    );
}
