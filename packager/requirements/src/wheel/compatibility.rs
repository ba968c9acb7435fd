//! Why a wheel is not compatible with a target.

use super::WheelName;
use crate::{Glibc, Target};

impl WheelName {
    /// Returns why the wheel is not compatible with a target; `None` if it is.
    pub fn incompatibility(&self, target: &Target) -> Option<String> {
        if self.rank(target).is_some() {
            return None;
        }
        let machine = target.architecture.machine();
        let (_, _, platforms) = self.tags();
        let here: Vec<&str> = platforms
            .iter()
            .filter_map(|platform| {
                if platform == "any" {
                    return Some("any");
                }
                let family = platform.strip_suffix(machine)?.strip_suffix('_')?;
                (family == "linux" || family.starts_with("manylinux")).then_some(family)
            })
            .collect();
        let (found, wanted) = if here.is_empty() {
            (format!("for {}", platforms.join(" and ")), format!("is linux {machine} with glibc"))
        } else if let Some(glibc) = self.oldest_glibc(target) {
            (format!("for glibc {glibc} and newer"), format!("has glibc {}", target.glibc))
        } else {
            let (python, abi, _) = self.tags();
            (
                format!("for {} ({})", python.join(" and "), abi.join(", ")),
                format!("has Python {}", target.python),
            )
        };
        Some(format!("it is {found}, the image {wanted}"))
    }

    /// Returns the oldest glibc that would do, if only glibc is too old.
    fn oldest_glibc(&self, target: &Target) -> Option<Glibc> {
        // Newer than any that a wheel requires.
        let newest = Target { glibc: Glibc(target.glibc.0, 999), ..target.clone() };
        self.rank(&newest)?;
        (0..999)
            .map(|minor| Glibc(target.glibc.0, minor))
            .find(|glibc| self.rank(&Target { glibc: *glibc, ..target.clone() }).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, PythonVersion};

    #[test]
    fn the_first_incompatibility_is_named() {
        let target = Target {
            python: PythonVersion::new(3, 6, 15),
            glibc: Glibc(2, 23),
            architecture: Architecture::Amd64,
            interpreter: "/usr/bin/python3".to_owned(),
        };
        let table = [
            ("a-1-py3-none-any.whl", None),
            (
                "a-1-cp36-cp36m-win_amd64.whl",
                Some("it is for win_amd64, the image is linux x86_64 with glibc"),
            ),
            (
                "a-1-cp36-cp36m-manylinux2014_aarch64.whl",
                Some("it is for manylinux2014_aarch64, the image is linux x86_64 with glibc"),
            ),
            (
                "a-1-cp36-cp36m-musllinux_1_1_x86_64.whl",
                Some("it is for musllinux_1_1_x86_64, the image is linux x86_64 with glibc"),
            ),
            (
                "a-1-cp36-cp36m-manylinux_2_28_x86_64.manylinux_2_31_x86_64.whl",
                Some("it is for glibc 2.28 and newer, the image has glibc 2.23"),
            ),
            (
                "a-1-cp37-cp37m-manylinux1_x86_64.whl",
                Some("it is for cp37 (cp37m), the image has Python 3.6.15"),
            ),
            ("a-1-py2-none-any.whl", Some("it is for py2 (none), the image has Python 3.6.15")),
        ];
        for (name, reason) in table {
            let found = WheelName::parse(name).unwrap().incompatibility(&target);
            assert_eq!(found.as_deref(), reason, "{name}");
        }
    }
}
