//! Tests through the command as a user runs it, isolated from the machine, with whole outputs
//! compared.
//!
//! Goldens are in `golden/` and beside the tests; `SNAPSHOTS=overwrite` writes them again. A test
//! that this machine cannot run prints `skipped:` and why; with `MLPACK_TEST_REQUIRE=1` it fails.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(
    clippy::disallowed_methods,
    reason = "the kit makes the closed context out of the open one"
)]

mod arm64;
mod az_lines;
mod azure;
mod azure_sign_in;
mod bad_bases;
mod bad_environments;
mod bad_inputs;
mod cache;
mod check_base;
mod check_project;
mod check_unread;
mod command_line;
mod conda;
mod conda_cache;
mod conda_channel;
mod conda_errors;
mod conda_options;
mod condarc;
mod configurations;
mod crash_safety;
mod deploy_documents;
mod digests;
mod docker;
mod documents;
mod env;
mod floors;
mod init;
mod inspect;
mod kit;
mod kubernetes;
mod language;
mod large_models;
mod limits;
mod lock;
mod lock_update;
mod logins;
mod mlflow;
mod model_sources;
mod models;
mod models_registry;
mod modules;
mod network_access;
mod network_bases;
mod network_conda;
mod network_known_bad;
mod odd_bases;
mod package_environment;
mod package_outputs;
mod project_options;
mod push;
mod registry;
mod remembered;
mod reproducibility;
mod selftest;
mod serve;
mod server;
mod skopeo;
mod source_builds;
mod sources;
mod workspace;

/// Unwraps what a test needs, or ends the test; the reason was printed.
macro_rules! need {
    ($wanted:expr) => {
        match $wanted {
            Some(found) => found,
            None => return,
        }
    };
}
pub(crate) use need;
