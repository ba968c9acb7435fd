//! Labels of images and services, and the port of a service: a contract between the crates that
//! write them and those that read them.
//!
//! A container has the labels of its image too, so the two groups must not share a name, except
//! [`PORT`].

/// Port that a service listens on in its container, unless the label [`PORT`] names another one
/// (docs/azureml-2019.md#4.1).
pub const DEFAULT_PORT: u16 = 5001;

/// Label of an image and of a service: the port that the service listens on.
pub const PORT: &str = "org.mlpack.port";

/// Label of an image: it starts the front door, which serves keys, TLS and limits; the value is the version of mlpack.
pub const FRONT_DOOR: &str = "org.mlpack.front-door";
/// Label of an image: how it was made, as JSON.
pub const IMAGE: &str = "org.mlpack.image";
/// Label of a base image made of a machine's own Python: the system and the Python version.
pub const ASSEMBLED_FROM_HOST: &str = "org.mlpack.assembled-from-host";

/// Label of a service: its name. A container with this label is an mlpack service.
pub const SERVICE: &str = "org.mlpack.service";
/// Label of a service: its deployment config as JSON.
pub const CONFIG: &str = "org.mlpack.config";
/// Label of a container behind another one of the same service: the id of the one that relays connections to it.
pub const FRONT: &str = "org.mlpack.front";
/// Label of a service: names of the variables that the user set, as a JSON list.
pub const ENVIRONMENT: &str = "org.mlpack.environment";
/// Label of a service: the process that deployed it.
pub const DEPLOYER: &str = "org.mlpack.deployer";
/// Label of a service: its description.
pub const DESCRIPTION: &str = "org.mlpack.description";
/// Label of a service: its tags as a JSON object.
pub const TAGS: &str = "org.mlpack.tags";
/// Label of a service: its properties as a JSON object.
pub const PROPERTIES: &str = "org.mlpack.properties";
/// Annotation of a service on Kubernetes: choices that no configuration has a key for, as JSON.
pub const OPTIONS: &str = "org.mlpack.options";
/// Annotation of a service on Kubernetes: what of its image decides how it is placed, as JSON.
pub const FACTS: &str = "org.mlpack.facts";
/// Annotation of a service on Kubernetes whose first pods did not start: why.
pub const FAILURE: &str = "org.mlpack.failure";
/// Label of a service: the digest of its image.
pub const DIGEST: &str = "org.mlpack.digest";
/// Label of a service: where its image is, as in `docker:NAME`.
pub const REFERENCE: &str = "org.mlpack.reference";
