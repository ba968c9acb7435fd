//! Packages without a lock file are resolved once a day, not on every run.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{FixtureServer, TestContext, base, wheel, wheels};
use crate::lock::pip;
use crate::need;

/// What a dry run says of an earlier resolution, or how it fails.
fn told(context: &TestContext, args: &[String], more: &[&str]) -> String {
    let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let answer = context.answer(context.command(&args), "");
    let about = |line: &&str| line.starts_with("Using the") || line.starts_with("error:");
    let lines: Vec<_> = answer.stderr.lines().filter(about).collect();
    lines.join("\n")
}

/// A context whose packages come from a server, which is lost when the value is dropped.
fn context() -> Option<(TestContext, FixtureServer)> {
    let mut context = TestContext::offline()?.own_cache();
    let server =
        FixtureServer::start("package-index/server.py", &context.root().join("index"), &[wheels()]);
    context.set("UV_FIND_LINKS", "");
    context.set("UV_NO_INDEX", "");
    context.set("UV_DEFAULT_INDEX", format!("{}/simple", server.address));
    Some((context, server))
}

#[test]
fn an_unchanged_project_is_resolved_once_a_day() {
    let base = base("debian12-py311");
    let (context, index) = need!(context());
    let mut args = context.project(&base);
    args.push("--dry-run".to_owned());
    let told = |more: &[&str]| told(&context, &args, more);
    let unknown = "error: [TEMP]/work/environment.yml:4: there is no package `core` in the index";
    let resolves = || {
        // Where the index is asked, its answer counts.
        index.behave(&json!({ "status": 404 }));
        context.normalized(&told(&[])).is(unknown);
        index.behave(&json!({}));
        assert_eq!(told(&[]), "");
    };
    resolves();
    index.behave(&json!({ "status": 404 }));
    let again = "Using the 1 package resolved less than a minute ago; --refresh resolves again, `mlpack lock` keeps them";
    assert_eq!(told(&[]), again);
    assert_eq!(told(&["--no-lock"]), again);
    context.normalized(&told(&["--refresh"])).is(unknown);
    // Another list, another day, and a record that cannot be read.
    pip(&context, &["core>=1"]);
    resolves();
    let records = || fs::read_dir(context.root().join("cache/resolutions")).unwrap();
    for path in records().map(|entry| entry.unwrap().path()) {
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["made"] = json!("2026-01-01T00:00:00Z");
        fs::write(path, record.to_string()).unwrap();
    }
    resolves();
    for path in records().map(|entry| entry.unwrap().path()) {
        fs::write(path, "{").unwrap();
    }
    resolves();
    assert_eq!(told(&[]), again);
}

#[test]
fn a_folder_of_packages_counts_with_what_is_in_it() {
    let base = base("debian12-py311");
    let mut context = need!(TestContext::offline()).own_cache();
    let mut args = context.project(&base);
    args.push("--dry-run".to_owned());
    pip(&context, &["core"]);
    let folder = context.path("wheels");
    // One that is not there is left out.
    context.set("UV_FIND_LINKS", format!("{} gone", folder.display()));
    let put = |version: &str| {
        let wheel = wheel("core", version, &[], &[("__init__.py", "")], false);
        context.write(&format!("wheels/core-{version}-py3-none-any.whl"), wheel);
    };
    put("1.0");
    let again = "Using the 1 package resolved less than a minute ago; --refresh resolves again, `mlpack lock` keeps them";
    assert_eq!(told(&context, &args, &[]), "");
    assert_eq!(told(&context, &args, &[]), again);
    put("2.0");
    assert_eq!(told(&context, &args, &[]), "");
    assert_eq!(told(&context, &args, &[]), again);
}
