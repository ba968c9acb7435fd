//! Bytes of images, asserted literally: they change only with `mlpack_oci::FORMAT_VERSION`.
//!
//! Base image, wheels, conda packages and lock are made here, so that neither uv nor the network nor
//! an interpreter of this machine has a part in them. Where a test fails and the inputs (the first
//! lines of the golden) are the same, a layer's bytes changed: raise the version, then the golden.

use std::fs;

use snapbox::file;

use crate::kit::{
    Answer, Channel, ChannelAuth, CondaPackage, PLACEHOLDER, TestContext, base, eq, image, noise,
    wheel, wheels,
};

const CONDA_FILE: &str = "name: svc\nchannels:\n  - http://conda.invalid/main\n  - nodefaults\ndependencies:\n  - python=3.11\n  - tool\n  - pip:\n    - core==1.0\n    - bulk==1.0\n";
const PIP_FILE: &str = "name: svc\ndependencies:\n  - pip:\n    - core==1.0\n    - bulk==1.0\n";
const PROGRAM: &str =
    "\u{7f}ELF\0/opt/mlpack-test/_h_env_placehold_placehold_placehold_placehold/lib\0rest\0";
const SCRIPT: &str =
    "#!/opt/mlpack-test/_h_env_placehold_placehold_placehold_placehold/bin/python\nprint('tool')\n";

const PACKAGES: [CondaPackage<'static>; 2] = [
    CondaPackage {
        name: "python",
        version: "3.11.7",
        build: "0",
        depends: &[],
        files: &[
            ("bin/python", 0, "python3.11"),
            ("bin/python3.11", 0o755, PROGRAM),
            ("lib/python3.11/os.py", 0o644, "\"\"\"Test material.\"\"\"\n"),
        ],
    },
    CondaPackage {
        name: "tool",
        version: "1.0",
        build: "0",
        depends: &["python 3.11.*"],
        files: &[("bin/tool", 0o755, SCRIPT), ("share/tool/data.txt", 0o644, "data\n")],
    },
];

/// A context without uv, index and network, with a project of two models: one that compresses and
/// one that does not.
fn context() -> TestContext {
    let mut context = TestContext::bare().own_cache();
    context.set("MLPACK_UV", "/nonexistent");
    context.set("UV_NO_INDEX", "1");
    context.set("UV_FIND_LINKS", context.path("wheels"));
    context.project("unused");
    context.write("noise.bin", noise(1 << 20));
    fs::create_dir(context.path("wheels")).unwrap();
    for entry in fs::read_dir(wheels()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, context.path("wheels").join(path.file_name().unwrap())).unwrap();
    }
    // Its member is large enough that the compressed bytes are copied into the layer.
    let lines: String = (0..20_000_u64).map(|n| format!("{:x}\n", n * n * n)).collect();
    let bulk = wheel("bulk", "1.0", &[], &[("__init__.py", ""), ("table.txt", &lines)], true);
    context.write("wheels/bulk-1.0-py3-none-any.whl", bulk);
    for package in &PACKAGES {
        context.write(&format!("{CHANNEL}/{}", package.file_name()), package.bytes());
    }
    context
}

/// Where the packages of `http://conda.invalid/main/linux-64` are. An image records the address of
/// each conda package, so it must be the same in every run: a proxy serves that host.
const CHANNEL: &str = "channels/main/linux-64";

/// The hexadecimal digits of a file's digest.
fn hex(context: &TestContext, path: &str) -> String {
    crate::kit::sha256(&fs::read(context.path(path)).unwrap()).split_off("sha256:".len())
}

/// A lock file as `mlpack lock` writes it.
fn lock(context: &TestContext, base: &str, new_environment: bool) -> String {
    let base = base.strip_prefix("oci:").unwrap();
    let digest = image(base.as_ref()).digest;
    let (inputs, target) = if new_environment {
        (
            "conda = [\"python=3.11\", \"tool\"]\nchannels = [\"http://conda.invalid/main\", \"nodefaults\"]\n",
            "python = \"3.11.7\"\ninterpreter = \"/opt/mlpack/envs/svc/bin/python3.11\"\nprefix = \"/opt/mlpack/envs/svc\"",
        )
    } else {
        (
            "",
            "python = \"3.11.9\"\ninterpreter = \"/usr/local/bin/python3.11\"\nprefix = \"/opt/mlpack/env\"",
        )
    };
    let mut text = format!(
        "format = 1\n\n[inputs]\nserver = \"builtin\"\n{inputs}pip = [\"core==1.0\", \"bulk==1.0\"]\n\n[base]\ndigest = \"{digest}\"\n\n[target]\n{target}\narchitecture = \"amd64\"\nglibc = \"2.36\"\n"
    );
    for package in PACKAGES.iter().filter(|_| new_environment) {
        let path = format!("{CHANNEL}/{}", package.file_name());
        let url = path.replacen("channels", "http://conda.invalid", 1);
        text += &format!(
            "\n[[conda]]\nname = \"{}\"\nversion = \"{}\"\nbuild = \"{}\"\nsubdir = \"linux-64\"\nurl = \"{url}\"\nsha256 = \"{}\"\n",
            package.name,
            package.version,
            package.build,
            hex(context, &path)
        );
    }
    for name in ["bulk", "core"] {
        let file = format!("{name}-1.0-py3-none-any.whl");
        text += &format!(
            "\n[[pip]]\nname = \"{name}\"\nversion = \"1.0\"\nfile = \"{file}\"\nsha256 = \"{}\"\n",
            hex(context, &format!("wheels/{file}"))
        );
    }
    text
}

/// Packages the project with its lock into `oci:out`.
fn packaged(context: &TestContext, base: &str, new_environment: bool) -> Answer {
    context.write("environment.yml", if new_environment { CONDA_FILE } else { PIP_FILE });
    context.write("mlpack.lock", lock(context, base, new_environment));
    let mut args = context.project_arguments(base, "current");
    args.extend(["-m", "noise:2=noise.bin", "--locked", "--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args)
}

/// Manifest, config and layers with their digests, a line each.
fn digests(context: &TestContext) -> String {
    let image = image(&context.path("out"));
    let shown = context.mlpack(&["inspect", "oci:out", "--format", "json"]).json();
    let roles = shown["layers"].as_array().unwrap().iter().map(|layer| layer["role"].clone());
    let mut text = format!("manifest {}\n", image.digest);
    let descriptors = image.manifest["layers"].as_array().unwrap();
    let named = std::iter::once(serde_json::json!("config")).chain(roles);
    for (descriptor, role) in
        std::iter::once(&image.manifest["config"]).chain(descriptors).zip(named)
    {
        let kind = descriptor["mediaType"].as_str().unwrap();
        let kind = kind.rsplit_once('.').unwrap().1;
        let role = role.as_str().unwrap_or("-");
        text += &format!(
            "{role} {kind} {} {}\n",
            descriptor["size"],
            descriptor["digest"].as_str().unwrap()
        );
    }
    text
}

fn inputs(context: &TestContext) -> String {
    let files = ["wheels/bulk-1.0-py3-none-any.whl", "wheels/core-1.0-py3-none-any.whl"];
    let packages = PACKAGES.iter().map(|one| format!("{CHANNEL}/{}", one.file_name()));
    let files = files.map(str::to_owned).into_iter().chain(packages);
    files.map(|file| format!("input {file} {}\n", hex(context, &file))).collect()
}

#[test]
fn bytes_of_images_are_pinned() {
    assert!(PROGRAM.contains(PLACEHOLDER) && SCRIPT.contains(PLACEHOLDER));
    let base = base("debian12-py311");
    let mut context = context();
    let channel = Channel { dir: context.path("channels") }.serve(ChannelAuth::Open);
    context.set("HTTP_PROXY", format!("http://{}", channel.host));
    let mut text = inputs(&context);
    for (name, new_environment) in [("wheels", false), ("conda packages and wheels", true)] {
        packaged(&context, &base, new_environment).digest();
        text += &format!("\n# {name} on {}\n{}", "debian12-py311", digests(&context));
        fs::remove_dir_all(context.path("out")).unwrap();
    }
    eq(&text, file!["golden/digests.txt"]);
}
