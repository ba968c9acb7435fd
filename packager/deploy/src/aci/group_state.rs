//! What a container group says about itself. Pure.

use serde_json::Value;

use crate::ServiceState;
use crate::explain::{Ended, Explanation};

/// How far the one container of a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GroupState {
    /// It runs; whether it answers is another question.
    Running,
    /// It does not run yet.
    Waiting(String),
    /// It may start yet, but something is wrong.
    Blocked(Explanation),
    /// It ended.
    Ended(Ended),
    /// Azure gave up.
    Refused(Explanation),
    /// It was stopped on request.
    Stopped,
}

/// Returns the instance view of a group's one container.
fn container(group: &Value) -> &Value {
    &group["properties"]["containers"][0]["properties"]["instanceView"]
}

/// Returns what is reported of a group and its container, oldest first, as in `Pulling: pulling image "a"`.
pub(super) fn events(group: &Value) -> Vec<String> {
    let lines = all_events(group).into_iter().map(|event| {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        format!("{}: {}", text("name"), text("message"))
    });
    lines.collect()
}

fn all_events(group: &Value) -> Vec<&Value> {
    let views = [&group["properties"]["instanceView"], container(group)];
    let events = views.into_iter().flat_map(|view| view["events"].as_array().into_iter().flatten());
    let mut events: Vec<&Value> = events.collect();
    events.sort_by_key(|event| event["lastTimestamp"].as_str().unwrap_or_default());
    events
}

/// Returns how often a probe of the container has failed.
pub(super) fn failed_probes(group: &Value) -> i64 {
    let failed = all_events(group).into_iter().filter(|event| event["name"] == "Unhealthy");
    failed.map(|event| event["count"].as_i64().unwrap_or(1)).sum()
}

impl GroupState {
    /// Reads the state of a group (Azure Container Instances, "Container Groups - Get": `instanceView`).
    pub(super) fn of(group: &Value) -> Self {
        let view = container(group);
        let current = &view["currentState"];
        let ended = |state: &Value| Ended {
            exit_code: state["exitCode"].as_i64(),
            out_of_memory: state["detailStatus"].as_str().is_some_and(|text| text.contains("OOM")),
        };
        let group_state = group["properties"]["instanceView"]["state"].as_str().unwrap_or_default();
        match current["state"].as_str().unwrap_or_default() {
            _ if group_state == "Stopped" => return Self::Stopped,
            "Running" => return Self::Running,
            "Terminated" => return Self::Ended(ended(current)),
            _ if view["previousState"]["exitCode"].is_i64() => {
                return Self::Ended(ended(&view["previousState"]));
            }
            _ => {}
        }
        let events = all_events(group);
        let warning = events.iter().rev().find(|event| event["type"] == "Warning");
        let message = |event: &Value| event["message"].as_str().unwrap_or_default().to_owned();
        let failed = group["properties"]["provisioningState"] == "Failed";
        match (warning, events.last()) {
            (Some(warning), _) => {
                let explanation = explain(&message(warning));
                if failed { Self::Refused(explanation) } else { Self::Blocked(explanation) }
            }
            (None, _) if failed => Self::Refused(explain("")),
            (None, Some(last)) => Self::Waiting(message(last)),
            (None, None) => Self::Waiting("Azure looks for a machine".to_owned()),
        }
    }
}

/// Explains why a container does not start.
fn explain(message: &str) -> Explanation {
    let is_pull = message.to_lowercase().contains("pull");
    Explanation {
        cause: match message {
            "" => "Azure could not start it and gives no reason".to_owned(),
            message => message.trim_end_matches('.').to_owned(),
        },
        hint: match is_pull {
            true => "let Azure pull the image: `--pull-login` with this machine's login, or `--pull-identity ID`",
            false => "try again, another `location`, or fewer cores and less memory",
        }
        .to_owned(),
    }
}

/// Returns the state of a service, and why it is not running.
pub(super) fn service_state(group: &Value) -> (ServiceState, Option<String>) {
    match GroupState::of(group) {
        GroupState::Running => (ServiceState::Running, None),
        GroupState::Waiting(_) => (ServiceState::Deploying, None),
        GroupState::Blocked(explanation) => (ServiceState::Deploying, Some(explanation.cause)),
        GroupState::Refused(explanation) => (ServiceState::Failed, Some(explanation.cause)),
        GroupState::Ended(ended) => {
            let code =
                ended.exit_code.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
            let reason = if ended.out_of_memory { ", out of memory" } else { "" };
            (
                ServiceState::Failed,
                Some(format!("its container ended with exit code {code}{reason}")),
            )
        }
        GroupState::Stopped => {
            (ServiceState::Unknown, Some("its container group is stopped".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(provisioning: &str, view: &Value) -> Value {
        json!({ "properties": {
            "provisioningState": provisioning,
            "containers": [{ "properties": { "instanceView": view } }],
        } })
    }

    #[test]
    fn states_are_those_of_the_container() {
        let event = |kind: &str, name: &str, message: &str| json!({ "count": 2, "type": kind, "name": name, "message": message });
        let of = |provisioning: &str, view: Value| GroupState::of(&group(provisioning, &view));
        assert_eq!(
            of("Pending", Value::Null),
            GroupState::Waiting("Azure looks for a machine".to_owned())
        );
        let pulling = json!({ "events": [event("Normal", "Pulling", "pulling image \"a\"")] });
        assert_eq!(of("Creating", pulling), GroupState::Waiting("pulling image \"a\"".to_owned()));
        let running = json!({ "currentState": { "state": "Running" }, "events": [event("Warning", "Unhealthy", "")] });
        assert_eq!(of("Succeeded", running.clone()), GroupState::Running);
        assert_eq!(failed_probes(&group("Succeeded", &running)), 2);
        let killed = json!({
            "currentState": { "state": "Waiting", "detailStatus": "CrashLoopBackOff: Back-off" },
            "previousState": { "state": "Terminated", "exitCode": 137, "detailStatus": "OOMKilled" },
        });
        let ended = Ended { exit_code: Some(137), out_of_memory: true };
        assert_eq!(of("Succeeded", killed.clone()), GroupState::Ended(ended));
        let (state, error) = service_state(&group("Succeeded", &killed));
        let error = error.unwrap();
        assert_eq!(
            (state, error.as_str()),
            (ServiceState::Failed, "its container ended with exit code 137, out of memory")
        );
        let failed =
            json!({ "events": [event("Warning", "Failed", "Failed to pull image \"a\".")] });
        let explained = explain("Failed to pull image \"a\"");
        assert_eq!(of("Creating", failed.clone()), GroupState::Blocked(explained.clone()));
        assert_eq!(of("Failed", failed), GroupState::Refused(explained));
    }
}
