//! Flask 1.0 needs its dependencies pinned: their later releases broke it in 2022
//! (docs/azureml-2019.md#0.3, docs/azureml-2019.md#9.15).

use mlpack_lock::Server;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.flask";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Dependencies, the release they have to stay below, and a pin that works.
const DEPENDENCIES: &[(&str, &str, &str)] = &[
    ("itsdangerous", "2.1", "itsdangerous==2.0.1"),
    ("jinja2", "3.1", "jinja2<3.1"),
    ("markupsafe", "2.1", "markupsafe<2.1"),
    ("werkzeug", "2", "werkzeug<2"),
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.project.server == Server::Builtin {
        return Vec::new();
    }
    let Some(packages) = subject.packages() else { return Vec::new() };
    let flask = packages.get("flask").filter(|flask| !flask.bounds.admits_from("1.1"));
    // Its releases from 1.0.48 to 1.29 pin Flask 1.0.3.
    let defaults = packages.get("azureml-defaults").filter(|defaults| {
        defaults.bounds.begins_at("1.0.48") && !defaults.bounds.admits_from("1.30")
    });
    let Some(old) = flask.or(defaults) else { return Vec::new() };
    let open: Vec<&(&str, &str, &str)> = DEPENDENCIES
        .iter()
        .filter(|(name, below, _)| {
            packages.get(name).is_none_or(|listed| listed.bounds.admits_from(below))
        })
        .collect();
    if open.is_empty() || !packages.complete {
        return Vec::new();
    }
    let names: Vec<&str> = open.iter().map(|(name, ..)| *name).collect();
    let pins: Vec<&str> = open.iter().map(|(.., pin)| *pin).collect();
    vec![
        Finding::warning(
            ID,
            format!(
                "`{}` pulls in Flask 1.0, which is incompatible with current {}",
                old.text,
                names.join(", ")
            ),
            format!("add to the pip list: {}", pins.join(", ")),
        )
        .placed(old.place()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    fn found(lines: &[&str]) -> Vec<Finding> {
        let lines: String = lines.iter().map(|line| format!("  - {line}\n")).collect();
        Case::conda(&format!("dependencies:\n- pip:\n{lines}")).azmlinfsrv().run(run)
    }

    #[test]
    fn dependencies_are_pinned() {
        assert_eq!(
            found(&["flask==1.0.3", "jinja2==2.11.3", "werkzeug==0.16.1"]),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 3)),
                "`flask==1.0.3` pulls in Flask 1.0, which is incompatible with current itsdangerous, markupsafe",
                "add to the pip list: itsdangerous==2.0.1, markupsafe<2.1",
            )]
        );
        let all = ["itsdangerous==2.0.1", "jinja2<3.1", "markupsafe<2.1", "werkzeug<2"];
        assert_eq!(found(&[&["azureml-defaults==1.1.5"], &all[..]].concat()), []);
        let one = found(&["azureml-defaults==1.1.5"]);
        assert_eq!(
            (one.len(), &*one[0].hint),
            (1, "add to the pip list: itsdangerous==2.0.1, jinja2<3.1, markupsafe<2.1, werkzeug<2")
        );
        assert_eq!(found(&["azureml-defaults==1.0.33"]), []);
        assert_eq!(found(&["flask"]), []);
        let builtin = Case::conda("dependencies:\n- pip:\n  - flask==1.0.3\n");
        assert_eq!(builtin.run(run), []);
        assert_eq!(Case::conda(GOOD_CONDA).run(run), []);
    }
}
