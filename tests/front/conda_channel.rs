//! The conda channel of the tests: its index, its server, and how conda reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::kit::{self, ChannelAuth};
use crate::need;

/// Size and SHA-256 of every archive as the index tells them.
fn told(subdir: &Path) -> BTreeMap<String, (u64, String)> {
    let index: Value =
        serde_json::from_slice(&fs::read(subdir.join("repodata.json")).unwrap()).unwrap();
    let lists = [&index["packages"], &index["packages.conda"]];
    let records = lists.into_iter().flat_map(|list| list.as_object().unwrap());
    let told = |record: &Value| {
        (record["size"].as_u64().unwrap(), record["sha256"].as_str().unwrap().to_owned())
    };
    records.map(|(name, record)| (name.clone(), told(record))).collect()
}

/// The same as they are.
fn found(subdir: &Path) -> BTreeMap<String, (u64, String)> {
    let files = fs::read_dir(subdir).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| !path.ends_with("repodata.json"))
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            let hex = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, (bytes.len() as u64, hex))
        })
        .collect()
}

#[test]
fn the_index_matches_the_archives_except_the_damaged_one() {
    let channel = need!(kit::channel());
    let mut wrong = Vec::new();
    for name in ["main/linux-64", "main/linux-aarch64", "main/noarch", "extra/noarch"] {
        let subdir = channel.dir.join(name);
        let (told, found) = (told(&subdir), found(&subdir));
        assert!(told.keys().eq(found.keys()), "{told:?} {found:?}");
        wrong.extend(told.into_iter().filter(|(name, facts)| found[name] != *facts));
    }
    let wrong: Vec<_> = wrong.into_iter().map(|(name, _)| name).collect();
    assert_eq!(wrong, ["wrong-checksum-1.0-0.conda"]);
}

#[test]
fn the_server_requires_its_login_or_token() {
    let channel = need!(kit::channel());
    let index = fs::read_to_string(channel.dir.join("extra/noarch/repodata.json")).unwrap();
    let page = "extra/noarch/repodata.json";
    for (auth, refused) in
        [(ChannelAuth::Open, 200), (ChannelAuth::Login, 401), (ChannelAuth::Token, 403)]
    {
        let served = channel.serve(auth);
        assert_eq!(kit::get(&served.address(page)).status, refused);
        assert_eq!(served.requests(), [format!("GET /{page} {refused}")]);
    }
    let served = channel.serve(ChannelAuth::Token);
    assert_eq!(kit::get(&served.secret_address(page)).body, index);
    assert_eq!(kit::get(&served.secret_address("extra/nothing")).status, 404);
    assert_eq!(kit::get(&served.secret_address("extra/../.records/interpreters.json")).status, 404);
    assert!(channel.address("extra").ends_with("/fixtures/built/small-channel/extra"));
}

#[test]
fn the_real_conda_installs_it() {
    let channel = need!(kit::runnable_channel(&["python-3.6"]));
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("env");
    let packages = ["python=3.6", "mlpack-greeter", "links", "linkscripts"];
    let said = need!(kit::real_conda(&channel, &packages, &prefix, None));
    assert_eq!(said, "");
    for (program, said) in [
        ("mlpack-greet-twice", "hello from mlpack-greeter 1.0\nhello from mlpack-greeter 1.0\n"),
        ("links-again", "1.0\n"),
    ] {
        let output = Command::new(prefix.join("bin").join(program)).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), said, "{output:?}");
    }
    assert_eq!(fs::read_to_string(prefix.join("scripts-ran")).unwrap(), "post-link\n");
}

#[test]
fn environments_are_compared_across_prefixes() {
    let channel = need!(kit::runnable_channel(&["links"]));
    let dir = tempfile::tempdir().unwrap();
    let [one, moved, two] = ["one", "moved", "a-longer-name"].map(|name| dir.path().join(name));
    need!(kit::real_conda(&channel, &["links", "common=1"], &one, None));
    fs::rename(&one, &moved).unwrap();
    let compared = Some((moved.as_path(), one.to_str().unwrap()));
    let said = need!(kit::real_conda(&channel, &["links", "common=1"], &two, compared));
    assert_eq!(said, "");
    fs::remove_file(moved.join("bin/links-soft")).unwrap();
    fs::write(moved.join("etc/links.conf"), "").unwrap();
    let two = dir.path().join("another");
    let said = need!(kit::real_conda(&channel, &["links", "common=1"], &two, compared));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "only real conda: bin/links-soft");
    assert!(lines[1].starts_with("differs: etc/links.conf: file "), "{said}");
    assert_eq!(lines.len(), 2, "{said}");
}
