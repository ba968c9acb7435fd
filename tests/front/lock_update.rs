//! `mlpack lock` after the first time: what stays, what `--update` renews.

use std::fs;

use snapbox::str;

use super::lock::{lock, package, pip, read, versions};
use crate::kit::{self, ChannelAuth, TestContext, base};
use crate::need;

#[test]
fn relock_keeps_versions_until_update() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.mlpack(&lock(&project, &[])).ok();
    // Nothing holds it to 1.0 any more but the lock.
    pip(&context, &["core"]);
    context.mlpack(&lock(&project, &[])).is(str![[r#"
mlpack.lock written: 1 package

"#]]);
    assert_eq!(versions(&context), ["core 1.0"]);
    context.mlpack(&lock(&project, &["--update", "Core"])).is(str![[r#"
mlpack.lock written: 1 package
CHANGE   NAME  KIND  BEFORE  AFTER
changed  core  pip   1.0     2.0

"#]]);
    pip(&context, &["core", "left"]);
    context.mlpack(&lock(&project, &[])).is(str![[r#"
mlpack.lock written: 2 packages
CHANGE   NAME  KIND  BEFORE  AFTER
changed  core  pip   2.0     1.0
added    left  pip   -       1.0

"#]]);
    pip(&context, &["core"]);
    context.mlpack(&lock(&project, &["--update"])).is(str![[r#"
mlpack.lock written: 1 package
CHANGE   NAME  KIND  BEFORE  AFTER
changed  core  pip   1.0     2.0
removed  left  pip   1.0     -

"#]]);
    context.mlpack(&lock(&project, &["--update", "cor"])).is(str![[r#"
--- stderr
error: [TEMP]/work/mlpack.lock has no package `cor`
hint: did you mean core?
--- exit code 1

"#]]);
    fs::remove_file(context.path("mlpack.lock")).unwrap();
    context.mlpack(&lock(&project, &["--update", "core"])).is(str![[r#"
--- stderr
error: there is no [TEMP]/work/mlpack.lock
hint: run `mlpack lock` with the same arguments to create it
--- exit code 1

"#]]);
}

#[test]
fn conda_packages_are_locked_and_kept_too() {
    let base = base("debian12-py311");
    let channel = need!(kit::channel());
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    let file = |common: &str| {
        let channel = channel.address("main");
        let lines = format!("- python=3.11\n- {common}\n- pip:\n  - core==1.0\n");
        let text = format!("name: sums\nchannels: [{channel}]\ndependencies:\n{lines}");
        context.write("environment.yml", text);
    };
    file("common=1.0");
    context.mlpack(&lock(&project, &[])).ok();
    let first = context.mlpack(&package(&project, &["--no-lock"])).digest();
    assert_eq!(context.mlpack(&package(&project, &["--locked"])).digest(), first);
    file("common");
    let was = |names: &[&str]| {
        let all = versions(&context);
        names.iter().all(|name| all.iter().any(|found| found == name))
    };
    context.mlpack(&lock(&project, &[])).ok();
    assert!(was(&["common 1.0", "core 1.0", "python 3.11.7"]), "{:?}", versions(&context));
    context.mlpack(&lock(&project, &["--update", "common"])).is(str![[r#"
mlpack.lock written: 3 packages
CHANGE   NAME    KIND   BEFORE  AFTER
changed  common  conda  1.0 0   2.0 0

"#]]);
}

#[test]
fn passwords_are_not_locked_and_are_added_again() {
    let base = base("debian12-py311");
    let channel = need!(kit::channel());
    for auth in [ChannelAuth::Login, ChannelAuth::Token] {
        let served = channel.serve(auth);
        let mut context = need!(TestContext::offline()).own_cache();
        context.set("UV_EXTRA_INDEX_URL", "https://me:secret@index.invalid/simple");
        let project = context.project(&base);
        let address = served.secret_address("main");
        context.write(
            "environment.yml",
            format!(
                "name: sums\nchannels: ['{address}']\ndependencies:\n- python=3.11\n- common=1.0\n"
            ),
        );
        context.mlpack(&lock(&project, &[])).ok();
        let text = read(&context);
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains(&served.address("main/linux-64/python-3.11")), "{text}");
        // The archives are fetched again, with the login that the conda file has.
        fs::remove_dir_all(context.root().join("cache/conda")).unwrap();
        fs::remove_dir_all(context.root().join("cache/repodata")).unwrap();
        let asked = served.requests().len();
        context.mlpack(&package(&project, &["--locked"])).ok();
        let requests = &served.requests()[asked..];
        let is_archive = |line: &String| line.ends_with(" 200") && !line.contains("repodata");
        assert!(!requests.is_empty() && requests.iter().all(is_archive), "{requests:?}");
    }
}
