//! The data and documents that the command contains: `base-images/` and `templates/`.

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../", $folder, "/", $path)))),*]
    };
}

/// Known images and policies, by path below `base-images/`.
pub(crate) const BASE_IMAGES: &[(&str, &str)] = files!["base-images":
    "images/azureml-base-gpu.yaml",
    "images/azureml-base.yaml",
    "images/onnxruntime-cpu.yaml",
    "images/onnxruntime-cuda.yaml",
    "images/onnxruntime-latest-cuda.yaml",
    "images/onnxruntime-latest-openvino-myriad.yaml",
    "images/onnxruntime-latest-openvino-vadm.yaml",
    "images/onnxruntime-latest-tensorrt.yaml",
    "images/onnxruntime-latest.yaml",
    "images/onnxruntime-tensorrt.yaml",
    "images/openmpi-cuda-ubuntu22.yaml",
    "images/openmpi-ubuntu22.yaml",
    "images/ubuntu-miniconda.yaml",
    "policies/azureml-2019.yaml",
    "policies/current.yaml",
];

/// Documents, by path below `templates/`.
pub(crate) const TEMPLATES: &[(&str, &str)] = files!["templates":
    "aci/container-group.json.hbs",
    "iot/deployment.json.hbs",
    "iot/module.json.hbs",
    "kubernetes/deployment.yaml.hbs",
    "kubernetes/horizontal-pod-autoscaler.yaml.hbs",
    "kubernetes/http-route.yaml.hbs",
    "kubernetes/inference-service.yaml.hbs",
    "kubernetes/ingress.yaml.hbs",
    "kubernetes/kustomization.yaml.hbs",
    "kubernetes/namespace.yaml.hbs",
    "kubernetes/pod-disruption-budget.yaml.hbs",
    "kubernetes/pod.yaml.hbs",
    "kubernetes/secret.yaml.hbs",
    "kubernetes/service.yaml.hbs",
    "launcher/launch.py.hbs",
    "launcher/main.py.hbs",
    "project/README.md.hbs",
    "project/deploymentconfig.json",
    "project/environment.yml.hbs",
    "project/inferenceconfig.json",
    "project/sample.json",
    "project/score.py.hbs",
    "quickstart/README.md",
    "quickstart/deploymentconfig.json",
    "quickstart/environment.yml",
    "quickstart/expected.json",
    "quickstart/inferenceconfig.json",
    "quickstart/sample.json",
    "quickstart/score.py",
];

/// The model of the sample.
pub(crate) const QUICKSTART_MODEL: &[u8] =
    include_bytes!("../../../templates/quickstart/digits.onnx");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn on_disk(folder: &str, kept: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut found = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.retain(|path| kept(path));
        found
    }

    fn listed(files: &[(&str, &str)]) -> BTreeSet<String> {
        files.iter().map(|(path, _)| (*path).to_owned()).collect()
    }

    #[test]
    fn every_file_is_embedded() {
        let data = on_disk("base-images", &|path| path.ends_with(".yaml"));
        assert_eq!(listed(BASE_IMAGES), data);
        let for_readers = ["launcher/README.md", "README.md"];
        let binary = ["quickstart/digits.onnx"];
        let documents =
            on_disk("templates", &|path| !for_readers.contains(&path) && !binary.contains(&path));
        assert_eq!(listed(TEMPLATES), documents);
    }

    #[test]
    fn the_catalogue_reads() {
        let catalogue =
            mlpack_project::base::Catalogue::parse(BASE_IMAGES.iter().copied()).unwrap();
        for (runtime, gpu) in [("python", false), ("python", true)] {
            assert!(catalogue.default_for(runtime, gpu).is_some(), "{runtime} {gpu}");
        }
    }
}
