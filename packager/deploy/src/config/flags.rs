//! The settings of a deployment configuration that `az ml model deploy` has flags for (docs/azureml-2019.md#1.4), each
//! defined only once.

use std::fmt;

use mlpack_documents::Scalar;

/// A setting that a flag can give.
#[derive(Debug)]
pub struct FlagSpec {
    /// The flag, without dashes.
    pub flag: &'static str,
    /// Other names of the flag.
    pub aliases: &'static [&'static str],
    /// The keys that lead to it in a configuration, the outermost first.
    pub keys: &'static [&'static str],
    /// What the setting is.
    pub kind: FlagKind,
    /// What it sets.
    pub help: &'static str,
}

/// What a flag's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagKind {
    /// `true` or `false`; `true` for a flag without a value.
    Switch,
    /// A number; the name stands for the value in help texts.
    Number(&'static str),
    /// Text.
    Text(&'static str),
}

/// A setting that was given by a flag. Printed without its value, which may be a key of the service.
#[derive(Clone)]
pub struct Setting {
    /// The setting.
    pub spec: &'static FlagSpec,
    /// Its value as it was written.
    pub text: String,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("flag", &self.spec.flag).finish_non_exhaustive()
    }
}

impl Setting {
    /// Returns the value as a configuration would hold it.
    pub fn scalar(&self) -> Scalar {
        match self.spec.kind {
            FlagKind::Switch | FlagKind::Number(_) => Scalar::plain(&self.text),
            FlagKind::Text(_) => Scalar::quoted(&self.text),
        }
    }
}

const RESOURCES: &str = "containerResourceRequirements";
const SCALER: &str = "autoScaler";
const PROBE: &str = "livenessProbeRequirements";
const COLLECTION: &str = "dataCollection";

const COUNT: FlagKind = FlagKind::Number("NUMBER");
const SECONDS: FlagKind = FlagKind::Number("SECONDS");
const MILLISECONDS: FlagKind = FlagKind::Number("MILLISECONDS");
const PERCENT: FlagKind = FlagKind::Number("PERCENT");
const NAME: FlagKind = FlagKind::Text("NAME");
const KEY: FlagKind = FlagKind::Text("KEY");

macro_rules! flags {
    ($($flag:literal $aliases:tt => $keys:tt, $kind:expr, $help:literal;)*) => {
        /// Every such setting, in the order of the help.
        pub const FLAGS: &[FlagSpec] = &[$(
            FlagSpec { flag: $flag, aliases: &$aliases, keys: &$keys, kind: $kind, help: $help }
        ),*];
    };
}

flags! {
    "port" ["po"] => ["port"], FlagKind::Number("PORT"), "Port on this machine [default: a free port]";
    "cpu-cores" ["cc"] => [RESOURCES, "cpu"], COUNT, "CPU cores of a container, as in 0.5";
    "memory-gb" ["gb"] => [RESOURCES, "memoryInGB"], FlagKind::Number("GB"), "Memory of a container in GB, as in 0.5";
    "cpu-cores-limit" ["ccl"] => [RESOURCES, "cpuLimit"], COUNT, "Most CPU cores of a container";
    "memory-gb-limit" ["gbl"] => [RESOURCES, "memoryInGBLimit"], FlagKind::Number("GB"), "Most memory of a container in GB";
    "gpu-cores" ["gc"] => ["gpuCores"], COUNT, "GPUs of a container";
    "num-replicas" ["nr"] => ["numReplicas"], COUNT, "Number of containers";
    "autoscale-enabled" ["ae"] => [SCALER, "autoscaleEnabled"], FlagKind::Switch, "Adapt the number of containers to the load";
    "autoscale-min-replicas" ["mi"] => [SCALER, "minReplicas"], COUNT, "Least number of containers";
    "autoscale-max-replicas" ["ma"] => [SCALER, "maxReplicas"], COUNT, "Greatest number of containers";
    "autoscale-refresh-seconds" ["ar"] => [SCALER, "refreshPeriodInSeconds"], SECONDS, "Time between two adaptations";
    "autoscale-target-utilization" ["as", "at"] => [SCALER, "targetUtilization"], PERCENT, "Load of a container to aim for";
    "auth-enabled" [] => ["authEnabled"], FlagKind::Switch, "Require a key with each request";
    "token-auth-enabled" [] => ["tokenAuthEnabled"], FlagKind::Switch, "Require a token with each request";
    "primary-key" ["kp"] => ["keys", "primaryKey"], KEY, "Primary key [default: a generated one]";
    "secondary-key" ["ks"] => ["keys", "secondaryKey"], KEY, "Secondary key [default: a generated one]";
    "ssl-enabled" ["se"] => ["sslEnabled"], FlagKind::Switch, "Serve HTTPS";
    "ssl-cert-pem-file" ["sp"] => ["sslCertificate"], FlagKind::Text("FILE"), "Certificate of the service";
    "ssl-key-pem-file" ["sk"] => ["sslKey"], FlagKind::Text("FILE"), "Private key of the certificate";
    "ssl-cname" ["sc"] => ["cname"], NAME, "Host name in the certificate";
    "scoring-timeout-ms" ["tm"] => ["scoringTimeoutMs"], MILLISECONDS, "Time limit of a request";
    "replica-max-concurrent-requests" ["rm"] => ["maxConcurrentRequestsPerContainer"], COUNT, "Requests that a container runs at once";
    "max-request-wait-time" ["mr"] => ["maxQueueWaitMs"], MILLISECONDS, "Time limit of a request in the queue";
    "enable-app-insights" ["ai"] => ["appInsightsEnabled"], FlagKind::Switch, "Send traces to Application Insights";
    "collect-model-data" ["md"] => [COLLECTION, "storageEnabled"], FlagKind::Switch, "Collect inputs and predictions";
    "location" ["lo"] => ["location"], FlagKind::Text("REGION"), "Azure region";
    "dns-name-label" ["dn"] => ["dnsNameLabel"], FlagKind::Text("LABEL"), "First label of the host name";
    "vnet-name" [] => ["vnetName"], NAME, "Virtual network";
    "subnet-name" [] => ["subnetName"], NAME, "Subnet of the virtual network";
    "cmk-vault-base-url" [] => ["vaultBaseUrl"], FlagKind::Text("URL"), "Vault with the key that encrypts the service";
    "cmk-key-name" [] => ["keyName"], NAME, "Name of the key in the vault";
    "cmk-key-version" [] => ["keyVersion"], FlagKind::Text("VERSION"), "Version of the key in the vault";
    "namespace" [] => ["namespace"], NAME, "Kubernetes namespace";
    "liveness-initial-delay-seconds" ["id", "is"] => [PROBE, "initialDelaySeconds"], SECONDS, "Time before the first health check";
    "period-seconds" ["ps"] => [PROBE, "periodSeconds"], SECONDS, "Time between health checks";
    "timeout-seconds" ["ts"] => [PROBE, "timeoutSeconds"], SECONDS, "Time limit of a health check";
    "success-threshold" ["st"] => [PROBE, "successThreshold"], COUNT, "Passed checks that make a container healthy";
    "failure-threshold" ["ft"] => [PROBE, "failureThreshold"], COUNT, "Failed checks that make a container restart";
    "version-name" ["vn"] => ["versionName"], NAME, "Version behind an endpoint";
    "traffic-percentile" ["tp"] => ["trafficPercentile"], PERCENT, "Share of the requests for the version";
    "is-default" [] => ["isDefault"], FlagKind::Switch, "Make the version the default of the endpoint";
    "control-version-type" [] => ["controlVersionType"], FlagKind::Text("TYPE"), "`control` or `treatment`";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{COMPUTE_TYPES, keys_of};
    use super::*;

    #[test]
    fn flags_and_aliases_are_unique() {
        let mut seen = BTreeSet::new();
        for spec in FLAGS {
            for name in spec.aliases.iter().chain([&spec.flag]) {
                assert!(seen.insert(*name), "{name}");
            }
        }
    }

    #[test]
    fn every_flag_is_a_setting_of_a_compute_type() {
        for spec in FLAGS {
            let known = COMPUTE_TYPES.iter().any(|kind| keys_of(kind).contains(&spec.keys[0]));
            assert!(known, "{}", spec.flag);
        }
    }
}
