//! Applies what was rendered: replaces, creates, starts, waits.

use std::net::{Ipv4Addr, TcpListener};

use mlpack_engine::{Container, ContainerSpec, ContainerStatus, Error as EngineError};
use mlpack_oci::{Progress, labels};

use super::docker::LocalDeployer;
use super::error::Error as LocalError;
use super::files::Files;
use super::health::{Waited, Waiting};
use super::interrupted::{has_ended, this_process};
use super::render::{container_name, inner_port, render};
use super::services::{describe, state_of};
use crate::clients::client_of;
use crate::explain::from_log;
use crate::{Deployment, Ended, Error, Result, ServiceName, ServiceState, Webservice, explain_end};

/// Number of lines of the log in an error.
const LOG_TAIL: usize = 50;

impl LocalDeployer {
    /// Runs the image as a service and waits until it answers. Replaces a service of that name that
    /// failed or never started, or whose deployment was killed, and a running one with `overwrite`. If the new one does not start,
    /// its stopped container is kept for its log.
    ///
    /// # Errors
    /// As [`Deployer::deploy`](crate::Deployer::deploy), or the engine's.
    pub(super) async fn apply(
        &self,
        deployment: &Deployment,
        progress: &dyn Progress,
    ) -> Result<Webservice> {
        let spec = self.rendered(deployment).await?;
        let files = Files::prepare(&self.config, &self.folder)?;
        self.replace(deployment, progress).await?;
        let id = self.launch(deployment, &spec, &files, progress).await?;
        Ok(describe(&deployment.name, &self.engine.inspect_container(&id).await?, true))
    }

    /// Decides which container the deployment needs.
    pub(super) async fn rendered(&self, deployment: &Deployment) -> Result<ContainerSpec> {
        let id = deployment.image.digest.to_string();
        let image = self.engine.inspect_image(&id).await.map_err(|error| match error {
            EngineError::NoSuchImage { .. } => {
                LocalError::NotInEngine { reference: deployment.image.to_string() }
            }
            other => other.into(),
        })?;
        render(deployment, &self.config, &image.labels)
    }

    /// Creates and starts a container, waits until it answers, and returns its id.
    pub(super) async fn launch(
        &self,
        deployment: &Deployment,
        spec: &ContainerSpec,
        files: &Files,
        progress: &dyn Progress,
    ) -> Result<String> {
        let id = self.create(deployment, spec).await?;
        if let Err(error) = self.write_secrets(&id, files).await {
            self.engine.remove_container(&id).await?;
            return Err(error);
        }
        if let Err(error) = self.engine.start_container(&id).await {
            // It never ran, so there is no log to keep.
            self.engine.remove_container(&id).await?;
            return Err(error.into());
        }
        let client = self.client_of(files)?;
        let waiting =
            Waiting { id: &id, inner: inner_port(spec), client, tls: files.tls.is_some() };
        self.await_answer(deployment, waiting, progress).await?;
        // The engine may restart it only from now on: a service that cannot start must not be
        // restarted forever.
        self.engine.keep_running(&id).await?;
        Ok(id)
    }

    /// Returns a client that trusts the service's certificate, if it has one.
    pub(super) fn client_of(&self, files: &Files) -> Result<reqwest::Client> {
        Ok(match &files.tls {
            Some(tls) => client_of(&tls.certificate)?,
            None => self.http.clone(),
        })
    }

    /// Returns the earlier containers of the name, all of which may be replaced.
    pub(super) async fn replaceable(
        &self,
        name: &ServiceName,
        overwrite: bool,
    ) -> Result<Vec<Container>> {
        let earlier = self.containers(Some(name)).await?;
        for container in &earlier {
            let replaceable =
                matches!(container.status, ContainerStatus::Created | ContainerStatus::Removing)
                    || state_of(container, false) == ServiceState::Failed
                    || was_interrupted(container);
            if !replaceable && !overwrite {
                let state = self.state(container).await;
                return Err(Error::ServiceExists { name: name.to_string(), state });
            }
        }
        if earlier.is_empty() {
            match self.engine.inspect_container(&container_name(name)).await {
                Err(EngineError::NoSuchContainer { .. }) => {}
                Ok(_) => return Err(LocalError::ForeignContainer { name: name.to_string() }.into()),
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(port) = self.config.port {
            let is_ours = earlier.iter().any(|earlier| earlier.ports.values().any(|&p| p == port));
            if !is_ours && is_taken(port) {
                return Err(EngineError::PortInUse { port }.into());
            }
        }
        Ok(earlier)
    }

    /// Deletes the earlier containers of the name, if the new one can be created.
    async fn replace(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<()> {
        let Deployment { name, overwrite, .. } = deployment;
        for container in self.replaceable(name, *overwrite).await? {
            progress.note(&format!("Replacing service `{name}` created at {}", container.created));
            self.engine.remove_container(&container.id).await?;
        }
        Ok(())
    }

    async fn create(&self, deployment: &Deployment, spec: &ContainerSpec) -> Result<String> {
        let name = deployment.name.to_string();
        let mut spec = spec.clone();
        let process = this_process().map(|process| (labels::DEPLOYER.to_owned(), process));
        spec.labels.extend(process);
        match self.engine.create_container(&spec).await {
            Err(EngineError::NameInUse { .. }) => {
                let there = self.engine.inspect_container(&spec.name).await?;
                if there.labels.get(labels::SERVICE) == Some(&name) {
                    // A concurrent deployment created it first.
                    let state = self.state(&there).await;
                    return Err(Error::ServiceExists { name, state });
                }
                Err(LocalError::ForeignContainer { name }.into())
            }
            Err(EngineError::NoSuchImage { .. }) => {
                Err(LocalError::NotInEngine { reference: deployment.image.to_string() }.into())
            }
            created => Ok(created?),
        }
    }

    async fn await_answer(
        &self,
        deployment: &Deployment,
        waiting: Waiting<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let (name, id) = (deployment.name.to_string(), waiting.id);
        let meter = progress.begin(&format!("Waiting for {name} to answer"), None);
        match self.wait(&waiting, deployment.timeout).await? {
            Waited::Answers => {
                meter.finish("answered");
                Ok(())
            }
            Waited::Ended(container) => {
                meter.finish("failed");
                let log = self.engine.logs(id, LOG_TAIL).await?;
                Err(failed(name, &container, log))
            }
            Waited::TimedOut(last) => {
                meter.finish("timed out");
                self.engine.stop_container(id).await?;
                let log = self.engine.logs(id, LOG_TAIL).await?;
                let explanation = from_log(&log).map(Box::new);
                Err(Error::TimedOut {
                    name,
                    limit: deployment.timeout,
                    last,
                    explanation,
                    log,
                    kept: true,
                })
            }
        }
    }

    /// Returns the state of a service after a request to it.
    pub(super) async fn state(&self, container: &Container) -> ServiceState {
        state_of(container, self.answers(container).await)
    }
}

/// Whether the deployment of a container was killed before the service answered.
fn was_interrupted(container: &Container) -> bool {
    !container.kept_running
        && container.labels.get(labels::DEPLOYER).is_some_and(|process| has_ended(process))
}

fn failed(name: String, container: &Container, log: String) -> Error {
    let ended = Ended { exit_code: container.exit_code, out_of_memory: container.out_of_memory };
    let explanation = explain_end(&log, ended);
    Error::Failed { name, explanation, exit_code: container.exit_code, log, kept: true }
}

/// Returns whether the port is in use. The engine reports every other obstacle.
fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_detected() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_taken(port));
        drop(listener);
        assert!(!is_taken(port));
    }
}
