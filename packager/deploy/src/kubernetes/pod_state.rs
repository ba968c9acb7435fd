//! What a pod's status means for its service. Pure: nothing is asked here.

use serde_json::Value;

use crate::Ended;
use crate::explain::Explanation;

/// How far a pod is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PodState {
    /// It accepts requests.
    Ready,
    /// It may become ready; the text says what it waits for.
    Waiting(String),
    /// It may become ready if something outside of it changes.
    Blocked(Explanation),
    /// It cannot become ready.
    Refused(Explanation),
    /// Its process ended; it is or will be started again.
    Ended {
        /// How.
        ended: Ended,
        /// Whether the log is of the container before the present one.
        restarted: bool,
    },
}

/// Reasons why a container waits that are the description's fault: the kubelet tries again, and fails again.
const REFUSED: [&str; 7] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "InvalidImageName",
    "PostStartHookError",
    "RunContainerError",
    "StartError",
];

/// Reasons why a container waits when its image cannot be pulled.
const NOT_PULLED: [&str; 4] =
    ["ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"];

/// Returns how far a pod is (Kubernetes, "Pod Lifecycle").
pub(super) fn pod_state(pod: &Value) -> PodState {
    let status = &pod["status"];
    if is_true(status, "Ready") && pod["metadata"]["deletionTimestamp"].is_null() {
        return PodState::Ready;
    }
    if status["phase"] == "Failed" {
        // Evicted, or its node went away.
        let reason = text(&status["reason"]).unwrap_or("it failed");
        let message = text(&status["message"]).unwrap_or("the node gives no reason");
        return PodState::Blocked(Explanation {
            cause: format!("a pod ended: {reason}: {message}"),
            hint: "check the nodes with `kubectl describe nodes`".to_owned(),
        });
    }
    if let Some(blocked) = unscheduled(status) {
        return blocked;
    }
    let container = &status["containerStatuses"][0];
    let waiting = &container["state"]["waiting"];
    let reason = text(&waiting["reason"]).unwrap_or_default();
    let message = text(&waiting["message"]).unwrap_or_default();
    if REFUSED.contains(&reason) {
        return PodState::Refused(refused(reason, message));
    }
    if NOT_PULLED.contains(&reason) {
        return not_pulled(reason, message);
    }
    let now = &container["state"]["terminated"];
    let before = &container["lastState"]["terminated"];
    for (terminated, restarted) in [(now, false), (before, true)] {
        if !terminated.is_null() {
            let ended = Ended {
                exit_code: terminated["exitCode"].as_i64(),
                out_of_memory: terminated["reason"] == "OOMKilled",
            };
            // The container that waits to be started again is the one that wrote the log.
            let restarted = restarted && !container["state"]["running"].is_null();
            return PodState::Ended { ended, restarted };
        }
    }
    PodState::Waiting(match (reason, &container["state"]["running"]) {
        (_, running) if !running.is_null() => "init() is running".to_owned(),
        ("", _) => "the pod is being placed".to_owned(),
        ("ContainerCreating", _) => "the image is being pulled".to_owned(),
        (reason, _) => format!("the container waits: {reason}"),
    })
}

/// Returns what keeps a pod from being placed on a node, if something does.
fn unscheduled(status: &Value) -> Option<PodState> {
    let condition = condition(status, "PodScheduled")?;
    if condition["status"] != "False" {
        return None;
    }
    let message = text(&condition["message"]).unwrap_or("no reason is given");
    Some(match text(&condition["reason"]) {
        Some("Unschedulable") => PodState::Blocked(Explanation {
            cause: format!("its pod fits on no node: {message}"),
            hint: "ask for less with `containerResourceRequirements` or `gpuCores`, or add nodes"
                .to_owned(),
        }),
        reason => PodState::Waiting(format!("{}: {message}", reason.unwrap_or("not placed"))),
    })
}

fn refused(reason: &str, message: &str) -> Explanation {
    let hint = match reason {
        "CreateContainerConfigError" => {
            "create the secret that it names in the namespace, or deploy again so that mlpack makes it"
        }
        "InvalidImageName" => "deploy a pinned reference, as in REGISTRY/REPOSITORY@sha256:…",
        _ => "check that the image runs with `mlpack deploy` on this machine",
    };
    Explanation {
        cause: format!("its container cannot be made ({reason}): {message}"),
        hint: hint.to_owned(),
    }
}

fn not_pulled(reason: &str, message: &str) -> PodState {
    let lower = message.to_lowercase();
    let denied = ["unauthorized", "denied", "forbidden", "401", "403"];
    let hint = if denied.iter().any(|word| lower.contains(word)) {
        "give the cluster a login: `--pull-login` for this machine's, or `--pull-secret NAME`"
    } else if lower.contains("not found") || lower.contains("manifest unknown") {
        "push the image again: the registry no longer has it"
    } else if lower.contains("no match for platform") {
        "package the image for the nodes with `--platform`"
    } else {
        "check that the nodes can reach the registry"
    };
    let explanation = Explanation {
        cause: format!("the image cannot be pulled ({reason}): {}", shortened(message)),
        hint: hint.to_owned(),
    };
    // The first failure may be the network's; the second one is waited for.
    match reason {
        "ImagePullBackOff" => PodState::Refused(explanation),
        _ => PodState::Blocked(explanation),
    }
}

/// Returns the end of a chain of causes, which kubelets put after the reference and the verb.
fn shortened(message: &str) -> &str {
    const SHOWN: usize = 300;
    match message.char_indices().rev().nth(SHOWN) {
        Some((from, _)) => &message[from..],
        None => message,
    }
}

/// Returns whether a condition of an object is true.
pub(super) fn is_true(status: &Value, kind: &str) -> bool {
    condition(status, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Returns a condition of an object.
pub(super) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(container: &Value) -> PodState {
        pod_state(
            &json!({ "metadata": {}, "status": { "phase": "Pending", "containerStatuses": [container] } }),
        )
    }

    #[test]
    fn a_pod_that_starts_is_waited_for() {
        let waiting = |text: &str| PodState::Waiting(text.to_owned());
        let bare = json!({ "metadata": {}, "status": { "phase": "Pending" } });
        assert_eq!(pod_state(&bare), waiting("the pod is being placed"));
        let creating = json!({ "state": { "waiting": { "reason": "ContainerCreating" } } });
        assert_eq!(of(&creating), waiting("the image is being pulled"));
        assert_eq!(of(&json!({ "state": { "running": {} } })), waiting("init() is running"));
        let ready = json!({ "metadata": {}, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        assert_eq!(pod_state(&ready), PodState::Ready);
    }

    #[test]
    fn a_process_that_ended_has_an_exit_code_and_a_log() {
        let terminated = json!({ "terminated": { "exitCode": 3, "reason": "Error" } });
        let ended = |exit_code, out_of_memory| Ended { exit_code: Some(exit_code), out_of_memory };
        let case = |container| of(&container);
        let state = case(json!({ "state": terminated }));
        assert_eq!(state, PodState::Ended { ended: ended(3, false), restarted: false });
        let killed = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
        let backing_off = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let state = case(json!({ "state": backing_off, "lastState": killed }));
        assert_eq!(state, PodState::Ended { ended: ended(137, true), restarted: false });
        let state = case(json!({ "state": { "running": {} }, "lastState": killed }));
        assert_eq!(state, PodState::Ended { ended: ended(137, true), restarted: true });
    }

    #[test]
    fn what_keeps_a_pod_from_starting_is_explained() {
        let reason = |reason: &str, message: &str| {
            of(&json!({ "state": { "waiting": { "reason": reason, "message": message } } }))
        };
        let PodState::Refused(found) = reason("ImagePullBackOff", "pull access denied, 401") else {
            panic!()
        };
        assert_eq!(
            found.cause,
            "the image cannot be pulled (ImagePullBackOff): pull access denied, 401"
        );
        assert!(found.hint.contains("--pull-login"), "{}", found.hint);
        let PodState::Blocked(found) = reason("ErrImagePull", "manifest unknown") else { panic!() };
        assert!(found.hint.starts_with("push the image again"), "{}", found.hint);
        let PodState::Refused(found) =
            reason("CreateContainerConfigError", "secret \"x\" not found")
        else {
            panic!()
        };
        assert!(found.cause.contains("secret \"x\" not found"), "{}", found.cause);
        let pod = json!({ "metadata": {}, "status": { "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu." },
        ] } });
        let PodState::Blocked(found) = pod_state(&pod) else { panic!() };
        assert_eq!(
            found.cause,
            "its pod fits on no node: 0/3 nodes are available: 3 Insufficient cpu."
        );
    }
}
