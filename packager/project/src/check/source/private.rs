//! Keys and credentials in the source directory would be packaged, since nothing is ignored
//! (docs/azureml-2019.md#9.12).

use crate::check::{Finding, Needs, Subject};
use crate::project::PackedFile;

pub(crate) const ID: &str = "source.private";
pub(crate) const NEEDS: Needs = Needs::Project;

const NAMES: &[&str] = &[
    ".env",
    ".azureml",
    ".aws",
    ".azure",
    ".ssh",
    ".netrc",
    ".pypirc",
    ".git-credentials",
    ".npmrc",
    "id_rsa",
    "id_ed25519",
    "credentials.json",
];
const EXTENSIONS: &[&str] = &["pem", "key", "pfx", "p12", "ppk"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let files = &subject.source_files().files;
    let mut found: Vec<&PackedFile> = Vec::new();
    for file in files.iter().filter(|file| is_private(file)) {
        // Files in a folder that is reported are not.
        if !found.iter().any(|outer| file.path.starts_with(&format!("{}/", outer.path))) {
            found.push(file);
        }
    }
    found
        .into_iter()
        .map(|file| {
            Finding::warning(
                ID,
                format!("{} would be packaged, and everyone who pulls the image can read it", file.path),
                "move it out of the source directory; pass secrets to the service when it is deployed",
            )
        })
        .collect()
}

fn is_private(file: &PackedFile) -> bool {
    let name = file.name();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    NAMES.contains(&name) || extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn keys_are_named_once() {
        let files = [
            ("src/score.py", ""),
            ("src/.azureml/config.json", ""),
            ("src/in/my.PEM", ""),
            (".env", ""),
        ];
        let warning = |path: &str| {
            finding(
                ID,
                Warning,
                None,
                &format!("{path} would be packaged, and everyone who pulls the image can read it"),
                "move it out of the source directory; pass secrets to the service when it is deployed",
            )
        };
        let found = Case::new(&files).source("src").run(run);
        assert_eq!(found, [warning("src/.azureml"), warning("src/in/my.PEM")]);
        assert_eq!(Case::new(&[("score.py", ""), (".env", "")]).run(run), []);
    }
}
