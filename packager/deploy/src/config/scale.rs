//! How many replicas a service on Kubernetes has (docs/azureml-2019.md#3.3).

use serde::Serialize;

use super::fields::Fields;
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
        /// How busy replicas shall be, in percent.
        target_utilization: u32,
    },
}

/// Reads `numReplicas` and `autoScaler`.
pub(super) fn scale(fields: &Fields<'_>) -> Result<Scale> {
    let fixed = fields.whole("numReplicas", 1, u32::MAX)?;
    let known = [
        "autoscaleEnabled",
        "minReplicas",
        "maxReplicas",
        "refreshPeriodInSeconds",
        "targetUtilization",
    ];
    let scaler = fields.mapping("autoScaler", &known)?;
    let number = |key| scaler.as_ref().map_or(Ok(None), |scaler| scaler.whole(key, 1, u32::MAX));
    let enabled = scaler.as_ref().map_or(Ok(None), |scaler| scaler.boolean("autoscaleEnabled"))?;
    let numbers = [number(known[1])?, number(known[2])?, number(known[3])?, number(known[4])?];
    if enabled != Some(true)
        && let Some(at) = numbers.iter().position(Option::is_some)
    {
        // The service's own default "on" does not count here.
        return Err(fields.conflict(format!(
            "`autoScaler.{}` needs `autoScaler.autoscaleEnabled` to be true",
            known[at + 1]
        )));
    }
    match (enabled, fixed) {
        (Some(true), Some(_)) => {
            Err(fields
                .conflict("`numReplicas` and `autoScaler.autoscaleEnabled` exclude each other"))
        }
        (Some(false), None) => Err(fields.missing("numReplicas")),
        (_, Some(num_replicas)) => Ok(Scale::Fixed { num_replicas }),
        (_, None) => {
            let [min, max, refresh, target] = numbers;
            let (min_replicas, max_replicas) = (min.unwrap_or(1), max.unwrap_or(10));
            if min_replicas > max_replicas {
                return Err(fields.conflict(format!(
                    "`autoScaler.minReplicas` ({min_replicas}) is above `autoScaler.maxReplicas` ({max_replicas})"
                )));
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
                "dc: `numReplicas` and `autoScaler.autoscaleEnabled` exclude each other",
            ),
            ("autoScaler: {autoscaleEnabled: false}", "dc: the key `numReplicas` is missing"),
            (
                "autoScaler: {minReplicas: 1}",
                "dc: `autoScaler.minReplicas` needs `autoScaler.autoscaleEnabled` to be true",
            ),
            (
                "autoScaler: {autoscaleEnabled: true, minReplicas: 5, maxReplicas: 4}",
                "dc: `autoScaler.minReplicas` (5) is above `autoScaler.maxReplicas` (4)",
            ),
            (
                "autoScaler: {autoscaleEnabled: true, targetUtilization: 0}",
                "dc: `autoScaler.targetUtilization` is 0; expected a whole number of at least 1",
            ),
        ] {
            assert_eq!(read(lines).unwrap_err().to_string(), message);
        }
    }
}
