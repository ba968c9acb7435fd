//! Profiling: an image runs under load for a while, and what it needs is measured.

use std::time::Duration;

use mlpack_deploy::{Deployer, Measured, Request, ServiceName};
use mlpack_oci::Image;

use crate::deploy::ServiceTarget;
use crate::{Result, Session, deploy};

/// Number of lines of the log that are shown if a request fails.
const LOG_TAIL: usize = 30;

/// Returns the end of a service's log, once it does not grow: it may lag behind the answer that it explains.
async fn settled_log(deployer: &dyn Deployer, name: &ServiceName) -> String {
    let mut log = String::new();
    for _ in 0..10 {
        let now = deployer.logs(name, LOG_TAIL).await.unwrap_or_default();
        let settled = !now.is_empty() && now == log;
        log = now;
        if settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    log
}

/// Runs an image as a temporary service, measures it, and deletes the service.
///
/// # Errors
/// If the service does not start, or a request fails.
pub fn execute(
    session: &Session,
    plan: deploy::Plan,
    image: &Image,
    request: &Request,
    duration: Duration,
) -> Result<Measured> {
    let deployer = deploy::deployer(session, &ServiceTarget::default())?;
    let name = plan.name().clone();
    let measured = deploy::execute(session, plan, image).and_then(|_| {
        let title = format!("Sending requests for {} s", duration.as_secs());
        let meter = session.progress.begin(&title, None);
        let measured = session.runtime.block_on(deployer.profile(&name, request, duration));
        meter.finish(if measured.is_ok() { "measured" } else { "failed" });
        if measured.is_err() {
            // The service and its log are gone when the error is read.
            let log = session.runtime.block_on(settled_log(&*deployer, &name));
            session.reporter.warning(&format!("the log of the service ends with\n{log}"));
        }
        Ok(measured?)
    });
    // A service that did not start is kept by `deploy`, for its log, which the error has.
    let deleted = session.runtime.block_on(deployer.delete(&name));
    let measured = measured?;
    deleted?;
    Ok(measured)
}
