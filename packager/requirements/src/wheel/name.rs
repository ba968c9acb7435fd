//! A wheel's file name and how well its tags match a target.

use std::fmt;

use crate::{Glibc, Target, normalize_name};

/// The parts of a wheel's file name (PyPA specifications, "Binary distribution format").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Normalised name.
    pub name: String,
    /// Version as written.
    pub version: String,
    /// Build tag: a number and a rest; wheels without one sort first.
    build: (u64, String),
    python: Vec<String>,
    abi: Vec<String>,
    platform: Vec<String>,
}

impl WheelName {
    /// Parses `name-version[-build]-python-abi-platform.whl`.
    pub fn parse(filename: &str) -> Option<Self> {
        let parts: Vec<&str> = filename.strip_suffix(".whl")?.split('-').collect();
        let (build, tags) = match parts.len() {
            5 => (None, &parts[2..]),
            6 => (Some(parts[2]), &parts[3..]),
            _ => return None,
        };
        let build = build.map_or((0, String::new()), |text| {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            (text[..digits].parse().unwrap_or(0), text[digits..].to_owned())
        });
        let set = |text: &str| text.split('.').map(str::to_owned).collect();
        Some(Self {
            name: normalize_name(parts[0]),
            version: parts[1].to_owned(),
            build,
            python: set(tags[0]),
            abi: set(tags[1]),
            platform: set(tags[2]),
        })
    }

    /// Ranks the wheel for a target, lower is better; `None` if it is not compatible.
    pub fn rank(&self, target: &Target) -> Option<Rank> {
        let mut best: Option<(u32, u32)> = None;
        for python in &self.python {
            for abi in &self.abi {
                for platform in &self.platform {
                    let tag = tag_rank(target, python, abi, platform);
                    best = [best, tag].into_iter().flatten().min();
                }
            }
        }
        best.map(|tag| Rank { tag, build: std::cmp::Reverse(self.build.clone()) })
    }

    /// Tags for interpreter, ABI and platform.
    pub fn tags(&self) -> (&[String], &[String], &[String]) {
        (&self.python, &self.abi, &self.platform)
    }

    /// Whether it holds no compiled code, by its tags.
    pub fn is_pure(&self) -> bool {
        self.abi == ["none"] && self.platform == ["any"]
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (python, abi) = (self.python.join("."), self.abi.join("."));
        write!(f, "{python}-{abi}-{}", self.platform.join("."))
    }
}

/// Order of wheels of one release for one target: best tag first, then the newest build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    tag: (u32, u32),
    build: std::cmp::Reverse<(u64, String)>,
}

/// Place of a tag in the order of PEP 425 as pip's `packaging.tags` draws it up for CPython.
fn tag_rank(target: &Target, python: &str, abi: &str, platform: &str) -> Option<(u32, u32)> {
    let (major, minor) = (target.python.major, target.python.minor);
    let platform_rank = platform_rank(target, platform);
    let interpreter = interpreter(python)?;
    let own = (major, Some(minor));
    match (interpreter, abi) {
        (("cp", version), abi) if version == own && abi == target.python.abi_tag() => {
            Some((0, platform_rank?))
        }
        (("cp", version), "abi3") if version.0 == major && major == 3 => {
            let behind = minor.checked_sub(version.1?)?;
            Some((if behind == 0 { 1 } else { 2 + behind }, platform_rank?))
        }
        (("cp", version), "none") if version == own => match platform {
            "any" => Some((400, 0)),
            _ => Some((2, platform_rank?)),
        },
        (("py", version), "none") if version.0 == major => {
            let behind = match version.1 {
                Some(tagged) if tagged == minor => 0,
                Some(tagged) => 1 + minor.checked_sub(tagged)?,
                None => 1,
            };
            match platform {
                "any" => Some((401 + behind, 0)),
                _ => Some((200 + behind, platform_rank?)),
            }
        }
        _ => None,
    }
}

/// `cp36` is CPython 3.6, `py3` any Python 3, `py2` any Python 2.
fn interpreter(tag: &str) -> Option<(&str, (u32, Option<u32>))> {
    let digits = tag.find(|c: char| c.is_ascii_digit())?;
    let (kind, version) = tag.split_at(digits);
    let (major, minor) = version.split_at(1);
    let minor = if minor.is_empty() { None } else { Some(minor.parse().ok()?) };
    Some((kind, (major.parse().ok()?, minor)))
}

/// Distance of a platform tag from the target's newest: 0 for `manylinux` of its own glibc.
fn platform_rank(target: &Target, platform: &str) -> Option<u32> {
    const PLAIN_LINUX: u32 = 150;
    let machine = target.architecture.machine();
    let family = platform.strip_suffix(machine)?.strip_suffix('_')?;
    // PEP 600: the older names are other spellings of three glibc versions.
    let oldest = match family {
        "linux" => return Some(PLAIN_LINUX),
        "manylinux1" => Glibc(2, 5),
        "manylinux2010" => Glibc(2, 12),
        "manylinux2014" => Glibc(2, 17),
        _ => {
            let (major, minor) = family.strip_prefix("manylinux_")?.split_once('_')?;
            Glibc(major.parse().ok()?, minor.parse().ok()?)
        }
    };
    if oldest.0 != target.glibc.0 {
        return None;
    }
    target.glibc.1.checked_sub(oldest.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, PythonVersion};

    fn target(python: (u32, u32, u32), glibc: u32, architecture: Architecture) -> Target {
        Target {
            python: PythonVersion::new(python.0, python.1, python.2),
            glibc: Glibc(2, glibc),
            architecture,
            interpreter: "/opt/miniconda/bin/python".to_owned(),
        }
    }

    fn best<'a>(target: &Target, names: &[&'a str]) -> Option<&'a str> {
        let rank = |name: &str| WheelName::parse(name).unwrap().rank(target);
        names.iter().filter_map(|name| Some((rank(name)?, *name))).min().map(|(_, name)| name)
    }

    #[test]
    fn names_fall_into_their_parts() {
        let wheel = WheelName::parse("Flask_Cors-3.0-1b-py2.py3-none-any.whl").unwrap();
        assert_eq!((&*wheel.name, &*wheel.version), ("flask-cors", "3.0"));
        assert_eq!(wheel.build, (1, "b".to_owned()));
        assert!(wheel.is_pure());
        assert_eq!(wheel.to_string(), "py2.py3-none-any");
        for bad in ["a.whl", "a-1.tar.gz", "a-1-py3-none.whl", "a-1-2-3-py3-none-any.whl"] {
            assert_eq!(WheelName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_targets_glibc_decides() {
        let names = [
            "a-1-cp36-cp36m-manylinux_2_24_x86_64.whl",
            "a-1-cp36-cp36m-manylinux2014_x86_64.whl",
            "a-1-cp36-cp36m-manylinux1_x86_64.whl",
        ];
        let old = target((3, 6, 15), 23, Architecture::Amd64);
        assert_eq!(best(&old, &names), Some(names[1]));
        assert_eq!(best(&target((3, 6, 15), 36, Architecture::Amd64), &names), Some(names[0]));
        assert_eq!(best(&target((3, 6, 15), 12, Architecture::Amd64), &names), Some(names[2]));
        assert_eq!(best(&target((3, 6, 15), 23, Architecture::Arm64), &names), None);
        assert_eq!(best(&target((3, 7, 15), 23, Architecture::Amd64), &names), None);
    }

    #[test]
    fn the_closest_tag_wins() {
        let order = [
            "a-1-cp311-cp311-manylinux2014_aarch64.whl",
            "a-1-cp311-cp311-linux_aarch64.whl",
            "a-1-cp311-abi3-manylinux2014_aarch64.whl",
            "a-1-cp39-abi3-manylinux2014_aarch64.whl",
            "a-1-cp37-abi3-manylinux2014_aarch64.whl",
            "a-1-py3-none-manylinux2014_aarch64.whl",
            "a-1-cp311-none-any.whl",
            "a-1-py311-none-any.whl",
            "a-1-7-py3-none-any.whl",
            "a-1-py3-none-any.whl",
            "a-1-py38-none-any.whl",
        ];
        let target = target((3, 11, 7), 31, Architecture::Arm64);
        for start in 0..order.len() {
            let mut rest = order[start..].to_vec();
            rest.reverse();
            assert_eq!(best(&target, &rest), Some(order[start]));
        }
        for no in [
            "a-1-cp312-abi3-manylinux2014_aarch64.whl",
            "a-1-py2-none-any.whl",
            "a-1-pp39-none-any.whl",
            "a-1-cp311-cp311t-manylinux2014_aarch64.whl",
            "a-1-cp311-cp311-musllinux_1_1_aarch64.whl",
            "a-1-cp311-cp311-win_amd64.whl",
        ] {
            assert_eq!(best(&target, &[no]), None, "{no}");
        }
    }
}
