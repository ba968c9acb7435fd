//! Choices of a deployment that Azure ML's configuration has no key for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the service is reached, and which objects of the target it uses.
/// Serialised without what has its default, as a service on a target records it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetOptions {
    /// How clients outside the cluster reach the service.
    #[serde(skip_serializing_if = "is_default")]
    pub exposure: Exposure,
    /// Host name that a route or an Ingress accepts; any if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// A secret of type `kubernetes.io/tls` that exists in the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_secret: Option<String>,
    /// A secret with the registry's login that exists in the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<String>,
    /// Resource id of a managed identity that pulls the image (Azure).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_identity: Option<String>,
    /// Resource id of the subnet to join (Azure).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
}

fn is_default(exposure: &Exposure) -> bool {
    *exposure == Exposure::default()
}

impl TargetOptions {
    /// Returns the first flag that was given and that is not among those that a target acts on.
    pub(crate) fn without_meaning(&self, known: &[&str]) -> Option<&'static str> {
        let given = [
            ("--expose", self.exposure != Exposure::default()),
            ("--hostname", self.hostname.is_some()),
            ("--tls-secret", self.tls_secret.is_some()),
            ("--pull-secret", self.pull_secret.is_some()),
            ("--pull-identity", self.pull_identity.is_some()),
            ("--subnet", self.subnet.is_some()),
        ];
        let other = |flag: &str| !known.contains(&flag);
        given.into_iter().find(|(flag, given)| *given && other(flag)).map(|(flag, _)| flag)
    }
}

/// How clients outside the cluster reach a service. Serialised as its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Exposure {
    /// A Service of type LoadBalancer, as Azure ML's clusters had.
    #[default]
    LoadBalancer,
    /// Not at all: a Service of type ClusterIP.
    ClusterIp,
    /// An HTTPRoute of a Gateway (Gateway API).
    Gateway {
        /// The Gateway's namespace; the service's if `None`.
        namespace: Option<String>,
        /// The Gateway's name.
        name: String,
    },
    /// An Ingress of a class.
    Ingress {
        /// The class's name.
        class: String,
    },
}

impl FromStr for Exposure {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected `load-balancer`, `cluster-ip`, `gateway=NAME`, `gateway=NAMESPACE/NAME` or `ingress=CLASS`";
        let named = |name: &str| match is_name(name) {
            true => Ok(name.to_owned()),
            false => Err(EXPECTED),
        };
        match text.split_once('=') {
            None if text == "load-balancer" => Ok(Self::LoadBalancer),
            None if text == "cluster-ip" => Ok(Self::ClusterIp),
            Some(("gateway", gateway)) => match gateway.split_once('/') {
                Some((namespace, name)) => {
                    Ok(Self::Gateway { namespace: Some(named(namespace)?), name: named(name)? })
                }
                None => Ok(Self::Gateway { namespace: None, name: named(gateway)? }),
            },
            Some(("ingress", class)) => Ok(Self::Ingress { class: named(class)? }),
            _ => Err(EXPECTED),
        }
    }
}

impl TryFrom<String> for Exposure {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Exposure> for String {
    fn from(exposure: Exposure) -> Self {
        exposure.to_string()
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadBalancer => f.write_str("load-balancer"),
            Self::ClusterIp => f.write_str("cluster-ip"),
            Self::Gateway { namespace: Some(namespace), name } => {
                write!(f, "gateway={namespace}/{name}")
            }
            Self::Gateway { namespace: None, name } => write!(f, "gateway={name}"),
            Self::Ingress { class } => write!(f, "ingress={class}"),
        }
    }
}

/// The longest name of an object, in characters (Kubernetes, "Object Names and IDs": DNS subdomain).
const MAX_NAME: usize = 253;

/// Whether a text can be the name of an object: lower case letters, digits, `-` and `.`, with a letter or digit at the
/// ends of each part.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        !part.is_empty()
            && part.bytes().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= MAX_NAME && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposures_print_as_they_are_read() {
        for text in
            ["load-balancer", "cluster-ip", "gateway=edge", "gateway=infra/edge", "ingress=nginx"]
        {
            assert_eq!(text.parse::<Exposure>().unwrap().to_string(), text);
        }
        for bad in ["", "gateway", "gateway=", "gateway=/a", "gateway=a/b/c", "ingress=A", "public"]
        {
            assert!(bad.parse::<Exposure>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        for name in ["a", "1", "a.b-c.9"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a..b", "A", "a_b", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
