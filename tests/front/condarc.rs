//! Conda's own configuration: where it says that channels are, packages come from there.

use std::fs;

use snapbox::str;

use crate::kit::{self, Answer, Channel, World, base};
use crate::need;

/// A world that reads conda's configuration below its own home, without an index.
#[track_caller]
fn ground() -> Option<(World, Channel)> {
    let channel = kit::channel(&["python-3.11"])?;
    let mut world = World::offline()?.own_cache();
    world.set("MLPACK_NO_CONDARC", "0");
    // No name is looked for outside.
    world.set("CONDA_CHANNEL_ALIAS", "file:///nowhere/");
    Some((world, channel))
}

/// Packages the small project with these channels; notes are kept.
fn packaged(world: &World, base: &str, channels: &str, more: &[&str]) -> Answer {
    let mut args = world.project(base);
    world.write(
        "environment.yml",
        format!("name: svc\n{channels}dependencies:\n  - python=3.11\n  - priority\n  - pip:\n    - core==1.0\n"),
    );
    args.extend(["--output", "oci:out"].iter().chain(more).map(|&arg| arg.to_owned()));
    world.answer(world.command(&args), "")
}

/// Lines of notes that name a file of the world's home.
fn notes(world: &World, answer: &Answer) -> String {
    let home = world.root().join("home");
    let lines = answer.stderr.lines().filter(|line| line.contains(&*home.to_string_lossy()));
    world.say(&lines.map(|line| format!("{line}\n")).collect::<String>()).text()
}

fn configure(world: &World, path: &str, text: &str) {
    let path = world.root().join("home").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn channels_are_where_the_configuration_says() {
    let base = need!(base("debian12-py311"));
    let (world, channel) = need!(ground());
    let (main, extra) = (channel.address("main"), channel.address("extra"));
    let plain = format!("channels:\n  - {main}\n  - nodefaults\n");
    let plain = packaged(&world, &base, &plain, &["--no-lock"]);
    let expected = plain.digest();
    assert_eq!(notes(&world, &plain), "");
    let place = channel.dir.display();

    configure(
        &world,
        ".config/conda/condarc",
        &format!("custom_channels:\n  main: file://{place}\n"),
    );
    let named = packaged(&world, &base, "channels: [main, nodefaults]\n", &["--no-lock"]);
    assert_eq!(named.digest(), expected);
    kit::eq(
        &notes(&world, &named),
        str![[r#"
[WORLD]/home/.config/conda/condarc: `custom_channels` says where the channel main is

"#]],
    );

    // A later file's list stands in front: the channel that was added there wins.
    configure(&world, ".conda/condarc.d/lab.yml", "default_channels: [main]\nnobody_knows: 1\n");
    let defaults = packaged(&world, &base, "", &["--no-lock"]);
    assert_eq!(defaults.digest(), expected);
    configure(&world, ".condarc", &format!("default_channels:\n  - {extra}\n"));
    let joined = packaged(&world, &base, "channels: [defaults]\n", &["--no-lock"]);
    assert_ne!(joined.digest(), expected);
    kit::eq(
        &notes(&world, &joined),
        str![[r#"
[WORLD]/home/.condarc: `default_channels` says what the channel defaults is
[WORLD]/home/.config/conda/condarc: `custom_channels` says where the channel main is

"#]],
    );
    configure(&world, ".condarc", "channels: [all]\ncustom_multichannels:\n  all: [main]\n");
    let unnamed = packaged(&world, &base, "", &["--no-lock"]);
    assert_eq!(unnamed.digest(), expected);
    kit::eq(
        &notes(&world, &unnamed),
        str![[r#"
[WORLD]/home/.condarc: `channels` says the channels, which the conda file does not name
[WORLD]/home/.condarc: `custom_multichannels` says what the channel all is
[WORLD]/home/.config/conda/condarc: `custom_channels` says where the channel main is

"#]],
    );
}

#[test]
fn with_a_lock_the_configuration_does_not_matter() {
    let base = need!(base("debian12-py311"));
    let (world, channel) = need!(ground());
    let place = channel.dir.display();
    configure(&world, ".condarc", &format!("custom_channels:\n  main: file://{place}\n"));
    let mut lock = world.project(&base);
    lock[0] = "lock".to_owned();
    let channels = "channels: [main, nodefaults]\n";
    let first = packaged(&world, &base, channels, &["--no-lock"]).digest();
    world.mlpack(&lock).ok();
    fs::remove_file(world.root().join("home/.condarc")).unwrap();
    let locked = packaged(&world, &base, channels, &["--locked"]);
    assert_eq!(locked.digest(), first);
    assert_eq!(notes(&world, &locked), "");
}

#[test]
fn a_configuration_that_is_wrong_or_not_wanted() {
    let base = need!(base("debian12-py311"));
    let (mut world, channel) = need!(ground());
    let home = world.root().join("home");
    world.call(&home.to_string_lossy(), "[HOME]");
    let main = format!("channels:\n  - {}\n  - nodefaults\n", channel.address("main"));
    configure(&world, ".condarc", "ssl_verify: true\ndefault_channels:\n  a: b\n");
    packaged(&world, &base, &main, &["--quiet"]).is(str![[r#"
--- stderr
error: [WORLD]/home/.condarc:3: `default_channels` is a mapping, not a list
hint: mend the file, which conda reads as well, or set MLPACK_NO_CONDARC=1 to do without
--- exit code 1

"#]]);
    world.set("MLPACK_NO_CONDARC", "1");
    packaged(&world, &base, &main, &["--quiet"]).digest();
}
