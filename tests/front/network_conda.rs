//! An environment for an architecture that is not this machine's: solved, resolved and laid down
//! for it, and run under an emulator.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{self, TestContext, emulator, image, runnable_base};
use crate::need;

/// The project with numpy from conda and a compiled package from PyPI, packaged for arm64 and
/// unpacked.
#[track_caller]
fn unpacked() -> Option<(TestContext, PathBuf)> {
    let base = runnable_base("debian12-arm64")?;
    let channel = kit::runnable_channel(&["linux-aarch64/numpy-1.26"])?;
    if !channel
        .dir
        .join("main/linux-aarch64")
        .read_dir()
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("python-3.11"))
    {
        kit::skip("the conda channel has no Python for arm64");
        return None;
    }
    let context = TestContext::online()?;
    let mut args = context.project(&base);
    let lines = "  - python=3.11\n  - numpy=1.26\n  - pip:\n    - markupsafe==2.1.5\n";
    context.write(
        "environment.yml",
        format!(
            "name: svc\nchannels:\n  - {}\n  - nodefaults\ndependencies:\n{lines}",
            channel.address("main")
        ),
    );
    let more = ["--platform", "linux/arm64", "--environment", "new", "--output", "oci:out"];
    args.extend(more.map(str::to_owned));
    context.mlpack(&args).digest();
    context.unpack("out", "", "unpacked");
    let root = context.path("unpacked");
    Some((context, root))
}

/// The machine of every ELF file below a folder [ELF, `e_machine`].
fn machines(dir: &Path, found: &mut Vec<(PathBuf, u16)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            machines(&path, found);
        } else if let Some(head) = fs::read(&path).unwrap().get(..20)
            && head.starts_with(b"\x7fELF")
        {
            found.push((path, u16::from_le_bytes([head[18], head[19]])));
        }
    }
}

#[test]
fn every_installed_binary_is_for_the_architecture_of_the_image() {
    let (context, root) = need!(unpacked());
    assert_eq!(image(&context.path("out")).config["architecture"], "arm64");
    let env = root.join("opt/mlpack/envs/svc");
    let mut found = Vec::new();
    machines(&env, &mut found);
    const AARCH64: u16 = 183;
    let wrong: Vec<_> = found.iter().filter(|(_, machine)| *machine != AARCH64).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let site = env.join("lib/python3.11/site-packages");
    for name in ["bin/python3.11", "lib/libopenblas", "site-packages/markupsafe/_speedups"] {
        let there = found.iter().any(|(path, _)| path.to_string_lossy().contains(name));
        assert!(there, "{name}: {found:?}");
    }
    let tags = fs::read_to_string(site.join("MarkupSafe-2.1.5.dist-info/WHEEL")).unwrap();
    assert!(tags.contains("aarch64") && !tags.contains("x86_64"), "{tags}");
    let record = fs::read_dir(env.join("conda-meta")).unwrap();
    let names: Vec<_> =
        record.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("numpy-1.26.4-py311")), "{names:?}");
}

#[test]
fn installed_packages_import_under_an_emulator() {
    let emulator = need!(emulator());
    let (context, root) = need!(unpacked());
    let python = root.join("opt/mlpack/envs/svc/bin/python3.11");
    let script = "import numpy, markupsafe._speedups, platform, ssl\n\
                  print(platform.machine(), numpy.arange(4).sum())";
    let (root, python) = (root.to_str().unwrap(), python.to_str().unwrap());
    let command = context.program(emulator.to_str().unwrap(), &["-L", root, python, "-c", script]);
    assert_eq!(context.answer(command, "").ok(), "aarch64 6");
}
