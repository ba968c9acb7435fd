//! What is wrong with a base image is told, and nothing is written.

use std::fs;
use std::path::Path;

use snapbox::str;

use super::bad_inputs::{arguments, refused, with_policy};
use crate::kit::{World, base, blob_path, image};
use crate::need;

/// A copy of a base to be damaged, as `oci:base`.
fn copied(world: &World) -> Option<std::path::PathBuf> {
    let base = base("debian12-py311")?;
    let copy = world.path("base");
    let answer = world.program("cp", &["-r", base.strip_prefix("oci:")?, "base"]);
    world.answer(answer, "").ok();
    Some(copy)
}

fn largest_layer(layout: &Path) -> std::path::PathBuf {
    let layers = image(layout).layers().into_iter().map(|digest| blob_path(layout, &digest));
    layers.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

#[test]
fn a_base_that_is_debian() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("debian-py36")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/debian-py36
FAILED  os  found debian 11  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
os: Take a base made from Ubuntu 16.04 or newer. To use a Debian base, or one of today, check it with `--policy current` instead.
error: the base image does not meet the policy `azureml-2019`: os
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_conda_4_3() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("ubuntu18-conda43")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-conda43
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
FAILED  conda  found 4.3.31 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
conda: Take a base with Miniconda 4.5 or newer, or run `conda update -n base conda` where the base is built. A base without conda can pass `--policy current`.
error: the base image does not meet the policy `azureml-2019`: conda
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_python_2_7() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("ubuntu18-py27")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-py27
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
FAILED  python  found 2.7.[PATCH] at /opt/miniconda/bin/python2.7  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
python: Take a base whose `python` on PATH is 3.5 or 3.6. If your code needs a newer Python, check the base with `--policy current`.
error: the base image does not meet the policy `azureml-2019`: python
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

/// What `--allow` names is let pass, and told.
#[test]
fn a_failed_requirement_that_is_allowed() {
    let world = need!(World::offline());
    let mut args = with_policy(&arguments(&world, &need!(base("debian-py36"))), "azureml-2019");
    args.extend(["--allow".to_owned(), "os".to_owned()]);
    let answer = world.mlpack(&args);
    answer.digest();
    answer.is(str![[r#"
oci:out@sha256:[HEX]
--- stderr
warning: the base fails the requirement `os` of policy `azureml-2019`; --allow lets it pass

"#]]);
    args.extend(["--allow".to_owned(), "kernel".to_owned()]);
    fs::remove_dir_all(world.path("out")).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: --allow kernel: the policy `azureml-2019` has no such requirement
hint: it has os, conda, python, architecture
--- exit code 2

"#]]);
}

#[test]
fn a_truncated_base_layer() {
    let mut world = need!(World::offline()).own_cache();
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    // Once whole, so that its facts are known: the damage must be seen all the same.
    world.mlpack(&args).digest();
    fs::remove_dir_all(world.path("out")).unwrap();
    let layer = largest_layer(&layout);
    // How long the layer is depends on the interpreter of this machine.
    let whole = layer.metadata().unwrap().len();
    world.call(&format!("bytes, got {}\n", whole / 2), "bytes, got [HALF]\n");
    world.call(&format!("expected {whole} bytes"), "expected [WHOLE] bytes");
    let file = fs::File::options().write(true).open(&layer).unwrap();
    file.set_len(whole / 2).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch for blob [WORLD]/work/base/blobs/sha256/[HEX]: expected sha256:[HEX], got sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
    fs::remove_dir_all(world.root().join("cache")).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: size mismatch for layer 4 of oci:[WORLD]/work/base (sha256:[HEX]): expected [WHOLE] bytes, got [HALF]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_a_layer_of_the_base() {
    let world = need!(World::offline()).own_cache();
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    let layer = largest_layer(&layout);
    // The time in a gzip header: the same size, the same content, other bytes.
    let mut bytes = fs::read(&layer).unwrap();
    bytes[4] ^= 1;
    fs::write(layer, bytes).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch for layer 4 of oci:[WORLD]/work/base: expected sha256:[HEX], got sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_the_config_of_the_base() {
    let world = need!(World::offline());
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    let config = image(&layout).manifest["config"]["digest"].as_str().unwrap().to_owned();
    let path = blob_path(&layout, &config);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replacen("linux", "Linux", 1)).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch for config of oci:[WORLD]/work/base: expected sha256:[HEX], got sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}
