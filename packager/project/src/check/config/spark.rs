//! The runtime `spark-py` needs Spark in the base image or the conda file.

use crate::check::{Finding, Needs, Subject};
use crate::project::Runtime;

pub(crate) const ID: &str = "config.spark";
pub(crate) const NEEDS: Needs = Needs::Base;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let listed = subject
        .packages()
        .is_some_and(|packages| packages.get("pyspark").is_some() || !packages.complete);
    if subject.project.runtime != Runtime::SparkPy || subject.base_has_spark || listed {
        return Vec::new();
    }
    vec![
        Finding::error(
            ID,
            "the runtime is spark-py, but neither the base image nor the conda file has Spark",
            "add `pyspark` to the conda file, use a base image with Spark, or use the runtime `python`",
        )
        .placed(subject.project.place_of("runtime")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    fn case(runtime: &str, conda: &str) -> Case {
        let config = format!("entryScript: score.py\nruntime: {runtime}\ncondaFile: env.yml\n");
        Case::conda(conda).config(&config)
    }

    #[test]
    fn spark_comes_from_base_or_conda_file() {
        assert_eq!(
            case("spark-py", GOOD_CONDA).run(run),
            [finding(
                ID,
                Error,
                Some(("config.yml", 2)),
                "the runtime is spark-py, but neither the base image nor the conda file has Spark",
                "add `pyspark` to the conda file, use a base image with Spark, or use the runtime `python`",
            )]
        );
        assert_eq!(case("spark-py", "dependencies:\n- pyspark=2.4\n").run(run), []);
        assert_eq!(case("spark-py", GOOD_CONDA).with(|s| s.base_has_spark = true).run(run), []);
        assert_eq!(case("python", GOOD_CONDA).run(run), []);
    }
}
