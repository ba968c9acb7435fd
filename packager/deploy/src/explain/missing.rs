//! Modules and shared libraries that an image lacks, and the packages that have them.

use super::cause::Explanation;

/// Modules whose package has another name.
const PACKAGES: &[(&str, &str)] = &[
    ("PIL", "pillow"),
    ("cv2", "opencv-python-headless"),
    ("sklearn", "scikit-learn"),
    ("yaml", "pyyaml"),
    ("azureml.core", "azureml-core"),
    ("azureml.contrib.services", "azureml-contrib-services"),
    ("azureml.monitoring", "azureml-monitoring"),
    ("azureml", "azureml-core"),
    ("inference_schema", "inference-schema"),
    ("skimage", "scikit-image"),
    ("bs4", "beautifulsoup4"),
    ("dateutil", "python-dateutil"),
    ("google.protobuf", "protobuf"),
];

pub(super) fn missing_module(module: &str) -> Explanation {
    let cause = format!("the Python module `{module}` is not in the image");
    if module == "sklearn.externals" || module.starts_with("sklearn.externals.") {
        return Explanation::new(
            cause,
            "scikit-learn has no `sklearn.externals.joblib` since 0.23: write `import joblib`, or pin scikit-learn below 0.23",
        );
    }
    if let Some((parent, _)) = module.rsplit_once('.').filter(|_| !is_namespace(module)) {
        // Python names the first part that it does not find, so the others are there.
        return Explanation::new(
            cause,
            format!(
                "`{parent}` is there in another release: pin the one that the script and the model were made with; a file of the project may also hide it"
            ),
        );
    }
    let package = PACKAGES
        .iter()
        .find(|(import, _)| module == *import || module.starts_with(&format!("{import}.")))
        .map_or_else(
            || module.split('.').next().unwrap_or(module).replace('_', "-"),
            |(_, package)| (*package).to_owned(),
        );
    Explanation::new(
        cause,
        format!(
            "add the package `{package}` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder"
        ),
    )
}

/// Whether several packages share the module's parent, so that one of them may be missing.
fn is_namespace(module: &str) -> bool {
    ["azureml.", "google.", "azure.", "mpl_toolkits.", "sphinxcontrib."]
        .iter()
        .any(|parent| module.starts_with(parent))
}

pub(super) fn missing_library(library: &str) -> Explanation {
    let cause = format!("the shared library `{library}` is not in the image");
    let of_gpu = ["libcuda", "libcublas", "libcudnn", "libcufft", "libnv"];
    let hint = if of_gpu.iter().any(|begin| library.starts_with(begin)) {
        "use a base image with the CUDA that the package was built for, or the package's release for CPUs".to_owned()
    } else if library.starts_with("libGL.so") {
        "use opencv-python-headless instead of opencv-python, or a base image with Debian's package `libgl1`".to_owned()
    } else if let Some(package) = library_package(library) {
        format!(
            "use a base image with Debian's package `{package}`, or a package of pip or conda that includes it"
        )
    } else {
        format!("use a base image that has `{library}`, or a package that includes it")
    };
    Explanation::new(cause, hint)
}

/// Libraries by the package of Debian and Ubuntu that has them.
fn library_package(library: &str) -> Option<&'static str> {
    LIBRARIES.iter().find(|(begin, _)| library.starts_with(begin)).map(|(_, package)| *package)
}

const LIBRARIES: &[(&str, &str)] = &[
    ("libGL.so", "libgl1"),
    ("libGLU.so", "libglu1-mesa"),
    ("libSM.so", "libsm6"),
    ("libXext.so", "libxext6"),
    ("libXrender.so", "libxrender1"),
    ("libX11.so", "libx11-6"),
    ("libgthread-2.0.so", "libglib2.0-0"),
    ("libglib-2.0.so", "libglib2.0-0"),
    ("libgomp.so", "libgomp1"),
    ("libgfortran.so.3", "libgfortran3"),
    ("libgfortran.so.5", "libgfortran5"),
    ("libodbc.so", "unixodbc"),
    ("libpq.so", "libpq5"),
    ("libsndfile.so", "libsndfile1"),
    ("libcrypt.so.1", "libcrypt1"),
    ("libxml2.so", "libxml2"),
    ("libexpat.so", "libexpat1"),
    ("libfreetype.so", "libfreetype6"),
    ("libgeos_c.so.1", "libgeos-c1v5"),
    ("libtbb.so.2", "libtbb2"),
    ("libtbb.so.12", "libtbb12"),
    ("libopenblas.so", "libopenblas0"),
];
