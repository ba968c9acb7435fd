//! Credentials of the base image's registry are complete (docs/azureml-2019.md#2.4,
//! docs/azureml-2019.md#9.20). An address alone is an anonymous pull, which the SDKs of 2019
//! refused.

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "config.registry-credentials";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(registry) = &subject.project.registry else { return Vec::new() };
    let (username, password) = (registry.username.is_some(), registry.password.is_some());
    let fault = match (registry.address.is_some(), username, password) {
        (_, true, false) => ("a user name without a password", "set both, or neither"),
        (_, false, true) => ("a password without a user name", "set both, or neither"),
        (false, true, true) => (
            "user name and password without an address",
            "set the registry's address, as in `example.azurecr.io`",
        ),
        _ => return Vec::new(),
    };
    let message = format!("the base image's registry has {}", fault.0);
    let place = subject.project.place_of("baseImageRegistry");
    vec![Finding::error(ID, message, fault.1).placed(place)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    fn found(registry: &str) -> Vec<Finding> {
        let config =
            format!("entryScript: score.py\nruntime: python\nbaseImageRegistry: {registry}\n");
        Case::script("").config(&config).run(run)
    }

    #[test]
    fn partial_credentials() {
        let error = |message: &str, hint: &str| {
            [finding(ID, Error, Some(("config.yml", 3)), message, hint)]
        };
        assert_eq!(
            found("{address: a.io, username: u}"),
            error(
                "the base image's registry has a user name without a password",
                "set both, or neither"
            )
        );
        assert_eq!(
            found("{address: a.io, password: p}"),
            error(
                "the base image's registry has a password without a user name",
                "set both, or neither"
            )
        );
        assert_eq!(
            found("{username: u, password: p}"),
            error(
                "the base image's registry has user name and password without an address",
                "set the registry's address, as in `example.azurecr.io`"
            )
        );
    }

    #[test]
    fn whole_or_anonymous() {
        for good in ["{address: a.io, username: u, password: p}", "a.io", "null"] {
            assert_eq!(found(good), [], "{good}");
        }
    }
}
