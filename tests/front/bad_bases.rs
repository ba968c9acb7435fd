//! Base images that cannot be used: each fault is reported, and nothing is written.

use std::fs;
use std::path::Path;

use snapbox::str;

use super::bad_inputs::{arguments, refused, with_policy};
use crate::kit::{TestContext, add_layer, base, blob_path, copy_base, image};
use crate::need;

/// A copy of a base to be damaged, as `oci:base`.
fn copied(context: &TestContext) -> std::path::PathBuf {
    let copy = context.path("base");
    copy_base("debian12-py311", &copy);
    copy
}

fn largest_layer(layout: &Path) -> std::path::PathBuf {
    let layers = image(layout).layers().into_iter().map(|digest| blob_path(layout, &digest));
    layers.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

#[test]
fn a_base_that_is_debian() {
    let context = need!(TestContext::offline());
    let args = arguments(&context, &base("debian-py36"));
    refused(&context, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/debian-py36
FAILED  os            found debian 11                               wanted ubuntu >=16.04
ok      conda         found 4.6.14 at /opt/miniconda                wanted >=4.5
ok      python        found 3.6.15 at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
os: Use a base built from Ubuntu 16.04 or newer. For a Debian base or a current one, use `--policy current`.
error: the base image does not meet the policy `azureml-2019`: os
hint: use another base image, ignore a requirement by name with --allow, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_conda_4_3() {
    let context = need!(TestContext::offline());
    let args = arguments(&context, &base("ubuntu18-conda43"));
    refused(&context, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-conda43
ok      os            found ubuntu 18.04                            wanted ubuntu >=16.04
FAILED  conda         found 4.3.31 at /opt/miniconda                wanted >=4.5
ok      python        found 3.6.15 at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
conda: Use a base with Miniconda 4.5 or newer, or run `conda update -n base conda` where the base is built. A base without conda can meet `--policy current`.
error: the base image does not meet the policy `azureml-2019`: conda
hint: use another base image, ignore a requirement by name with --allow, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_python_2_7() {
    let context = need!(TestContext::offline());
    let args = arguments(&context, &base("ubuntu18-py27"));
    refused(&context, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-py27
ok      os            found ubuntu 18.04                            wanted ubuntu >=16.04
ok      conda         found 4.6.14 at /opt/miniconda                wanted >=4.5
FAILED  python        found 2.7.18 at /opt/miniconda/bin/python2.7  wanted 3.5 or 3.6
ok      architecture  found amd64                                   wanted amd64
python: Use a base whose `python` on PATH is 3.5 or 3.6. If your code needs a newer Python, use `--policy current`.
error: the base image does not meet the policy `azureml-2019`: python
hint: use another base image, ignore a requirement by name with --allow, or select another policy with --policy (see `mlpack bases`)
--- exit code 3

"#]]);
}

/// What `--allow` names is let pass, and told.
#[test]
fn a_failed_requirement_that_is_allowed() {
    let context = need!(TestContext::offline());
    let mut args = with_policy(&arguments(&context, &base("debian-py36")), "azureml-2019");
    args.extend(["--allow".to_owned(), "os".to_owned()]);
    let answer = context.mlpack(&args);
    answer.digest();
    answer.is(str![[r#"
oci:out@sha256:f2c212e852149b3c7d9b48df89d7e3ab952352140919153158aed7156503e06d
--- stderr
warning: the base image fails the requirement `os` of policy `azureml-2019`, ignored by --allow

"#]]);
    args.extend(["--allow".to_owned(), "kernel".to_owned()]);
    fs::remove_dir_all(context.path("out")).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error: --allow kernel: the policy `azureml-2019` has no such requirement
hint: it has os, conda, python, architecture; a check is named as in its findings: script.imports
--- exit code 2

"#]]);
}

#[test]
fn a_base_that_mlpack_made() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    let mut args = arguments(&context, &base);
    context.mlpack(&args).digest();
    fs::rename(context.path("out"), context.path("own")).unwrap();
    for arg in args.iter_mut().filter(|arg| **arg == base) {
        *arg = "oci:own".to_owned();
    }
    refused(&context, &args).is(str![[r#"
--- stderr
error: oci:own was made by mlpack and has an entry script and packages already
hint: use the base that it was made of (`mlpack inspect` shows it), or an image made FROM that
--- exit code 3

"#]]);
}

#[test]
fn a_base_that_the_user_of_the_service_cannot_enter() {
    let context = need!(TestContext::offline());
    let layout = copied(&context);
    let mut tar = tar::Builder::new(Vec::new());
    for (folder, mode) in [("opt", 0o750), ("usr", 0o755)] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(mode);
        header.set_size(0);
        tar.append_data(&mut header, folder, std::io::empty()).unwrap();
    }
    add_layer(&layout, &tar.into_inner().unwrap());
    refused(&context, &arguments(&context, "oci:base")).is(str![[r#"
--- stderr
error[image.access]: the base image does not let user 65532 into /opt (mode 0750), where the front door is
  hint: use a base image built with `chmod o+x /opt`
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn a_truncated_base_layer() {
    let context = need!(TestContext::offline()).own_cache();
    let layout = copied(&context);
    let args = arguments(&context, "oci:base");
    // Once whole, so that its facts are known: the damage must be seen all the same.
    context.mlpack(&args).digest();
    fs::remove_dir_all(context.path("out")).unwrap();
    let layer = largest_layer(&layout);
    let whole = layer.metadata().unwrap().len();
    let file = fs::File::options().write(true).open(&layer).unwrap();
    file.set_len(whole / 2).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error: digest mismatch for blob [TEMP]/work/base/blobs/sha256/fd3b89d444aea7c0352a3d45039f5f81a3f7275b140576872eecdb2c07e6af30: expected sha256:fd3b89d444aea7c0352a3d45039f5f81a3f7275b140576872eecdb2c07e6af30, got sha256:bbb51ebe2c67d68f999445421293e62299ba4a4253115e8eea85a34401b827ea
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
    fs::remove_dir_all(context.root().join("cache")).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error: size mismatch for layer 4 of oci:[TEMP]/work/base (sha256:fd3b89d444aea7c0352a3d45039f5f81a3f7275b140576872eecdb2c07e6af30): expected 217136 bytes, got 108568
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_a_layer_of_the_base() {
    let context = need!(TestContext::offline()).own_cache();
    let layout = copied(&context);
    let args = arguments(&context, "oci:base");
    let layer = largest_layer(&layout);
    // The time in a gzip header: the same size, the same content, other bytes.
    let mut bytes = fs::read(&layer).unwrap();
    bytes[4] ^= 1;
    fs::write(layer, bytes).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error: digest mismatch for layer 4 of oci:[TEMP]/work/base: expected sha256:fd3b89d444aea7c0352a3d45039f5f81a3f7275b140576872eecdb2c07e6af30, got sha256:af29f0846e91f63c12c4b21f1e0d89364ff7095fb0aad09ca2b5ce4d65f64c88
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_the_config_of_the_base() {
    let context = need!(TestContext::offline());
    let layout = copied(&context);
    let args = arguments(&context, "oci:base");
    let config = image(&layout).manifest["config"]["digest"].as_str().unwrap().to_owned();
    let path = blob_path(&layout, &config);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replacen("linux", "Linux", 1)).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error: digest mismatch for config of oci:[TEMP]/work/base: expected sha256:fcd7ee2e669da26558dd70cdffa2d4e85570e8de0f17e0fe437132822e0dd943, got sha256:4b979008a5a0710b22de11a6095fc1cf4695491467d66b965112fbe36fb0f93b
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

/// A layer with a header of a kind and a size, and content.
fn layer_with(kind: u8, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path("x").unwrap();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}

#[test]
fn layers_that_no_tool_writes() {
    let context = need!(TestContext::offline());
    let path = vec!["d"; 40_000].join("/");
    let record = |length: usize| format!("{length} path={path}\n");
    let record = record(record(0).len() + 4);
    let long_path = layer_with(b'x', record.len() as u64, record.as_bytes());
    let file = layer_with(b'0', 0, b"");
    for (layer, found) in [
        ([long_path, file].concat(), "a path of 79999 bytes, where at most 4096 are read"),
        // Its content is not there: it is not waited for.
        (
            layer_with(b'x', 6 << 30, b""),
            "an extension header of 6442450944 bytes, where at most 1048576 are read",
        ),
        (layer_with(b'L', 6 << 30, b""), "a path of 6442450944 bytes, where at most 4097 are read"),
    ] {
        let copy = context.path("base");
        let _ = fs::remove_dir_all(&copy);
        copy_base("debian12-py311", &copy);
        add_layer(&copy, &layer);
        let answer = context.mlpack(&["base", "check", "oci:base", "--policy", "current"]);
        let line = answer.stderr.lines().next().unwrap_or_default().to_owned();
        assert!(line.starts_with("error: layer ") && line.ends_with(found), "{}", answer.stderr);
        assert_eq!(answer.code, 1);
    }
}
