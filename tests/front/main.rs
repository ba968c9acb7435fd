//! The front door: the command as a user runs it, in a closed world, its whole output compared.
//!
//! Goldens are in `golden/` and beside the tests; `SNAPSHOTS=overwrite` writes them anew. A test
//! that this machine cannot run prints `skipped:` and why; with `MLPACK_TEST_REQUIRE=1` it fails.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "the kit makes the closed world out of the open one")]

mod arguments;
mod bad_bases;
mod bad_inputs;
mod building;
mod channel;
mod check;
mod check_project;
mod conda;
mod conda_faults;
mod conda_options;
mod condarc;
mod docker;
mod env;
mod far_bases;
mod far_conda;
mod floors;
mod inputs;
mod inspect;
mod judges;
mod kit;
mod large;
mod lock;
mod logins;
mod networks;
mod outputs;
mod packages;
mod project;
mod promises;
mod registry;
mod same;
mod transfers;

/// What a test needs, or the end of the test: the reason was said.
macro_rules! need {
    ($wanted:expr) => {
        match $wanted {
            Some(found) => found,
            None => return,
        }
    };
}
pub(crate) use need;
