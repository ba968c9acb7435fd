//! Conda packages that cannot be used: each fault is reported.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use snapbox::str;

use super::conda::{context_and_channel, packaged, planned, project};
use crate::kit::{base, has, is_root, skip};
use crate::need;

#[test]
fn a_conflict_is_explained() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let both = [channel.address("main"), channel.address("extra")];
    let plan = |lines: &[&str], more: &[&str]| {
        context.normalized(&planned(&context, &base, &both[..1], lines, more))
    };
    // Two lines require the same package in two versions.
    plan(&["python=3.11", "common=1", "common=2"], &[]).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
Because an environment has one version of common, 1.0 for `common=1` (line 7) and 2.0 for `common=2` (line 8) cannot both be there.
hint: loosen one of the lines named above, or leave it out
--- exit code 1

"#]]);
    // The dependencies of two lines do.
    plan(&["python=3.11", "clash-left", "clash-right"], &[]).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
`clash-left` (line 7) is available as 1.0, which needs `common 1.*`.
`clash-right` (line 8) is available as 1.0, which needs `common 2.*`.
Because an environment has one version of common, 1.0 for `common 1.*` and 2.0 for `common 2.*` cannot both be there.
So lines 7 and 8 cannot be met together.
hint: loosen one of the lines named above, or leave it out
--- exit code 1

"#]]);
    // A dependency of a dependency does.
    plan(&["python=3.11", "clash-deep", "clash-right"], &[]).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
`clash-deep` (line 7) is available as 1.0, which needs `clash-left`.
`clash-left` is available as 1.0, which needs `common 1.*`.
`clash-right` (line 8) is available as 1.0, which needs `common 2.*`.
Because an environment has one version of common, 1.0 for `common 1.*` and 2.0 for `common 2.*` cannot both be there.
So lines 7 and 8 cannot be met together.
hint: loosen one of the lines named above, or leave it out
--- exit code 1

"#]]);
    plan(&["python=3.11", "common=2"], &["--exclude-newer", "2019-05-05"]).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
Because common 2.0 was uploaded on 2020-04-01, after --exclude-newer 2019-05-05, nothing meets `common=2` (line 7).
hint: use --exclude-newer 2020-04-01 to include common 2.0
--- exit code 1

"#]]);
    // All of it is younger than that, the interpreter as well.
    plan(&["python=3.11", "common=1"], &["--exclude-newer", "2015-01-01"]).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
Because common 1.0 was uploaded on 2019-04-01, after --exclude-newer 2015-01-01, nothing meets `common=1` (line 7).
hint: use --exclude-newer 2019-04-01 to include common 1.0
--- exit code 1

"#]]);
    let hidden = planned(&context, &base, &both, &["python=3.11", "priority=2"], &[]);
    context.normalized(&hidden).is(str![[r#"
--- stderr
error: conda dependencies are unsatisfiable for linux-64 with glibc 2.36:
Because priority 2.0 is in file://[REPOSITORY]/fixtures/built/small-channel/extra, and file://[REPOSITORY]/fixtures/built/small-channel/main, which has priority, has priority too (1.0), nothing meets `priority=2` (line 8).
hint: put file://[REPOSITORY]/fixtures/built/small-channel/extra before file://[REPOSITORY]/fixtures/built/small-channel/main below `channels:`, or write `file://[REPOSITORY]/fixtures/built/small-channel/extra::priority`
--- exit code 1

"#]]);
}

#[test]
fn damaged_channels_and_archives_are_reported() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let main = [channel.address("main")];
    context
        .normalized(&planned(
            &context,
            &base,
            &[channel.address("nowhere")],
            &["python=3.11", "common"],
            &[],
        ))
        .is(str![[r#"
--- stderr
error: cannot use channel file://[REPOSITORY]/fixtures/built/small-channel/nowhere/: could not find subdir 'noarch' in channel 'file://[REPOSITORY]/fixtures/built/small-channel/nowhere/': failed to open file `[REPOSITORY]/fixtures/built/small-channel/nowhere/noarch/repodata.json`: No such file or directory (os error 2)
hint: check the name below `channels:`; CONDA_CHANNEL_ALIAS, CONDA_DEFAULT_CHANNELS and conda's .condarc set mirrors, as for conda itself
--- exit code 1

"#]]);
    for (line, expected) in [
        (
            "wrong-checksum",
            str![[r#"
--- stderr
error: checksum mismatch for wrong-checksum-1.0-0.conda: expected sha256:ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5, got sha256:459c64dd40aab5125489bc380aaf60c8f1c7b215c1b356823aabd24df062e932
hint: the file was damaged or replaced: fetch it again from an index you trust
--- exit code 1

"#]],
        ),
        (
            "cut-short=1",
            str![[r#"
--- stderr
error: invalid conda package cut-short-1.0-0.tar.bz2: decompression not finished but EOF reached
hint: ask the owner of the channel, or use another version or build
--- exit code 1

"#]],
        ),
        (
            "cut-short=2",
            str![[r#"
--- stderr
error: invalid conda package cut-short-2.0-0.conda: invalid zip archive: invalid Zip archive: Could not find EOCD
hint: ask the owner of the channel, or use another version or build
--- exit code 1

"#]],
        ),
        (
            "wrong-file",
            str![[r#"
--- stderr
error: cannot pack `opt/mlpack/envs/svc/share/wrong-file/version.txt`: invalid conda package wrong-file-1.0-0.conda: `share/wrong-file/version.txt` does not match the hash in paths.json
--- exit code 1

"#]],
        ),
    ] {
        let answer = packaged(&context, &base, &main, &["python=3.11", line]);
        assert!(!context.path("out").exists(), "{line}");
        answer.is(expected);
    }
}

#[test]
fn a_prefix_too_long_for_a_program_is_reported() {
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let args = project(&context, &base, &[channel.address("main")], &["python=3.11", "common"]);
    let text = fs::read_to_string(context.path("environment.yml")).unwrap();
    context
        .write("environment.yml", text.replace("name: svc", &format!("name: {}", "n".repeat(120))));
    let args = [&args[..], &["--output".to_owned(), "oci:out".to_owned()]].concat();
    context.mlpack(&args).is(str![[r#"
--- stderr
error: `bin/python3.11` in python-3.11.7-h7a6845c_0.conda supports install prefixes of at most 28 characters; `/opt/mlpack/envs/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` has 137
hint: give the environment a shorter `name:` in the conda file
--- exit code 1

"#]]);
}

/// For root every folder is writable, so somebody else runs the command.
#[test]
fn an_unwritable_cache_is_reported() {
    if !is_root() || !has("setpriv") {
        return skip("only root can run a command as somebody else, by setpriv");
    }
    let base = base("debian12-py311");
    let (context, channel) = need!(context_and_channel());
    let cache = context.root().join("cache");
    fs::create_dir_all(&cache).unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    for dir in [context.root(), &cache, &context.path("")] {
        open(dir);
    }
    let mut args = project(&context, &base, &[channel.address("main")], &["python=3.11", "common"]);
    args.extend(["--output", "oci:out", "--quiet"].map(str::to_owned));
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_mlpack")];
    let as_nobody = |args: &[String]| {
        let mut command = context.program("setpriv", &nobody);
        command.args(args);
        context.answer(command, "")
    };
    if as_nobody(&["--version".to_owned()]).code != 0 {
        return skip("another user cannot run the command that is tested");
    }
    as_nobody(&args).is(str![[r#"
--- stderr
error: cannot write to the cache: [TEMP]/cache/stage: Permission denied (os error 13)
hint: set MLPACK_CACHE_DIR to a writable directory
--- exit code 1

"#]]);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
}
