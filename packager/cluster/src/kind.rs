//! Kinds of objects and their addresses.

use serde_json::Value;

/// A kind of object (Kubernetes, "API concepts": resource URIs).
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Group and version, as in `apps/v1`; `v1` for the core group.
    pub api_version: &'static str,
    /// As in `Deployment`.
    pub name: &'static str,
    /// As in `deployments`, the word of URIs and of rules.
    pub plural: &'static str,
    /// Whether objects are in a namespace.
    pub namespaced: bool,
}

/// Declares the kinds that mlpack works with.
macro_rules! kinds {
    ($($constant:ident: $api_version:literal $name:literal $plural:literal $namespaced:literal $doc:literal,)*) => {
        impl Kind {
            $(
                #[doc = $doc]
                pub const $constant: Kind = Kind {
                    api_version: $api_version,
                    name: $name,
                    plural: $plural,
                    namespaced: $namespaced,
                };
            )*
            const ALL: &'static [&'static Kind] = &[$(&Kind::$constant,)*];
        }
    };
}

kinds! {
    NAMESPACE: "v1" "Namespace" "namespaces" false "A namespace.",
    SECRET: "v1" "Secret" "secrets" true "Keys, variables and logins.",
    SERVICE: "v1" "Service" "services" true "A stable address in front of pods.",
    POD: "v1" "Pod" "pods" true "Containers that run together.",
    DEPLOYMENT: "apps/v1" "Deployment" "deployments" true "Pods of one template, replaced step by step.",
    REPLICA_SET: "apps/v1" "ReplicaSet" "replicasets" true "The pods of one revision of a Deployment.",
    AUTOSCALER: "autoscaling/v2" "HorizontalPodAutoscaler" "horizontalpodautoscalers" true "How many pods a Deployment has.",
    DISRUPTION_BUDGET: "policy/v1" "PodDisruptionBudget" "poddisruptionbudgets" true "How many pods may be evicted at once.",
    INGRESS: "networking.k8s.io/v1" "Ingress" "ingresses" true "A way into the cluster.",
    GATEWAY: "gateway.networking.k8s.io/v1" "Gateway" "gateways" true "A way into the cluster for routes.",
    HTTP_ROUTE: "gateway.networking.k8s.io/v1" "HTTPRoute" "httproutes" true "A route of a Gateway.",
}

impl Kind {
    /// Returns the kind of an object, if it is one of these.
    pub fn of(object: &Value) -> Option<&'static Self> {
        let is =
            |kind: &&&Self| object["apiVersion"] == kind.api_version && object["kind"] == kind.name;
        Self::ALL.iter().find(is).copied()
    }

    /// Returns the name that rules have, as in `deployments.apps`.
    pub fn resource(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.to_owned(),
        }
    }

    /// Returns the path of all objects, or of those in a namespace.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let Self { api_version, plural, .. } = self;
        let prefix = if api_version.contains('/') { "apis" } else { "api" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("/{prefix}/{api_version}/namespaces/{namespace}/{plural}"),
            None => format!("/{prefix}/{api_version}/{plural}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_have_addresses() {
        let path = |kind: &Kind| kind.path(Some("team"));
        assert_eq!(path(&Kind::POD), "/api/v1/namespaces/team/pods");
        assert_eq!(path(&Kind::DEPLOYMENT), "/apis/apps/v1/namespaces/team/deployments");
        assert_eq!(path(&Kind::NAMESPACE), "/api/v1/namespaces");
        assert_eq!(Kind::POD.path(None), "/api/v1/pods");
        assert_eq!(
            [Kind::POD.resource(), Kind::INGRESS.resource()],
            ["pods", "ingresses.networking.k8s.io"]
        );
    }

    #[test]
    fn the_kind_of_an_object_is_found() {
        let object = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget" });
        assert_eq!(Kind::of(&object), Some(&Kind::DISRUPTION_BUDGET));
        assert_eq!(Kind::of(&json!({ "apiVersion": "v1", "kind": "Deployment" })), None);
    }
}
