//! Processes that user code started and left behind.
//!
//! A process group does not include those that began a session (`setsid`, `start_new_session=True`), so every worker
//! has a marker in its environment, which whatever it starts inherits.

use rustix::process::{Pid, Signal, kill_process};

/// The variable with the marker.
pub(crate) const VARIABLE: &str = "MLPACK_WORKER";

/// How often processes are listed: one may start another while they are read.
const ROUNDS: usize = 5;

/// The marker of the `number`th worker: this process's identifier and the number.
pub(crate) fn marker(number: u64) -> String {
    format!("{}.{number}", std::process::id())
}

/// Kills the processes of the worker with `marker`, or of all workers of this process.
pub(crate) fn kill(marker: Option<&str>) {
    let line = match marker {
        Some(marker) => format!("{VARIABLE}={marker}\0"),
        None => format!("{VARIABLE}={}.", std::process::id()),
    };
    for _ in 0..ROUNDS {
        let mut found = false;
        for pid in with_variable(line.as_bytes()) {
            found |= kill_process(pid, Signal::KILL).is_ok();
        }
        if !found {
            return;
        }
    }
}

/// Processes with `line` in their environment (`man 5 proc_pid_environ`). One that has ended has no environment.
fn with_variable(line: &[u8]) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| u32::try_from(*pid) != Ok(std::process::id()))
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(line.len()).any(|part| part == line)
        })
        .filter_map(Pid::from_raw)
        .collect()
}
