//! The front door for arm64, under an emulator.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kit::{emulator, get, post, repository};
use crate::need;

/// Whether this machine has the tools to build for arm64; a user's mostly has not.
fn has_tools() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let target = ["--print", "target-libdir", "--target", "aarch64-unknown-linux-gnu"];
    let folder = Command::new(rustc).args(target).output().map(|output| output.stdout);
    let folder = String::from_utf8(folder.unwrap_or_default()).unwrap();
    // A compiler without a C library prints the bare name.
    let library = Command::new("aarch64-linux-gnu-gcc").arg("-print-file-name=libc.a").output();
    let has_library = library.is_ok_and(|output| output.stdout.contains(&b'/'));
    has_library && Path::new(folder.trim()).is_dir()
}

#[test]
fn the_front_door_for_arm64_serves() {
    let Some(binary) = mlpack_serve_binary::binary_for("arm64") else {
        assert!(
            !has_tools(),
            "this machine can build the front door for arm64, but it is not embedded"
        );
        println!(
            "no front door for arm64: install aarch64-linux-gnu-gcc and the target aarch64-unknown-linux-gnu"
        );
        return;
    };
    let emulator = need!(emulator());
    let dir = tempfile::tempdir().unwrap();
    let door = dir.path().join("mlpack-serve");
    fs::write(&door, binary).unwrap();
    fs::set_permissions(&door, fs::Permissions::from_mode(0o755)).unwrap();
    let script = "def init():\n    pass\n\n\ndef run(data):\n    return [data]\n";
    fs::write(dir.path().join("score.py"), script).unwrap();
    // The worker's Python is this machine's: the emulator runs the front door only.
    let mut service = Command::new(emulator);
    service.arg(&door).args(["serve", "--", "python3", "-B"]);
    service.arg(repository().join("packager/serve/worker"));
    service.env("MLPACK_LISTEN", "127.0.0.1:0").env("MLPACK_OPERATIONS_LISTEN", "127.0.0.1:0");
    service.env("AML_APP_ROOT", dir.path()).env("AZUREML_ENTRY_SCRIPT", "score.py");
    let mut service = service.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let mut event = |text: &str| loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["message"].as_str().is_some_and(|message| message.contains(text)) {
            return line;
        }
    };
    let address = event("listening")["address"].as_str().unwrap().to_owned();
    event("is ready");
    assert_eq!(post(&format!("http://{address}/score"), "1").body, "[\"1\"]");
    assert_eq!(get(&format!("http://{address}/")).status, 200);
    service.kill().unwrap();
    service.wait().unwrap();
}
