//! What uv writes when it gives up.

use crate::Error;
use crate::error::PipError;
use mlpack_requirements::Target;

/// What uv wrote when it gave up: a headline, causes, hints.
pub(crate) struct UvFailure {
    headline: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl UvFailure {
    /// Reads what uv printed.
    pub(crate) fn read(stderr: &str) -> Self {
        let mut failure = Self { headline: String::new(), causes: Vec::new(), hint: None };
        let mut in_hint = false;
        for line in stderr.lines().map(str::trim_end) {
            let text = line.trim_start();
            if let Some(headline) = line.strip_prefix("error: ") {
                headline.clone_into(&mut failure.headline);
            } else if let Some(cause) = text.strip_prefix("cause: ") {
                failure.causes.push(cause.to_owned());
                in_hint = false;
            } else if let Some(hint) = line.strip_prefix("hint: ") {
                failure.hint.get_or_insert_with(|| hint.to_owned());
                in_hint = true;
            } else if !text.is_empty()
                && !in_hint
                && !failure.headline.is_empty()
                && !text.starts_with("warning: ")
            {
                // What continues a cause has its indentation, and lists below it have more.
                failure.causes.push(line.strip_prefix("         ").unwrap_or(text).to_owned());
            }
        }
        if failure.headline.is_empty() {
            stderr.trim().clone_into(&mut failure.headline);
        }
        failure
    }

    fn mentions(&self, text: &str) -> bool {
        self.headline.contains(text) || self.causes.iter().any(|cause| cause.contains(text))
    }

    /// Whether it failed because the described interpreter cannot be run, or not be understood.
    pub(crate) fn wants_an_interpreter(&self) -> bool {
        [
            "Failed to identify base Python",
            "Failed to inspect Python",
            "Querying Python",
            "No interpreter found",
        ]
        .iter()
        .any(|text| self.mentions(text))
            || self.failed_build().is_some()
    }

    /// The address that could not be fetched, and why: what is innermost.
    fn unfetched(&self) -> Option<(String, String)> {
        let begin = "Failed to fetch: ";
        let number = self.causes.iter().position(|cause| cause.starts_with(begin))?;
        let address = self.causes[number].trim_start_matches(begin).trim_matches('`');
        let last = self.causes[number + 1..].last()?;
        let reason = last.split(" for url (").next().unwrap_or(last);
        let reason = reason.trim_start_matches("HTTP status client error ");
        let reason = reason.trim_start_matches("HTTP status server error ");
        Some((address.to_owned(), reason.trim_matches(['(', ')']).to_owned()))
    }

    /// `wrapt==1.12.1` of "Failed to download and build `wrapt==1.12.1`", if it was fetched.
    pub(crate) fn failed_build(&self) -> Option<(String, String)> {
        if self.unfetched().is_some() {
            return None;
        }
        let begins = ["Failed to download and build `", "Failed to build `"];
        let named = std::iter::once(&self.headline)
            .chain(&self.causes)
            .find_map(|line| begins.iter().find_map(|begin| line.split_once(begin)))?;
        let package = named.1.split('`').next().unwrap_or_default();
        let (name, version) = package.split_once("==").unwrap_or((package, ""));
        let version = version.split_whitespace().next().unwrap_or_default();
        Some((name.split([' ', '@']).next().unwrap_or(name).to_owned(), version.to_owned()))
    }

    /// A source that was not built; with so many of the last lines.
    pub(crate) fn into_build_error(self, target: &Target, reason: &str, lines: usize) -> Error {
        let Some((name, version)) = self.failed_build() else {
            return self.into_other().into();
        };
        let last = self.causes.len().saturating_sub(lines);
        let lines: String =
            self.causes[last..].iter().map(|cause| format!("\n  {cause}")).collect();
        mlpack_source_build::Error::Unbuildable {
            name,
            version,
            target: target.describe(),
            reason: format!("{reason}{lines}"),
            python: target.python.minor_text(),
        }
        .into()
    }

    fn into_other(self) -> PipError {
        let offline = self.causes.iter().any(|cause| cause.contains("error sending request"));
        PipError::Uv { headline: self.headline, causes: self.causes, offline, named: None }
    }

    pub(crate) fn into_error(self, target: &Target) -> PipError {
        if let Some((index, status)) = self.hint.as_deref().and_then(refused_index) {
            return PipError::IndexRefused { index, status };
        }
        if self.headline.starts_with("Failed to download")
            && let Some((address, reason)) = self.unfetched()
        {
            return PipError::Unfetched { address, reason, place: None };
        }
        const MISSING: &str = " was not found in the package registry";
        let first = self.causes.first().map(String::as_str).unwrap_or_default();
        if let Some((before, _)) = first.split_once(MISSING)
            && let Some(name) = before.strip_prefix("Because ")
            && !name.contains(' ')
        {
            return PipError::NoSuchPackage { name: name.to_owned(), place: None };
        }
        if self.headline.starts_with("No solution found") {
            let reason = self.causes.join("\n");
            let hint = self.hint.as_deref().and_then(own_hint);
            return PipError::Unsatisfiable {
                target: target.describe(),
                conflict: Vec::new(),
                reason,
                hint,
            };
        }
        self.into_other()
    }
}

/// What uv's hint means here; those that name its own options or files do not help.
fn own_hint(hint: &str) -> Option<String> {
    if hint.to_lowercase().contains("pre-release") {
        let hint = "only a release before the final one satisfies this: add the line `--pre` to the pip list, or name that release";
        return Some(hint.to_owned());
    }
    let foreign = ["`--", "uv ", "requires-python", "pyproject"];
    (!foreign.iter().any(|word| hint.contains(word))).then(|| hint.to_owned())
}

/// Reads uv's hint about an index that refused it, as in "An index URL (URL) could not be queried due to a lack of valid
/// authentication credentials (401 Unauthorized)".
fn refused_index(hint: &str) -> Option<(String, String)> {
    let status =
        ["401 Unauthorized", "403 Forbidden"].into_iter().find(|text| hint.contains(text))?;
    let index = hint.strip_prefix("An index")?.split_once('(')?.1.split(')').next()?;
    Some((index.to_owned(), status.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::target;

    #[test]
    fn a_conflict_keeps_the_resolvers_sentences() {
        let text = "error: No solution found when resolving dependencies\n  cause: Because a==1 depends on b>=2 and you require a==1, we can conclude that you require b>=2.\n         And because you require b<2, we can conclude that your requirements are unsatisfiable.\n";
        let error = UvFailure::read(text).into_error(&target());
        assert_eq!(
            error.to_string(),
            "the pip list is unsatisfiable for cpython-3.6.15-linux-amd64-glibc2.23\nBecause a==1 depends on b>=2 and you require a==1, we can conclude that you require b>=2.\nAnd because you require b<2, we can conclude that your requirements are unsatisfiable."
        );
    }

    #[test]
    fn a_package_that_is_not_there_is_named() {
        let text = "error: No solution found when resolving dependencies\n  cause: Because no-such was not found in the package registry and you require no-such, we can conclude that your requirements are unsatisfiable.\n";
        let error = UvFailure::read(text).into_error(&target());
        assert_eq!(error.to_string(), "there is no package `no-such` in the index");
    }

    #[test]
    fn an_index_that_refuses_the_login_is_named() {
        let missing = "error: No solution found when resolving dependencies\n  cause: Because private was not found in the package registry and you require private, we can conclude that your requirements are unsatisfiable.\n\n";
        for hint in [
            "hint: An index URL (https://h.example/simple) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)",
            "hint: An index (https://h.example/simple) returned a 403 Forbidden error. Check that the index URL is correct and the credentials are valid.",
        ] {
            let error = UvFailure::read(&format!("{missing}{hint}\n")).into_error(&target());
            let status = if hint.contains("401") { "401 Unauthorized" } else { "403 Forbidden" };
            let expected =
                format!("the index https://h.example/simple refused the request: {status}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_source_that_cannot_be_fetched_is_no_failed_build() {
        let text = "error: Failed to download and build `six @ https://h.example/six-1.0.tar.gz`\n  cause: Request failed after 3 retries in 7.1s\n  cause: Failed to fetch: https://h.example/six-1.0.tar.gz\n  cause: ";
        for (cause, reason) in [
            (
                "HTTP status client error (404 Not Found) for url (https://h.example/six-1.0.tar.gz)",
                "404 Not Found",
            ),
            (
                "error resolving DNS\n  cause: failed to lookup address information: Name or service not known",
                "failed to lookup address information: Name or service not known",
            ),
        ] {
            let failure = UvFailure::read(&format!("{text}{cause}\n"));
            assert!(!failure.wants_an_interpreter());
            let error = failure.into_error(&target());
            let expected = format!("cannot fetch https://h.example/six-1.0.tar.gz: {reason}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_source_that_must_be_built_is_told_from_a_conflict() {
        let text = "error: Failed to download and build `json-logging-py==0.2`\n  cause: Failed to identify base Python interpreter\n\nhint: `json-logging-py` (v0.2) was included because ...\n";
        let failure = UvFailure::read(text);
        assert!(failure.wants_an_interpreter());
        assert_eq!(failure.failed_build(), Some(("json-logging-py".to_owned(), "0.2".to_owned())));
        let conflict =
            UvFailure::read("error: No solution found when resolving dependencies\n  cause: x\n");
        assert!(!conflict.wants_an_interpreter());
    }
}
