//! The pairs of `known_bad.yaml`: each really fails, and its remedy really mends it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::kit::{TestContext, network, repository, uv};
use crate::need;

#[derive(Deserialize)]
struct Pair {
    package: String,
    module: String,
    with: String,
    symptom: String,
    remedy: String,
}

/// A pair by its releases, in the order of the table, and what else the import needs, each by its
/// release too: what the index gets tomorrow must not change the result.
const PROOFS: &[(&str, &str, &[&str])] = &[
    ("bottleneck==1.3.7", "numpy==2.1.0", &[]),
    ("flask==1.0.3", "werkzeug==3.0.0", OLD_FLASK),
    ("flask==1.1.4", "werkzeug==2.1.2", OLD_FLASK),
    (
        "flask==2.2.2",
        "werkzeug==3.0.0",
        &["jinja2==3.1.4", "markupsafe==2.1.5", "itsdangerous==2.2.0", "click==8.1.7"],
    ),
    (
        "flask==1.1.4",
        "itsdangerous==2.1.0",
        &["werkzeug==2.0.3", "jinja2==3.0.3", "markupsafe==2.1.5", "click==8.1.7"],
    ),
    (
        "flask==1.0.3",
        "jinja2==3.1.4",
        &["werkzeug==2.0.3", "markupsafe==2.1.5", "itsdangerous==2.0.1", "click==8.1.7"],
    ),
    ("h5py==3.10.0", "numpy==2.1.0", &[]),
    ("jinja2==2.11.3", "markupsafe==2.1.5", &[]),
    ("matplotlib==3.7.5", "numpy==2.1.0", MATPLOTLIB),
    ("numexpr==2.8.7", "numpy==2.1.0", &[]),
    ("opencv-python-headless==4.8.1.78", "numpy==2.1.0", &[]),
    (
        "pandas==1.5.3",
        "numpy==2.1.0",
        &["python-dateutil==2.9.0.post0", "pytz==2024.2", "six==1.16.0"],
    ),
    ("pyarrow==14.0.2", "numpy==2.1.0", &[]),
    (
        "scikit-learn==1.2.2",
        "numpy==2.1.0",
        &["scipy==1.14.1", "joblib==1.4.2", "threadpoolctl==3.5.0"],
    ),
    (
        "statsmodels==0.14.0",
        "numpy==2.1.0",
        &[
            "scipy==1.14.1",
            "pandas==2.2.3",
            "patsy==0.5.6",
            "python-dateutil==2.9.0.post0",
            "pytz==2024.2",
            "tzdata==2024.2",
            "packaging==24.1",
            "six==1.16.0",
        ],
    ),
    ("tensorboard==2.8.0", "protobuf==4.25.3", &["numpy==1.26.4", "six==1.16.0"]),
];

const OLD_FLASK: &[&str] =
    &["jinja2==3.0.3", "markupsafe==2.1.5", "itsdangerous==2.0.1", "click==8.1.7"];

const MATPLOTLIB: &[&str] = &[
    "contourpy==1.1.0",
    "cycler==0.12.1",
    "fonttools==4.54.1",
    "kiwisolver==1.4.7",
    "packaging==24.1",
    "pillow==10.4.0",
    "pyparsing==3.0.9",
    "python-dateutil==2.9.0.post0",
    "six==1.16.0",
];

#[test]
fn known_bad_pairs_fail_and_are_mended() {
    if !network() {
        return;
    }
    let uv = need!(uv());
    let context = need!(TestContext::online());
    let table = repository().join("packager/project/src/check/tables/known_bad.yaml");
    let pairs: Vec<Pair> = serde_yaml::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
    assert_eq!(pairs.len(), PROOFS.len(), "every pair of the table has a proof");
    for (number, (pair, (package, with, others))) in pairs.iter().zip(PROOFS).enumerate() {
        assert!(package.starts_with(&pair.package) && with.starts_with(&pair.with), "{package}");
        let imported = |name: &str, with: &str| {
            let folder = context.path(format!("{number}-{name}"));
            let lines = [&[*package, with], *others].concat();
            assert!(others.iter().all(|line| line.contains("==")), "no release: {others:?}");
            install(&context, &uv, &folder, &lines);
            let code = format!("import {}", pair.module);
            let mut command = context.program("python3.11", &["-c", &code]);
            command.env("PYTHONPATH", &folder).env("PYTHONDONTWRITEBYTECODE", "1");
            let output = command.output().unwrap();
            std::fs::remove_dir_all(folder).unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (good, told) = imported("bad", with);
        assert!(!good && told.contains(&pair.symptom), "{package} with {with}: {told}");
        let (good, told) = imported("mended", &pair.remedy);
        assert!(good, "{package} with {}: {told}", pair.remedy);
    }
}

/// Installs these lines, and nothing that they require.
fn install(context: &TestContext, uv: &Path, folder: &PathBuf, lines: &[&str]) {
    let arguments = ["pip", "install", "--quiet", "--no-deps"];
    let mut command = context.program(&uv.to_string_lossy(), &arguments);
    command.args(["--python", "python3.11", "--target"]).arg(folder).args(lines);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{lines:?}: {}", String::from_utf8_lossy(&output.stderr));
}
