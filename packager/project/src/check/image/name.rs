//! Names of images that registries and engines refuse (docs/azureml-2019.md#9.21).

use mlpack_oci::Location;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "image.name";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let refuse = |what: &str, text: &str, hint: &str| {
        let error = text.parse::<Location>().err()?;
        Some(Finding::error(ID, format!("{what} {error}"), hint))
    };
    let base = subject.project.base_reference().and_then(|text| {
        let hint = "write it like `mcr.microsoft.com/azureml/onnxruntime:latest`, in lower case";
        let finding = refuse("the base image", &text, hint)?;
        Some(finding.placed(subject.project.place_of("baseImage")))
    });
    let output = subject.output.and_then(|text| {
        refuse("the output", text, "write it like `example.azurecr.io/digits:1`, in lower case")
    });
    base.into_iter().chain(output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::Case;

    fn found(base: &str, output: Option<&'static str>) -> Vec<Finding> {
        let config = format!(
            "entryScript: score.py\nruntime: python\nbaseImage: \"{base}\"\nbaseImageRegistry: a.io\n"
        );
        let case = Case::script("").config(&config);
        match output {
            Some("Bad Name") => case.with(|s| s.output = Some("Bad Name")).run(run),
            Some(_) => case.with(|s| s.output = Some("oci:dir:v1")).run(run),
            None => case.run(run),
        }
    }

    #[test]
    fn names_are_those_of_registries() {
        let bad = found("azureml/ONNX:latest", None);
        assert_eq!(bad.len(), 1);
        assert_eq!((bad[0].severity, bad[0].check), (Error, ID));
        assert!(
            bad[0]
                .message
                .starts_with("the base image `a.io/azureml/ONNX:latest` is not an image: ")
        );
        assert_eq!(bad[0].place.as_ref().unwrap().1, 3);
        let bad = found("azureml/onnx", Some("Bad Name"));
        assert_eq!(bad.len(), 1);
        assert!(bad[0].message.starts_with("the output `Bad Name` is not an image: "));
        assert_eq!(found("azureml/onnx:latest", Some("oci:dir:v1")), []);
        assert_eq!(found("a.io/azureml/onnx", None), []);
    }
}
