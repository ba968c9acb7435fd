//! Conda's configuration: packages come from the channels it names.

use std::fs;

use snapbox::str;

use crate::kit::{self, Answer, Channel, TestContext, base};
use crate::need;

/// A context that reads conda's configuration below its own home, without an index.
#[track_caller]
fn context_and_project() -> Option<(TestContext, Channel)> {
    let channel = kit::channel()?;
    let mut context = TestContext::offline()?.own_cache();
    context.set("MLPACK_NO_CONDARC", "0");
    // No name is looked for outside.
    context.set("CONDA_CHANNEL_ALIAS", "file:///nowhere/");
    Some((context, channel))
}

/// Packages the small project with these channels; notes are kept.
fn packaged(context: &TestContext, base: &str, channels: &str, more: &[&str]) -> Answer {
    let mut args = context.project(base);
    context.write(
        "environment.yml",
        format!("name: svc\n{channels}dependencies:\n  - python=3.11\n  - priority\n  - pip:\n    - core==1.0\n"),
    );
    args.extend(["--output", "oci:out"].iter().chain(more).map(|&arg| arg.to_owned()));
    context.answer(context.command(&args), "")
}

/// Lines of notes that name a file of the context's home.
fn notes(context: &TestContext, answer: &Answer) -> String {
    let home = context.root().join("home");
    let lines = answer.stderr.lines().filter(|line| line.contains(&*home.to_string_lossy()));
    context.normalized(&lines.map(|line| format!("{line}\n")).collect::<String>()).text()
}

fn configure(context: &TestContext, path: &str, text: &str) {
    let path = context.root().join("home").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn configuration_maps_channel_names_to_urls() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_project());
    let (main, extra) = (channel.address("main"), channel.address("extra"));
    let plain = format!("channels:\n  - {main}\n  - nodefaults\n");
    let plain = packaged(&context, &base, &plain, &["--no-lock"]);
    let expected = plain.digest();
    assert_eq!(notes(&context, &plain), "");
    let place = channel.dir.display();

    configure(
        &context,
        ".config/conda/condarc",
        &format!("custom_channels:\n  main: file://{place}\n"),
    );
    let named = packaged(&context, &base, "channels: [main, nodefaults]\n", &["--no-lock"]);
    assert_eq!(named.digest(), expected);
    kit::eq(
        &notes(&context, &named),
        str![[r#"
[TEMP]/home/.config/conda/condarc: `custom_channels` sets where the channel main is

"#]],
    );

    // The list of a later file comes first: its channel wins.
    configure(&context, ".conda/condarc.d/lab.yml", "default_channels: [main]\nnobody_knows: 1\n");
    let defaults = packaged(&context, &base, "", &["--no-lock"]);
    assert_eq!(defaults.digest(), expected);
    configure(&context, ".condarc", &format!("default_channels:\n  - {extra}\n"));
    let joined = packaged(&context, &base, "channels: [defaults]\n", &["--no-lock"]);
    assert_ne!(joined.digest(), expected);
    kit::eq(
        &notes(&context, &joined),
        str![[r#"
[TEMP]/home/.condarc: `default_channels` sets what the channel defaults is
[TEMP]/home/.config/conda/condarc: `custom_channels` sets where the channel main is

"#]],
    );
    configure(&context, ".condarc", "channels: [all]\ncustom_multichannels:\n  all: [main]\n");
    let unnamed = packaged(&context, &base, "", &["--no-lock"]);
    assert_eq!(unnamed.digest(), expected);
    kit::eq(
        &notes(&context, &unnamed),
        str![[r#"
[TEMP]/home/.condarc: `channels` sets the channels, since the conda file has none
[TEMP]/home/.condarc: `custom_multichannels` sets what the channel all is
[TEMP]/home/.config/conda/condarc: `custom_channels` sets where the channel main is

"#]],
    );
}

#[test]
fn a_lock_makes_the_configuration_irrelevant() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_project());
    let place = channel.dir.display();
    configure(&context, ".condarc", &format!("custom_channels:\n  main: file://{place}\n"));
    let mut lock = context.project(&base);
    lock[0] = "lock".to_owned();
    let channels = "channels: [main, nodefaults]\n";
    let first = packaged(&context, &base, channels, &["--no-lock"]).digest();
    context.mlpack(&lock).ok();
    fs::remove_file(context.root().join("home/.condarc")).unwrap();
    let locked = packaged(&context, &base, channels, &["--locked"]);
    assert_eq!(locked.digest(), first);
    assert_eq!(notes(&context, &locked), "");
}

#[test]
fn invalid_or_disabled_configuration() {
    let base = base("debian12-py311");
    let (mut context, channel) = need!(context_and_project());
    let home = context.root().join("home");
    context.name(&home.to_string_lossy(), "[HOME]");
    let main = format!("channels:\n  - {}\n  - nodefaults\n", channel.address("main"));
    configure(&context, ".condarc", "ssl_verify: true\ndefault_channels:\n  a: b\n");
    packaged(&context, &base, &main, &["--quiet"]).is(str![[r#"
--- stderr
error: [TEMP]/home/.condarc:3: `default_channels` is a mapping, not a list
hint: fix the file (conda reads it too), or set MLPACK_NO_CONDARC=1 to ignore it
--- exit code 1

"#]]);
    context.set("MLPACK_NO_CONDARC", "1");
    packaged(&context, &base, &main, &["--quiet"]).digest();
}
