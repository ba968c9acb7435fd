//! How many replicas a service on Kubernetes has (docs/azureml-2019.md#3.3).

use mlpack_documents::Fields;
use serde::Serialize;

use super::fields::boolean;
use crate::Result;

/// How many replicas a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Scale {
    /// Always this many.
    Fixed {
        /// Replicas.
        num_replicas: u32,
    },
    /// As many as the load asks for.
    Auto {
        /// Fewest replicas.
        min_replicas: u32,
        /// Most replicas.
        max_replicas: u32,
        /// How often it is decided, in seconds.
        refresh_period_in_seconds: u32,
        /// Target utilization of the replicas, in percent.
        target_utilization: u32,
    },
}

/// Reads `numReplicas` and `autoScaler`.
pub(super) fn scale(fields: &Fields<'_>) -> Result<Scale> {
    let fixed = fields.whole("numReplicas", 1..=u32::MAX)?;
    let known = [
        "autoscaleEnabled",
        "minReplicas",
        "maxReplicas",
        "refreshPeriodInSeconds",
        "targetUtilization",
    ];
    let scaler = fields.mapping("autoScaler", &known)?;
    let number = |key| scaler.as_ref().map_or(Ok(None), |scaler| scaler.whole(key, 1..=u32::MAX));
    let enabled = scaler.as_ref().map_or(Ok(None), |scaler| boolean(scaler, "autoscaleEnabled"))?;
    let numbers = [number(known[1])?, number(known[2])?, number(known[3])?, number(known[4])?];
    if enabled != Some(true)
        && let Some(at) = numbers.iter().position(Option::is_some)
    {
        // The service's own default "on" does not count here.
        let reason = format!(
            "`autoScaler.{}` needs `autoScaler.autoscaleEnabled` to be true",
            known[at + 1]
        );
        return Err(fields.conflict("autoScaler", reason).into());
    }
    match (enabled, fixed) {
        (Some(true), Some(_)) => {
            let reason = "`numReplicas` and `autoScaler.autoscaleEnabled` exclude each other";
            Err(fields.conflict("numReplicas", reason).into())
        }
        (Some(false), None) => Err(fields.missing("numReplicas").into()),
        (_, Some(num_replicas)) => Ok(Scale::Fixed { num_replicas }),
        (_, None) => {
            let [min, max, refresh, target] = numbers;
            let (min_replicas, max_replicas) = (min.unwrap_or(1), max.unwrap_or(10));
            if min_replicas > max_replicas {
                let reason = format!(
                    "`autoScaler.minReplicas` ({min_replicas}) is above `autoScaler.maxReplicas` ({max_replicas})"
                );
                return Err(fields.conflict("autoScaler", reason).into());
            }
            Ok(Scale::Auto {
                min_replicas,
                max_replicas,
                refresh_period_in_seconds: refresh.unwrap_or(1),
                target_utilization: target.unwrap_or(70),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeploymentConfig;

    fn read(lines: &str) -> Result<Scale> {
        match DeploymentConfig::parse(&format!("computeType: aks\n{lines}\n"), "dc")? {
            DeploymentConfig::Aks(config) => Ok(config.scale),
            other => panic!("not aks: {other:?}"),
        }
    }

    #[test]
    fn replicas_are_fixed_or_scaled() {
        let fixed = Scale::Fixed { num_replicas: 3 };
        for lines in ["numReplicas: 3", "numReplicas: 3\nautoScaler: {autoscaleEnabled: false}"] {
            assert_eq!(read(lines).unwrap(), fixed);
        }
        let scaled = Scale::Auto {
            min_replicas: 1,
            max_replicas: 10,
            refresh_period_in_seconds: 1,
            target_utilization: 70,
        };
        for lines in ["", "autoScaler: {autoscaleEnabled: true}"] {
            assert_eq!(read(lines).unwrap(), scaled);
        }
    }

    #[test]
    fn each_broken_rule_has_its_message() {
        for (lines, message) in [
            (
                "numReplicas: 1\nautoScaler: {autoscaleEnabled: true}",
                "dc:2:1: `numReplicas` and `autoScaler.autoscaleEnabled` exclude each other",
            ),
            ("autoScaler: {autoscaleEnabled: false}", "dc:1:1: missing key `numReplicas`"),
            (
                "autoScaler: {minReplicas: 1}",
                "dc:2:1: `autoScaler.minReplicas` needs `autoScaler.autoscaleEnabled` to be true",
            ),
            (
                "autoScaler: {autoscaleEnabled: true, minReplicas: 5, maxReplicas: 4}",
                "dc:2:1: `autoScaler.minReplicas` (5) is above `autoScaler.maxReplicas` (4)",
            ),
            (
                "autoScaler: {autoscaleEnabled: true, targetUtilization: 0}",
                "dc:2:38: `autoScaler.targetUtilization` must be a whole number of at least 1, found `0`",
            ),
        ] {
            assert_eq!(read(lines).unwrap_err().to_string(), message);
        }
    }
}
