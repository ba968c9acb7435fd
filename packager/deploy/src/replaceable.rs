//! Whether a deployment may replace a service.

use crate::{Error, Result, ServiceName, ServiceState};

/// Checks that a service in a state may be replaced. One that failed always may.
///
/// # Errors
/// [`Error::ServiceExists`]
pub(crate) fn check_replaceable(
    name: &ServiceName,
    state: ServiceState,
    overwrite: bool,
) -> Result<()> {
    match overwrite || state == ServiceState::Failed {
        true => Ok(()),
        false => Err(Error::ServiceExists { name: name.to_string(), state }),
    }
}
