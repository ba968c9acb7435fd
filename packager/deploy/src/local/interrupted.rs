//! Which process deploys a container. One that is killed leaves a container that the same command may replace.

use std::fs;

/// Returns a text that names this process among all of this machine until its next start; `None` where `/proc` does not
/// tell.
pub(super) fn this_process() -> Option<String> {
    let own = Process { pid: std::process::id(), ..Process::of_this_kind()? };
    own.start().map(|start| format!("{} {} {} {start}", own.machine, own.namespace, own.pid))
}

/// Whether the process that wrote this text has ended. One of another machine or container may go on.
pub(super) fn has_ended(text: &str) -> bool {
    let mut words = text.split(' ');
    let (Some(here), Some(machine), Some(namespace), Some(Ok(pid)), Some(start)) = (
        Process::of_this_kind(),
        words.next(),
        words.next(),
        words.next().map(str::parse),
        words.next(),
    ) else {
        return false;
    };
    here.machine == machine
        && here.namespace == namespace
        && Process { pid, ..here }.start().is_none_or(|now| now != start)
}

struct Process {
    /// Of the machine, another one after each start (proc_sys_kernel(5), `boot_id`).
    machine: String,
    /// In which ids of processes count (pid_namespaces(7)).
    namespace: String,
    pid: u32,
}

impl Process {
    fn of_this_kind() -> Option<Self> {
        let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        Some(Self {
            machine: machine.trim().to_owned(),
            namespace: namespace.to_string_lossy().into_owned(),
            pid: 0,
        })
    }

    /// Returns when it began, in clock ticks since the machine did (proc_pid_stat(5), field 22).
    fn start(&self) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The name, in parentheses, may have spaces; the field is the twentieth after it.
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(19).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_goes_on_and_a_child_ends() {
        let own = this_process().unwrap();
        assert!(!has_ended(&own));
        let words: Vec<&str> = own.split(' ').collect();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process { pid: child.id(), ..Process::of_this_kind().unwrap() };
        let text =
            format!("{} {} {} {}", words[0], words[1], process.pid, process.start().unwrap());
        assert!(!has_ended(&text));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(&text));
        // The same number, for another process.
        assert!(has_ended(&format!("{} {} {} 1", words[0], words[1], words[2])));
        // Of another machine, of another container, and of none.
        for text in [own.replace(words[0], "x"), own.replace(words[1], "x"), String::new()] {
            assert!(!has_ended(&text), "{text}");
        }
    }
}
