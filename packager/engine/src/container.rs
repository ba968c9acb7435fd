//! The description of a container to create and of one that exists.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, HostConfig, MountType,
    PortBinding, RestartPolicyNameEnum,
};

/// A TCP port of the container and where it is published on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedPort {
    /// Port inside the container.
    pub container: u16,
    /// Port of this machine; a free one if `None`.
    pub host: Option<u16>,
}

/// A file or folder of this machine in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its absolute path on this machine.
    pub host: PathBuf,
    /// Its path in the container.
    pub container: PathBuf,
    /// Whether the container cannot change it.
    pub is_read_only: bool,
}

impl Mount {
    /// A folder that has the same path in the container, which cannot change it.
    pub fn read_only(folder: &Path) -> Self {
        Self { host: folder.to_owned(), container: folder.to_owned(), is_read_only: true }
    }
}

/// A container to create.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ContainerSpec {
    /// Its name.
    pub name: String,
    /// Name or id of its image.
    pub image: String,
    /// Environment variables added to the image's. Values may be secrets and are not printed.
    pub env: BTreeMap<String, String>,
    /// Labels added to the image's.
    pub labels: BTreeMap<String, String>,
    /// What it runs instead of the image's entry point and its arguments; those if empty.
    pub command: Vec<String>,
    /// Whom it runs as, as in `1000:1000`; the image's user if `None`.
    pub user: Option<String>,
    /// Files and folders of this machine that it sees.
    pub mounts: Vec<Mount>,
    /// The port it serves on, if any.
    pub port: Option<PublishedPort>,
    /// What it may use.
    pub limits: Limits,
    /// Its network; the engine's default if `None`.
    pub network: Option<String>,
}

/// What a container may use of this machine; everything where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// CPU time, in billionths of a core.
    pub nano_cpus: Option<i64>,
    /// Memory without swap, in bytes.
    pub memory: Option<i64>,
}

impl fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerSpec")
            .field("name", &self.name)
            .field("image", &self.image)
            .field("env", &self.env.keys())
            .field("labels", &self.labels)
            .field("command", &self.command)
            .field("user", &self.user)
            .field("mounts", &self.mounts)
            .field("port", &self.port)
            .field("limits", &self.limits)
            .field("network", &self.network)
            .finish()
    }
}

/// The engine's state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerStatus {
    /// Created, never started.
    Created,
    /// Its process runs.
    Running,
    /// Frozen.
    Paused,
    /// Its process exited and the engine restarts it.
    Restarting,
    /// Its process exited.
    Exited,
    /// It is being removed.
    Removing,
    /// Partly removed, or a state that only newer engines have.
    Dead,
}

/// A container as the engine describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The engine's id, 64 hex digits.
    pub id: String,
    /// Its name, without the engine's slash.
    pub name: String,
    /// Id of its image, as in `sha256:...`.
    pub image: String,
    /// Its state.
    pub status: ContainerStatus,
    /// The last exit code, if its process exited.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it because memory ran out.
    pub out_of_memory: bool,
    /// The engine's reason why it could not be started, often empty.
    pub error: String,
    /// When it was created, RFC 3339.
    pub created: String,
    /// Its labels and those of its image.
    pub labels: BTreeMap<String, String>,
    /// Published TCP ports: port of the container to port of this machine. Empty while it is not
    /// running.
    pub ports: BTreeMap<u16, u16>,
    /// Networks that it is connected to.
    pub networks: Vec<String>,
    /// Whether the engine restarts it until it is stopped, as after
    /// [`Engine::keep_running`](crate::Engine::keep_running).
    pub kept_running: bool,
}

pub(crate) fn create_body(spec: &ContainerSpec) -> ContainerCreateBody {
    let ports = spec.port.map(|port| {
        let binding = PortBinding {
            host_ip: Some("127.0.0.1".to_owned()),
            host_port: Some(port.host.unwrap_or(0).to_string()),
        };
        (format!("{}/tcp", port.container), Some(vec![binding]))
    });
    let mounts = spec.mounts.iter().map(|mount| bollard::models::Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.host.display().to_string()),
        target: Some(mount.container.display().to_string()),
        read_only: Some(mount.is_read_only),
        ..bollard::models::Mount::default()
    });
    ContainerCreateBody {
        entrypoint: (!spec.command.is_empty()).then(|| spec.command.clone()),
        user: spec.user.clone(),
        image: Some(spec.image.clone()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        exposed_ports: ports.iter().map(|(port, _)| vec![port.clone()]).next(),
        host_config: Some(HostConfig {
            port_bindings: ports.map(|port| HashMap::from([port])),
            mounts: (!spec.mounts.is_empty()).then(|| mounts.collect()),
            network_mode: spec.network.clone(),
            nano_cpus: spec.limits.nano_cpus,
            memory: spec.limits.memory,
            // As much with swap as without: none.
            memory_swap: spec.limits.memory,
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

pub(crate) fn container(found: ContainerInspectResponse) -> Container {
    use ContainerStateStatusEnum as Word;
    let state = found.state.unwrap_or_default();
    let status = match state.status {
        Some(Word::CREATED) => ContainerStatus::Created,
        Some(Word::RUNNING | Word::STOPPING) => ContainerStatus::Running,
        Some(Word::PAUSED) => ContainerStatus::Paused,
        Some(Word::RESTARTING) => ContainerStatus::Restarting,
        Some(Word::EXITED) => ContainerStatus::Exited,
        Some(Word::REMOVING) => ContainerStatus::Removing,
        _ => ContainerStatus::Dead,
    };
    let ended = matches!(
        status,
        ContainerStatus::Exited | ContainerStatus::Restarting | ContainerStatus::Dead
    );
    let host = found.host_config.unwrap_or_default();
    let policy = host.restart_policy.and_then(|policy| policy.name);
    let network = found.network_settings.unwrap_or_default();
    let published = network.ports.unwrap_or_default();
    Container {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: found.image.unwrap_or_default(),
        status,
        exit_code: state.exit_code.filter(|_| ended),
        out_of_memory: state.oom_killed.unwrap_or_default(),
        error: state.error.unwrap_or_default(),
        created: found.created.unwrap_or_default(),
        labels: found
            .config
            .and_then(|config| config.labels)
            .unwrap_or_default()
            .into_iter()
            .collect(),
        ports: published
            .into_iter()
            .filter_map(|(port, bindings)| {
                let container = port.strip_suffix("/tcp")?.parse().ok()?;
                let host = bindings?.into_iter().find_map(|found| found.host_port?.parse().ok())?;
                Some((container, host))
            })
            .collect(),
        networks: network.networks.unwrap_or_default().into_keys().collect(),
        kept_running: policy == Some(RestartPolicyNameEnum::UNLESS_STOPPED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_does_not_print_its_secrets() {
        let spec = ContainerSpec {
            name: "web".to_owned(),
            image: "sha256:00".to_owned(),
            env: BTreeMap::from([("KEY".to_owned(), "very-secret".to_owned())]),
            port: Some(PublishedPort { container: 5001, host: None }),
            ..ContainerSpec::default()
        };
        let text = format!("{spec:?}");
        assert!(text.contains("KEY") && !text.contains("very-secret"), "{text}");
        let body = create_body(&spec);
        assert_eq!(body.env.unwrap(), ["KEY=very-secret"]);
        let ports = body.host_config.unwrap().port_bindings.unwrap();
        assert_eq!(
            ports["5001/tcp"].clone().unwrap(),
            [PortBinding {
                host_ip: Some("127.0.0.1".to_owned()),
                host_port: Some("0".to_owned())
            }]
        );
    }
}
