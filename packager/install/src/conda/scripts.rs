//! Link scripts: programs that conda would run while it installs. They are never run here.

use mlpack_lock::CondaPackage;

/// Packages whose scripts do nothing that a service misses, and what they do.
const HARMLESS: &[(&str, &str)] = &[
    ("bokeh", "it reports the installation to its makers"),
    ("conda", "it makes conda's own shortcuts"),
    ("font-ttf-dejavu-sans-mono", "it refreshes a list of fonts, which is made at need"),
    ("fontconfig", "it refreshes a list of fonts, which is made at need"),
    ("gdk-pixbuf", "it refreshes a list of image loaders for desktop programs"),
    ("glib", "it compiles settings of desktop programs"),
    ("ipykernel", "it registers a kernel for notebooks"),
    ("jupyterlab", "it refreshes the pages of notebooks"),
    ("nb_conda_kernels", "it registers kernels for notebooks"),
    ("notebook", "it adds a menu entry for notebooks"),
    ("qtconsole", "it adds a menu entry"),
    ("widgetsnbextension", "it enables an extension of notebooks"),
];

/// Notes about a package's scripts, by the paths it has.
pub(crate) fn notes<'a>(
    package: &CondaPackage,
    paths: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let name = &package.name;
    let script = |path: &str| {
        let (dir, file) = path.rsplit_once('/')?;
        let stem = file.strip_prefix('.')?.strip_suffix(".sh")?;
        let of = |end: &str| stem.strip_suffix(end) == Some(name.as_str());
        (dir == "bin" && (of("-post-link") || of("-pre-link"))).then(|| path.to_owned())
    };
    paths
        .filter_map(script)
        .map(|path| match HARMLESS.iter().find(|(harmless, _)| harmless == name) {
            Some((_, why)) => format!("`{path}` of {name} is not run, which is harmless: {why}"),
            None => {
                format!("`{path}` of {name} is not run: check whether the service needs its effect")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use mlpack_oci::Digest;

    use super::*;

    #[test]
    fn scripts_are_named_with_what_is_known_of_them() {
        let package = |name: &str| CondaPackage {
            name: name.to_owned(),
            version: "1".to_owned(),
            build: "0".to_owned(),
            subdir: "noarch".to_owned(),
            channel: String::new(),
            url: String::new(),
            sha256: Digest::of(b""),
            size: None,
        };
        let of = |name: &str, paths: &[&str]| notes(&package(name), paths.iter().copied());
        assert_eq!(
            of("glib", &["bin/.glib-post-link.sh", "bin/glib", "bin/.other-post-link.sh"]),
            [
                "`bin/.glib-post-link.sh` of glib is not run, which is harmless: it compiles settings of desktop programs"
            ]
        );
        assert_eq!(
            of("mine", &["bin/.mine-pre-link.sh", "bin/.mine-pre-unlink.sh"]),
            [
                "`bin/.mine-pre-link.sh` of mine is not run: check whether the service needs its effect"
            ]
        );
    }
}
