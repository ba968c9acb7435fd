//! Packages made on the spot: wheels, source folders, source archives.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Project;

impl Project {
    /// Makes a pure wheel of one module.
    pub(crate) fn wheel(&self, folder: &str, name: &str, version: &str, requires: &[&str]) {
        self.wheel_for(folder, name, version, "py3-none-any", requires);
    }

    /// Makes a wheel of one module for a platform.
    pub(crate) fn wheel_for(
        &self,
        folder: &str,
        name: &str,
        version: &str,
        tag: &str,
        requires: &[&str],
    ) {
        let module = (format!("{name}.py"), format!("VERSION = '{version}'\n"));
        self.wheel_of(folder, (name, version, tag), requires, &[(&module.0, &module.1)]);
    }

    /// Makes a wheel of name, version and tag with these files.
    pub(crate) fn wheel_of(
        &self,
        folder: &str,
        (name, version, tag): (&str, &str, &str),
        requires: &[&str],
        files: &[(&str, &str)],
    ) {
        let info = format!("{name}-{version}.dist-info");
        let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for line in requires {
            metadata += &match line.starts_with("Requires-Python:") {
                true => format!("{line}\n"),
                false => format!("Requires-Dist: {line}\n"),
            };
        }
        let wheel = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n");
        let own = [(format!("{info}/METADATA"), metadata), (format!("{info}/WHEEL"), wheel)];
        let path = self.path(folder).join(format!("{name}-{version}-{tag}.whl"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
        // Without this the time of day would be in the file.
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::DEFAULT);
        let mut record = String::new();
        let own = own.iter().map(|(path, text)| (&**path, &**text));
        for (path, text) in files.iter().copied().chain(own) {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
            record += &format!("{path},sha256={hash},{}\n", text.len());
            zip.start_file(path, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        record += &format!("{info}/RECORD,,\n");
        zip.start_file(format!("{info}/RECORD"), options).unwrap();
        zip.write_all(record.as_bytes()).unwrap();
        zip.finish().unwrap();
    }

    /// Makes a source folder whose build only needs Python.
    pub(crate) fn sources(&self, folder: &str, name: &str, version: &str) {
        self.file(
            &format!("{folder}/pyproject.toml"),
            "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
        );
        self.file(&format!("{folder}/{name}.py"), &format!("VERSION = '{version}'\n"));
        self.file(
            &format!("{folder}/backend.py"),
            &BACKEND.replace("NAME", name).replace("VERSION", version),
        );
    }

    /// Makes a source archive whose build only needs Python.
    pub(crate) fn archive(&self, folder: &str, name: &str, version: &str) {
        let whole = format!("{name}-{version}");
        self.sources(&format!("{folder}/{whole}"), name, version);
        self.file(
            &format!("{folder}/{whole}/PKG-INFO"),
            &format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        );
        self.pack(folder, &whole);
    }

    /// Makes a source archive that is built by releases of setuptools that a requirement allows.
    pub(crate) fn setuptools_archive(&self, folder: &str, name: &str, requirement: &str) {
        let whole = format!("{name}-1.0");
        let sources = format!("{folder}/{whole}");
        self.file(
            &format!("{sources}/pyproject.toml"),
            &format!(
                "[build-system]\nrequires = ['{requirement}']\nbuild-backend = 'setuptools.build_meta'\n"
            ),
        );
        self.file(&format!("{sources}/{name}.py"), "");
        self.file(
            &format!("{sources}/PKG-INFO"),
            &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"),
        );
        self.pack(folder, &whole);
    }

    /// Makes a wheel of a stand-in for setuptools, which builds the one module that it finds.
    pub(crate) fn setuptools(&self, folder: &str, version: &str) {
        let build_meta = SETUPTOOLS.replace("RELEASE", version);
        let files = [("setuptools/__init__.py", ""), ("setuptools/build_meta.py", &build_meta)];
        self.wheel_of(folder, ("setuptools", version, "py3-none-any"), &[], &files);
    }

    fn pack(&self, folder: &str, whole: &str) {
        let packed = Command::new("tar")
            .args(["-czf", &format!("{whole}.tar.gz"), whole])
            .current_dir(self.path(folder))
            .status();
        assert!(packed.unwrap().success());
        fs::remove_dir_all(self.path(folder).join(whole)).unwrap();
    }
}

/// A build backend that makes a wheel of one module, and a folder `build` in the sources.
const BACKEND: &str = r#"import base64, hashlib, os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    info = "NAME-VERSION.dist-info/"
    files = {
        "NAME.py": open("NAME.py").read(),
        info + "METADATA": "Metadata-Version: 2.1\nName: NAME\nVersion: VERSION\n",
        info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    os.makedirs("build", exist_ok=True)
    name = "NAME-VERSION-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for path, text in files.items():
            digest = hashlib.sha256(text.encode()).digest()
            record += f"{path},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(text)}\n"
            wheel.writestr(path, text)
        wheel.writestr(info + "RECORD", record)
    return name
"#;

/// The same for any module, with its own release in the wheel.
const SETUPTOOLS: &str = r#"import base64, glob, hashlib, os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = glob.glob("*.py")[0][:-3]
    info = name + "-1.0.dist-info/"
    files = {
        name + ".py": open(name + ".py").read(),
        info + "METADATA": "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % name,
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: setuptools (RELEASE)\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    wheel = name + "-1.0-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(os.path.join(directory, wheel), "w") as archive:
        for path, text in files.items():
            digest = hashlib.sha256(text.encode()).digest()
            record += "%s,sha256=%s,%d\n" % (path, base64.urlsafe_b64encode(digest).decode().rstrip("="), len(text))
            archive.writestr(zipfile.ZipInfo(path), text)
        archive.writestr(zipfile.ZipInfo(info + "RECORD"), record)
    return wheel
"#;
