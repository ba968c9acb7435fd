//! What can be wrong with a project: the validations of inference configurations
//! (docs/azureml-2019.md#2.4) and the checks of scripts, files, models and packages
//! (docs/azureml-2019.md#9).
//!
//! A check is one file, whose path is its id: `deps.gpu` is `deps/gpu.rs`. It declares with
//! [`Needs`] what has to be known first and runs exactly once, when that is known. Every finding
//! has a hint. To add a check, write its file and add it to its group and to [`CHECKS`].

mod bounds;
mod cuda;
mod finding;
mod local_modules;
mod modules;
mod packages;
mod resolved;
mod subject;
mod tables;
#[cfg(test)]
mod testing;

mod conda {
    pub(super) mod missing;
}
mod config {
    pub(super) mod cuda_version;
    pub(super) mod forms;
    pub(super) mod gpu_target;
    pub(super) mod registry_credentials;
    pub(super) mod spark;
}
mod deps {
    pub(super) mod azureml_defaults;
    pub(super) mod conda_lines;
    pub(super) mod contrib_services;
    pub(super) mod gpu;
    pub(super) mod inference_schema;
    pub(super) mod java;
    pub(super) mod known_bad;
    pub(super) mod libraries;
    pub(super) mod old_python;
    pub(super) mod other_platform;
    pub(super) mod python;
    pub(super) mod requires_python;
    pub(super) mod twice;
    pub(super) mod undeclared;
}
mod docker {
    pub(super) mod steps;
}
mod image {
    pub(super) mod access;
    pub(super) mod name;
}
mod model {
    pub(super) mod duplicates;
    pub(super) mod files;
    pub(super) mod folder;
    pub(super) mod format;
    pub(super) mod pickle;
    pub(super) mod size;
}
mod script {
    pub(super) mod absolute_paths;
    pub(super) mod downloads;
    mod failing_import;
    pub(super) mod file;
    pub(super) mod imports;
    pub(super) mod init_run;
    pub(super) mod local_imports;
    pub(super) mod model_dir;
    pub(super) mod model_name;
    pub(super) mod new_syntax;
    pub(super) mod rawhttp;
    pub(super) mod relative_files;
    mod renamed;
    pub(super) mod returns;
    pub(super) mod run_parameters;
    pub(super) mod samples;
    pub(super) mod schema_parameters;
    pub(super) mod syntax;
}
mod source {
    pub(super) mod case;
    pub(super) mod directory;
    pub(super) mod links;
    pub(super) mod names;
    pub(super) mod private;
    pub(super) mod size;
}

pub use finding::{Edit, Finding, Severity};
pub use resolved::Resolved;
pub use subject::{ComputeTarget, Subject};

/// What has to be known before a check can run. Each stage includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The project's own files: no base image, no network.
    Project,
    /// The facts of the base image too.
    Base,
    /// The image's interpreter too. It is known with the base image if that or the conda file
    /// decides it, else with the packages; checks that need it run in that stage.
    Python,
    /// The resolved packages and their contents too.
    Packages,
}

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name in findings: `script.syntax`.
    pub id: &'static str,
    /// When it can run.
    pub needs: Needs,
    run: fn(&Subject<'_>) -> Vec<Finding>,
    #[cfg(test)]
    path: &'static str,
}

macro_rules! checks {
    ($($group:ident::$name:ident),* $(,)?) => {
        &[$(Check {
            id: $group::$name::ID,
            needs: $group::$name::NEEDS,
            run: $group::$name::run,
            #[cfg(test)]
            path: concat!(stringify!($group), "/", stringify!($name)),
        }),*]
    };
}

/// All checks in the order in which findings of one stage are reported.
pub const CHECKS: &[Check] = checks![
    config::forms,
    config::registry_credentials,
    config::cuda_version,
    config::spark,
    image::name,
    config::gpu_target,
    source::directory,
    script::file,
    conda::missing,
    docker::steps,
    script::syntax,
    script::new_syntax,
    script::init_run,
    script::run_parameters,
    script::rawhttp,
    script::schema_parameters,
    script::samples,
    script::model_name,
    script::model_dir,
    script::returns,
    script::absolute_paths,
    script::relative_files,
    script::downloads,
    script::local_imports,
    model::files,
    model::duplicates,
    model::folder,
    model::size,
    model::pickle,
    model::format,
    source::links,
    source::private,
    source::size,
    source::names,
    source::case,
    deps::old_python,
    deps::python,
    deps::azureml_defaults,
    deps::inference_schema,
    deps::contrib_services,
    script::imports,
    deps::requires_python,
    deps::known_bad,
    deps::undeclared,
    deps::twice,
    deps::conda_lines,
    deps::other_platform,
    deps::gpu,
    deps::libraries,
    deps::java,
    image::access,
];

/// Runs the checks of one stage, [`Needs::Project`], [`Needs::Base`] or [`Needs::Packages`], and no
/// others, in their order.
pub fn run(stage: Needs, subject: &Subject<'_>) -> Vec<Finding> {
    run_some(|_| true, stage, subject)
}

/// Runs those of a stage that look at lists of packages alone, as [`run`] does.
pub fn run_of_packages(stage: Needs, subject: &Subject<'_>) -> Vec<Finding> {
    run_some(|check| check.id.starts_with("deps."), stage, subject)
}

fn run_some(choose: impl Fn(&Check) -> bool, stage: Needs, subject: &Subject<'_>) -> Vec<Finding> {
    let checks = CHECKS.iter().filter(|check| choose(check)).filter(|check| match check.needs {
        Needs::Python => subject.python_stage == stage,
        needs => needs == stage,
    });
    checks.flat_map(|check| (check.run)(subject)).collect()
}

#[cfg(test)]
mod tests {
    use super::testing::{Case, GOOD_CONDA, GOOD_SCRIPT};
    use super::*;

    fn run_all(subject: &Subject<'_>) -> Vec<Finding> {
        let stages = [Needs::Project, Needs::Base, Needs::Packages];
        stages.into_iter().flat_map(|stage| run(stage, subject)).collect()
    }

    #[test]
    fn the_path_of_a_check_is_its_id() {
        for check in CHECKS {
            assert_eq!(check.path.replace('/', ".").replace('_', "-"), check.id);
        }
    }

    #[test]
    fn a_check_of_the_interpreter_runs_once_when_it_is_known() {
        let script = "x: int = 1\ndef init(): pass\ndef run(data): return data\n";
        let found = |adjust: fn(&mut Subject<'_>), stage: fn(&Subject<'_>) -> Vec<Finding>| {
            let case = Case::script(script).python("3.5.2").packages(&[], &[]);
            case.with(adjust).run(stage).len()
        };
        let at_base = |subject: &Subject<'_>| run(Needs::Base, subject);
        let at_packages = |subject: &Subject<'_>| run(Needs::Packages, subject);
        let early = |subject: &mut Subject<'_>| subject.python_stage = Needs::Base;
        assert_eq!([found(early, at_base), found(early, at_packages)], [1, 0]);
        assert_eq!([found(|_| {}, at_base), found(|_| {}, at_packages)], [0, 1]);
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
        assert_eq!(seen, [("deps.python", Severity::Warning, 3),]);
    }
}
