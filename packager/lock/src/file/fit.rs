//! Compares a lock file with what is requested now.

use std::fmt::Display;

use super::{InputFile, LockFile, LockInputs, LockTarget, LockedBase};
use crate::virtual_packages::VirtualPackages;
use mlpack_requirements::{Architecture, Glibc};

/// How a lock file compares with what is requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFit {
    /// Inputs that changed, half a sentence each; none if the lock is up to date.
    pub differences: Vec<String>,
    /// The base is a different image with the same facts.
    pub other_base: Option<String>,
    /// The indexes are different; files are verified against their hashes wherever they come from.
    pub other_indexes: Option<String>,
}

impl LockFit {
    /// Whether its packages are those that are requested.
    pub fn is_good(&self) -> bool {
        self.differences.is_empty()
    }
}

impl LockFile {
    /// Compares the lock with the current inputs, target and base.
    pub fn fit(&self, inputs: &LockInputs, lock_target: &LockTarget, base: &LockedBase) -> LockFit {
        let mut differences = Vec::new();
        // One that is about to be of another kind differs in everything else too.
        match (lock_target, self.is_new()) {
            (LockTarget::New { .. }, false) => differences
                .push("the environment gets a new interpreter, not the base's".to_owned()),
            (LockTarget::Base(_), true) => differences
                .push("the environment uses the base's interpreter, not a new one".to_owned()),
            _ => {
                self.facts(lock_target, &mut differences);
                let own = &self.inputs;
                lines("the conda lines", &own.conda, &inputs.conda, &mut differences);
                lines("the channels", &own.channels, &inputs.channels, &mut differences);
            }
        }
        let own = &self.inputs;
        changed("the server", &own.server.name(), &inputs.server.name(), &mut differences);
        lines("the pip list", &own.pip, &inputs.pip, &mut differences);
        files(&own.files, &inputs.files, &mut differences);
        let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "not given".to_owned());
        let days = [&own.exclude_newer, &inputs.exclude_newer].map(day);
        changed("--exclude-newer", &days[0], &days[1], &mut differences);
        let other_base = (self.base.digest != base.digest).then(|| {
            let named = base.reference.as_deref().unwrap_or("the base");
            format!(
                "{named} is {} now, {} when it was locked; Python, glibc and architecture are the same",
                base.digest.short(),
                self.base.digest.short()
            )
        });
        let other_indexes = (own.indexes != inputs.indexes).then(|| {
            let named = |indexes: &[String]| match indexes {
                [] => "no index".to_owned(),
                _ => indexes.join(", "),
            };
            format!(
                "it was made with {}, the current indexes are {}",
                named(&own.indexes),
                named(&inputs.indexes)
            )
        });
        LockFit { differences, other_base, other_indexes }
    }

    fn facts(&self, lock_target: &LockTarget, differences: &mut Vec<String>) {
        let target = &self.environment.target;
        let virtual_packages = |glibc: Glibc, architecture: Architecture, out: &mut Vec<String>| {
            changed("the base's glibc", &target.glibc, &glibc, out);
            changed("the architecture", &target.architecture, &architecture, out);
        };
        match lock_target {
            LockTarget::Base(now) => {
                changed("the base's Python", &target.python, &now.python, differences);
                let name = "the base's interpreter";
                changed(name, &target.interpreter, &now.interpreter, differences);
                virtual_packages(now.glibc, now.architecture, differences);
            }
            LockTarget::New {
                virtual_packages: VirtualPackages { glibc, architecture, cuda },
                prefix,
            } => {
                changed("the prefix", &self.environment.prefix, prefix, differences);
                virtual_packages(*glibc, *architecture, differences);
                let named = |cuda: &Option<String>| cuda.clone().unwrap_or("none".to_owned());
                changed("the base's CUDA", &named(&self.cuda), &named(cuda), differences);
            }
        }
    }
}

fn changed<T: PartialEq + Display>(what: &str, before: &T, now: &T, differences: &mut Vec<String>) {
    if before != now {
        differences.push(format!("{what} is {now}, was {before}"));
    }
}

fn lines(what: &str, before: &[String], now: &[String], differences: &mut Vec<String>) {
    if before == now {
        return;
    }
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let other = these.iter().filter(|line| !those.contains(line));
        other.map(|line| format!("`{line}`")).collect()
    };
    let (new, gone) = (only(now, before), only(before, now));
    differences.push(match (new.is_empty(), gone.is_empty()) {
        (true, true) => format!("the order of {what} changed"),
        (false, true) => format!("{} added to {what}", new.join(", ")),
        (true, false) => format!("{} removed from {what}", gone.join(", ")),
        (false, false) => {
            format!("in {what}, {} added and {} removed", new.join(", "), gone.join(", "))
        }
    });
}

fn files(before: &[InputFile], now: &[InputFile], differences: &mut Vec<String>) {
    for file in now {
        match before.iter().find(|known| known.path == file.path) {
            Some(known) if known.sha256 == file.sha256 => {}
            Some(_) => differences.push(format!("{} changed", file.path)),
            None => differences.push(format!("{} is new", file.path)),
        }
    }
    let gone = before.iter().filter(|known| now.iter().all(|file| file.path != known.path));
    differences.extend(gone.map(|file| format!("{} is gone", file.path)));
}
