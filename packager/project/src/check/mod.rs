//! What to catch before anything is built: the validations of inference configurations (docs/azureml-2019.md#2.4) and the checks of scripts, layout and dependencies that need no network (section
//! 9, items 1 to 15, 19 and 21). One check per file, one ordered list; every finding says how to
//! put it right.

mod bounds;
mod cuda;
mod finding;
mod packages;
mod resolved;
mod subject;
mod tables;
#[cfg(test)]
mod testing;

mod absolute_paths;
mod azureml_defaults;
mod case_twins;
mod conda_lines;
mod conda_missing;
mod config_forms;
mod contrib_services;
mod cuda_version;
mod docker_steps;
mod entry_file;
mod flask_era;
mod gpu_packages;
mod gpu_target;
mod image_names;
mod imports;
mod init_run;
mod local_imports;
mod model_dir;
mod model_files;
mod model_folders;
mod model_names;
mod model_pickles;
mod model_size;
mod model_twins;
mod name_collisions;
mod python_line;
mod raw_http;
mod registry_credentials;
mod relative_files;
mod returns;
mod run_parameters;
mod samples;
mod schema_package;
mod schema_parameters;
mod shared_libraries;
mod sklearn_externals;
mod source_directory;
mod source_links;
mod source_private;
mod source_size;
mod spark;
mod syntax;
mod twice_listed;

pub use finding::{Finding, Severity};
pub use resolved::Resolved;
pub use subject::Subject;

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name in findings: `script.syntax`.
    pub id: &'static str,
    /// Finds what is wrong; an empty list if all is well.
    pub run: fn(&Subject<'_>) -> Vec<Finding>,
}

macro_rules! checks {
    ($($name:ident),* $(,)?) => { &[$(Check { id: $name::ID, run: $name::run }),*] };
}

/// All checks in the order of their findings: what stops most comes first.
pub const CHECKS: &[Check] = checks![
    // The inference configuration.
    config_forms,
    registry_credentials,
    cuda_version,
    spark,
    image_names,
    gpu_target,
    // Files that are named.
    source_directory,
    entry_file,
    conda_missing,
    docker_steps,
    // The entry script.
    syntax,
    init_run,
    run_parameters,
    raw_http,
    schema_parameters,
    samples,
    model_names,
    model_dir,
    returns,
    absolute_paths,
    relative_files,
    local_imports,
    // Models and the source directory.
    model_files,
    model_twins,
    model_folders,
    model_size,
    model_pickles,
    source_links,
    source_private,
    source_size,
    name_collisions,
    case_twins,
    // Packages.
    python_line,
    azureml_defaults,
    flask_era,
    sklearn_externals,
    schema_package,
    contrib_services,
    imports,
    twice_listed,
    conda_lines,
    gpu_packages,
    shared_libraries,
];

/// Runs all checks in their order.
pub fn run_all(subject: &Subject<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| (check.run)(subject)).collect()
}

#[cfg(test)]
mod tests {
    use super::testing::{Case, GOOD_CONDA, GOOD_SCRIPT};
    use super::*;

    #[test]
    fn ids_are_distinct() {
        let mut ids: Vec<_> = CHECKS.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn a_good_project_has_no_findings() {
        let case = Case::new(&[("score.py", GOOD_SCRIPT), ("env.yml", GOOD_CONDA), ("m.pkl", "x")])
            .model("digits=m.pkl")
            .python("3.6.2");
        assert_eq!(case.run(run_all), []);
    }

    #[test]
    fn findings_come_in_the_order_of_the_list() {
        let found = Case::new(&[("score.py", "import os\n")]).model("m=gone").run(run_all);
        let ids: Vec<_> = found.iter().map(|finding| finding.check).collect();
        assert_eq!(ids, ["script.init-run", "script.init-run", "model.files"]);
    }

    #[test]
    fn the_documents_sample_as_it_was_written() {
        let script = "import json
import numpy as np
from sklearn.externals import joblib
from azureml.core.model import Model
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType


def init():
    global model
    model = joblib.load(Model.get_model_path('sklearn_regression_model.pkl'))


sample = np.array([[1, 2, 3]])


@input_schema('data', NumpyParameterType(sample))
@output_schema(NumpyParameterType(np.array([1])))
def run(data):
    return json.dumps({'result': model.predict(data).tolist()})
";
        let conda = "name: project_environment
dependencies:
- python=3.6.2
- pip:
  - azureml-defaults
  - scikit-learn
  - inference-schema[numpy-support]
";
        let case = Case::new(&[
            ("score.py", script),
            ("env.yml", conda),
            ("sklearn_regression_model.pkl", "x"),
        ]);
        let found = case.model("sklearn_regression_model.pkl").python("3.6.15").run(run_all);
        let seen: Vec<_> = found
            .iter()
            .map(|finding| {
                (finding.check, finding.severity, finding.place.as_ref().map_or(0, |at| at.1))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("script.returns", Severity::Warning, 20),
                ("deps.python", Severity::Warning, 3),
                ("deps.azureml-defaults", Severity::Warning, 5),
                ("script.sklearn-externals", Severity::Error, 3),
            ]
        );
    }
}
