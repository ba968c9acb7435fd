//! Builds `mlpack-serve` as a static binary with cargo, in a separate target folder below `OUT_DIR`, and generates the
//! module that embeds it and the worker's files.
//!
//! For each architecture the first means that works is used: an installed musl target with a musl C compiler, then the
//! GNU target with `crt-static`, which gives a static executable that runs in an empty root. Where none works nothing
//! is embedded. `MLPACK_SERVE_BINARY` names a binary to embed instead of building one; if it is empty, none is embedded.

#![allow(clippy::disallowed_methods, reason = "cargo talks to build scripts by variables")]
#![allow(clippy::print_stdout, reason = "cargo talks to build scripts by standard output")]
#![allow(clippy::unwrap_used, reason = "a build that cannot go on panics")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Architectures as Rust and as OCI name them.
const ARCHITECTURES: [(&str, &str); 2] = [("x86_64", "amd64"), ("aarch64", "arm64")];

const BINARY: &str = "mlpack-serve";

fn main() {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
    let workspace = manifest.join("../..").canonicalize().unwrap();
    let serve = workspace.join("packager/serve");
    for path in [serve.join("src"), serve.join("worker"), serve.join("Cargo.toml")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for name in ["Cargo.lock", "Cargo.toml", "packager/serve-binary/build.rs"] {
        println!("cargo::rerun-if-changed={}", workspace.join(name).display());
    }
    println!("cargo::rerun-if-env-changed=MLPACK_SERVE_BINARY");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    let given = std::env::var_os("MLPACK_SERVE_BINARY").map(PathBuf::from);
    let own = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let mut code = String::new();
    for (architecture, name) in ARCHITECTURES {
        let binary = match &given {
            Some(path) => (architecture == own && path.is_file()).then(|| path.clone()),
            None => build(architecture, architecture == own, &workspace, &out),
        };
        let value =
            binary.map_or("None".to_owned(), |path| format!("Some(include_bytes!({path:?}))"));
        let name = name.to_uppercase();
        writeln!(code, "const {name}: Option<&[u8]> = {value};").unwrap();
    }
    writeln!(code, "const WORKER_FILES: &[(&str, &[u8])] = &[").unwrap();
    for (name, path) in worker_files(&serve.join("worker")) {
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").unwrap();
    }
    writeln!(code, "];").unwrap();
    std::fs::write(out.join("embedded.rs"), code).unwrap();
}

/// Builds the binary by the first means that works.
fn build(architecture: &str, is_own: bool, workspace: &Path, out: &Path) -> Option<PathBuf> {
    let musl = format!("{architecture}-unknown-linux-musl");
    let compilers = [format!("{architecture}-linux-musl-gcc"), "musl-gcc".to_owned()];
    let compiler = compilers.iter().take(if is_own { 2 } else { 1 }).find(|name| is_program(name));
    if let Some(compiler) = compiler.filter(|_| is_installed(&musl)) {
        let built = cargo(&musl, Some(compiler), workspace, out);
        if built.is_some() {
            return built;
        }
    }
    let gnu = format!("{architecture}-unknown-linux-gnu");
    let linker = format!("{architecture}-linux-gnu-gcc");
    let is_linker = is_own || is_program(&linker);
    let linker = (!is_own).then_some(linker.as_str());
    let built = (is_linker && is_installed(&gnu)).then(|| cargo(&gnu, linker, workspace, out));
    let built = built.flatten();
    if is_own && built.is_none() {
        println!("cargo::warning=mlpack-serve is not embedded: no static binary could be built");
    }
    built
}

/// Runs cargo for a target; the binary's path if that succeeded.
fn cargo(target: &str, compiler: Option<&str>, workspace: &Path, out: &Path) -> Option<PathBuf> {
    let target_dir = out.join("serve");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    cargo.args(["build", "--locked", "--package", BINARY, "--profile", "serve"]);
    cargo.args(["--target", target, "--target-dir"]).arg(&target_dir).current_dir(workspace);
    // What cargo set for this build, such as the wrapper of clippy, is not for the other one.
    for name in ["RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    // Paths of this machine would make the binary differ from that of another.
    let home = std::env::var_os("CARGO_HOME").unwrap_or_else(|| {
        Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cargo").into()
    });
    let flags = [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("--remap-path-prefix={}=/mlpack", workspace.display()),
        format!("--remap-path-prefix={}=/cargo", Path::new(&home).display()),
    ];
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if let Some(compiler) = compiler {
        let name = target.replace('-', "_");
        cargo.env(format!("CC_{name}"), compiler);
        cargo.env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), compiler);
    }
    let status = cargo.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let binary = target_dir.join(target).join("serve").join(BINARY);
    (status.is_ok_and(|status| status.success()) && binary.is_file()).then_some(binary)
}

/// Whether the standard library of a target is installed.
fn is_installed(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).args(["--print", "target-libdir", "--target", target]).output();
    let folder = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The worker's files with their names below its folder, sorted.
fn worker_files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for prefix in ["", "_mlpack_worker/"] {
        let entries = std::fs::read_dir(folder.join(prefix)).unwrap();
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|extension| extension == "py") {
                let name = path.file_name().unwrap().to_str().unwrap();
                files.push((format!("{prefix}{name}"), path.clone()));
            }
        }
    }
    files.sort();
    files
}
