//! What is done to packages on their way into an image: made slim, compiled.

use crate::kit::{World, base, has, image};
use crate::need;

#[test]
fn slim_and_compiled_packages_are_the_same_from_any_cache() {
    if !has("python3.11") {
        return;
    }
    let base = need!(base("debian12-py311"));
    let options = ["--slim", "--bytecode", "--output", "oci:out"].map(str::to_owned);
    let package = |seed: &str| {
        let mut world = World::offline()?.own_cache();
        world.set("PYTHONHASHSEED", seed);
        let args = [world.project(&base), options.to_vec()].concat();
        let first = world.mlpack(&args).digest();
        assert_eq!(world.mlpack(&args).digest(), first);
        Some((world, first))
    };
    let (world, first) = need!(package("1"));
    let (_, second) = need!(package("2"));
    assert_eq!(first, second);
    let files = world.mlpack(&["inspect", "oci:out", "--files"]);
    let bytecode = "site-packages/core/__pycache__/__init__.cpython-311.pyc";
    assert!(files.ok().lines().any(|line| line.ends_with(bytecode)), "{}", files.stdout);
    let layers = image(&world.path("out")).layers();
    let plain = [world.project(&base), options[2..].to_vec()].concat();
    world.mlpack(&plain).ok();
    assert_ne!(image(&world.path("out")).layers(), layers);
}

#[test]
fn bytecode_without_an_interpreter_is_refused() {
    let base = need!(base("debian12-py311"));
    let mut world = need!(World::offline());
    // What describes an interpreter to uv is a shell script that needs this much.
    let programs = world.path("programs");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink("/bin/cat", programs.join("cat")).unwrap();
    world.set("PATH", programs);
    let mut args = world.project(&base);
    args.extend(["--bytecode", "--output", "oci:out"].map(str::to_owned));
    world.mlpack(&args).is(snapbox::str![[r#"
--- stderr
error: there is no Python 3.11 on this machine to make bytecode with
hint: give a Python 3.11 with --python, or leave out --bytecode
--- exit code 1

"#]]);
}
