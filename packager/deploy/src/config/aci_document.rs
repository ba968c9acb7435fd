//! Writes the settings of Azure Container Instances as the configuration that they are read from.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::aci::AciConfig;

impl Serialize for AciConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = |key: &'static str, text: Option<&String>| Some((key, text?.as_str().into()));
        let (ssl, encryption) = (self.ssl.as_ref(), self.encryption.as_ref());
        let network = self.network.as_ref();
        let entries = [
            Some((
                "containerResourceRequirements",
                json!({ "cpu": self.cpu, "memoryInGB": self.memory_in_gb }),
            )),
            given("location", self.location.as_ref()),
            Some(("authEnabled", self.auth_enabled.into())),
            ssl.map(|_| ("sslEnabled", true.into())),
            given("sslCertificate", ssl.map(|ssl| &ssl.certificate)),
            given("sslKey", ssl.map(|ssl| &ssl.key)),
            given("cname", ssl.map(|ssl| &ssl.cname)),
            Some(("appInsightsEnabled", self.app_insights_enabled.into())),
            given("dnsNameLabel", self.dns_name_label.as_ref()),
            given("vaultBaseUrl", encryption.map(|key| &key.vault_base_url)),
            given("keyName", encryption.map(|key| &key.key_name)),
            given("keyVersion", encryption.map(|key| &key.key_version)),
            given("vnetName", network.map(|network| &network.vnet_name)),
            given("subnetName", network.map(|network| &network.subnet_name)),
        ];
        let entries: Vec<(&str, Value)> = entries.into_iter().flatten().collect();
        serializer.collect_map(entries)
    }
}
