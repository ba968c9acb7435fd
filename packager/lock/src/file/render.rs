//! The text of a lock file, written by hand: the order of keys and the breaks of lines are what
//! makes a difference readable.

use std::fmt::Write as _;

use super::package_form::{CondaForm, PipForm};
use super::{FORMAT, LockFile, Places};

const HEAD: &str = "\
# Exact packages for one base image, written by `mlpack lock`. Keep it beside the conda file, under
# version control; `mlpack lock --update` renews it.
";

pub(crate) fn render(lock: &LockFile, places: Places<'_>) -> String {
    let mut text = HEAD.to_owned();
    let LockFile { inputs, base, cuda, environment } = lock;
    number(&mut text, "format", Some(u64::from(FORMAT)));
    value(&mut text, "server", lock.server().as_deref());

    text.push_str("\n[inputs]\n");
    value(&mut text, "server", Some(inputs.server.name()));
    list(&mut text, "conda", &inputs.conda);
    list(&mut text, "channels", &inputs.channels);
    list(&mut text, "pip", &inputs.pip);
    value(&mut text, "exclude-newer", inputs.exclude_newer.as_deref());
    list(&mut text, "indexes", &inputs.indexes);
    for file in &inputs.files {
        text.push_str("\n[[inputs.files]]\n");
        value(&mut text, "path", Some(&file.path));
        value(&mut text, "sha256", Some(&file.sha256.hex()));
    }

    text.push_str("\n[base]\n");
    value(&mut text, "reference", base.reference.as_deref());
    value(&mut text, "digest", Some(&base.digest.to_string()));

    let target = &environment.target;
    text.push_str("\n[target]\n");
    value(&mut text, "python", Some(&target.python.to_string()));
    value(&mut text, "interpreter", Some(&target.interpreter));
    value(&mut text, "prefix", Some(&environment.prefix));
    value(&mut text, "architecture", Some(&target.architecture.to_string()));
    value(&mut text, "glibc", Some(&target.glibc.to_string()));
    value(&mut text, "cuda", cuda.as_deref());

    for package in &environment.conda {
        let form = CondaForm::of(package, places);
        text.push_str("\n[[conda]]\n");
        value(&mut text, "name", Some(&form.name));
        value(&mut text, "version", Some(&form.version));
        value(&mut text, "build", Some(&form.build));
        value(&mut text, "subdir", Some(&form.subdir));
        value(&mut text, "url", form.url.as_deref());
        value(&mut text, "path", form.path.as_deref());
        value(&mut text, "sha256", Some(&form.sha256.0.hex()));
        number(&mut text, "size", form.size);
    }
    for package in &environment.packages {
        let form = PipForm::of(package, places);
        text.push_str("\n[[pip]]\n");
        value(&mut text, "name", Some(&form.name));
        value(&mut text, "version", Some(&form.version));
        value(&mut text, "file", Some(&form.file));
        value(&mut text, "url", form.url.as_deref());
        value(&mut text, "path", form.path.as_deref());
        value(&mut text, "directory", form.directory.as_deref());
        value(&mut text, "git", form.git.as_deref());
        value(&mut text, "commit", form.commit.as_deref());
        value(&mut text, "subdirectory", form.subdirectory.as_deref());
        value(&mut text, "sha256", Some(&form.sha256.0.hex()));
        number(&mut text, "size", form.size);
    }
    text
}

// Writing to a string does not fail.

fn value(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{key} = {}", quoted(value));
    }
}

fn number(text: &mut String, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{key} = {value}");
    }
}

fn list(text: &mut String, key: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(text, "{key} = [");
    for value in values {
        let _ = writeln!(text, "    {},", quoted(value));
    }
    text.push_str("]\n");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
