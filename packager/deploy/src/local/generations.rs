//! Which containers a service has.

use mlpack_engine::{Container, ContainerStatus};
use mlpack_oci::labels;

use super::address::published;
use super::docker::LocalDeployer;
use super::files::SUCCESSOR;
use crate::front_door::{path, port_of};
use crate::{Error, Result, ServiceName};

/// The containers of a service. The first one has the service's name and its port; after an update it relays connections
/// to another one, which has a number: the port of a container cannot be given to another without a gap.
pub(super) struct Generations {
    /// The one that the port is published for.
    pub(super) front: Container,
    /// The one behind it, if it relays.
    pub(super) behind: Option<Container>,
    /// What interrupted updates left.
    pub(super) stale: Vec<Container>,
}

impl Generations {
    /// Returns the service as one container: the one that answers, at the port of the front.
    pub(super) fn service(&self) -> Container {
        let Some(behind) = &self.behind else { return self.front.clone() };
        let port = port_of(&behind.labels).ok();
        let status = match self.front.status {
            ContainerStatus::Running => behind.status,
            status => status,
        };
        Container {
            status,
            ports: port.into_iter().zip(published(&self.front)).collect(),
            ..behind.clone()
        }
    }

    /// Returns all of them, the front last: connections that it relays end with the others.
    pub(super) fn all(&self) -> impl Iterator<Item = &Container> {
        self.stale.iter().chain(&self.behind).chain([&self.front])
    }

    /// Returns the name of the next container.
    pub(super) fn next_name(&self, service: &ServiceName) -> String {
        let number = |container: &Container| container.name.rsplit_once('.')?.1.parse::<u64>().ok();
        let newest = self.all().filter_map(number).max().unwrap_or(1);
        format!("{service}.{}", newest + 1)
    }
}

/// Whether a container has the name of a service, or that and a number.
fn is_named(container: &str, service: &str) -> bool {
    let Some(rest) = container.strip_prefix(service) else { return false };
    let number = rest.strip_prefix('.').unwrap_or_default();
    rest.is_empty() || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl LocalDeployer {
    /// Sorts the containers of a service; `None` if there are none.
    pub(super) async fn sort(&self, containers: Vec<Container>) -> Result<Option<Generations>> {
        let is_front = |container: &Container| !container.labels.contains_key(labels::FRONT);
        let (mut fronts, mut stale): (Vec<_>, Vec<_>) = containers.into_iter().partition(is_front);
        // If the front was deleted by hand, the newest container is the service.
        let Some(front) = fronts.pop().or_else(|| stale.pop()) else { return Ok(None) };
        let mut behind = None;
        if !stale.is_empty()
            && let Some(name) = self.successor(&front).await?
        {
            let at = stale.iter().position(|container| container.name == name);
            behind = at.map(|at| stale.remove(at));
        }
        Ok(Some(Generations { front, behind, stale }))
    }

    /// Returns the name of the container that another one relays to.
    async fn successor(&self, front: &Container) -> Result<Option<String>> {
        let found = self.engine.read_file(&front.id, &path(SUCCESSOR)).await?;
        let text = String::from_utf8_lossy(&found.unwrap_or_default()).into_owned();
        Ok(text.trim_end().rsplit_once(':').map(|(name, _)| name.to_owned()))
    }

    /// Returns the containers of a service, or of all. Anyone can set a label, so the name must be the service's too.
    pub(super) async fn containers(&self, service: Option<&ServiceName>) -> Result<Vec<Container>> {
        let service = service.map(ServiceName::as_str);
        let mut found = self.engine.containers(labels::SERVICE, service).await?;
        found.retain(|container| is_named(&container.name, &container.labels[labels::SERVICE]));
        Ok(found)
    }

    /// Returns the containers of a service, sorted.
    ///
    /// # Errors
    /// [`Error::NoSuchService`], or the engine's.
    pub(super) async fn generations(&self, name: &ServiceName) -> Result<Generations> {
        let found = self.containers(Some(name)).await?;
        if let Some(generations) = self.sort(found).await? {
            return Ok(generations);
        }
        let services = self.containers(None).await?;
        let mut present: Vec<String> =
            services.iter().map(|container| container.labels[labels::SERVICE].clone()).collect();
        present.sort();
        present.dedup();
        Err(Error::NoSuchService { name: name.to_string(), present })
    }

    /// Returns a service as one container.
    ///
    /// # Errors
    /// As [`LocalDeployer::generations`].
    pub(super) async fn find(&self, name: &ServiceName) -> Result<Container> {
        Ok(self.generations(name).await?.service())
    }
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn a_label_alone_makes_no_service() {
        for ours in ["digits", "digits.2", "digits.17"] {
            assert!(is_named(ours, "digits"), "{ours}");
        }
        for other in ["other", "digits2", "digits.x", "digits-2", "my.digits", ""] {
            assert!(!is_named(other, "digits"), "{other}");
        }
    }
}
