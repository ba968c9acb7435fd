//! What the user can do about an error.

use std::io;

use crate::Error;

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full: free some space, or set MLPACK_CACHE_DIR to a larger disk".to_owned())
            }
            Self::PipBuild { python, .. } => Some(format!(
                "build a wheel of it yourself and name that, or give a Python {python} of this machine's architecture with --python"
            )),
            Self::OtherHash { name, .. } => Some(format!(
                "add the hash of a file that loads on the image behind {name}, if you trust it, or pin another version"
            )),
            Self::HashesMissing { .. } => Some(
                "with one hash in the list every package needs one: make the list with `pip-compile --generate-hashes`".to_owned(),
            ),
            Self::WheelMisfit { name, .. } => Some(format!(
                "name a wheel of {name} for this image or its source archive, or take another base image"
            )),
            Self::Repository { reason, .. } if reason.contains("git is not") => Some(
                "install git, or name an archive of the repository, as https://github.com/TEAM/NAME/archive/TAG.zip".to_owned(),
            ),
            Self::Repository { .. } => {
                Some("check address and revision; for a private one give git a login".to_owned())
            }
            Self::Channel { .. } => Some(
                "check the name below `channels:`; CONDA_CHANNEL_ALIAS, CONDA_DEFAULT_CHANNELS and conda's .condarc set mirrors, as for conda itself".to_owned(),
            ),
            Self::Condarc { .. } => Some(
                "mend the file, which conda reads as well, or set MLPACK_NO_CONDARC=1 to do without".to_owned(),
            ),
            Self::NoSuchCondaPackage { name, platform, .. } if name == "python" => Some(format!(
                "add a channel that has packages for {platform} below `channels:`, or take a base image of another architecture"
            )),
            Self::NoSuchCondaPackage { name, .. } => Some(format!(
                "check the spelling, add the channel that has it below `channels:`, or list `{name}` below `pip:` if PyPI has it"
            )),
            Self::CondaUnsolvable { hint, .. } => Some(hint.clone()),
            Self::CondaArchive { .. } => {
                Some("ask the owner of the channel, or take another version or build".to_owned())
            }
            Self::PrefixTooLong { .. } => {
                Some("give the environment a shorter `name:` in the conda file".to_owned())
            }
            Self::NoCondaPython { .. } => {
                Some("ask for one, as in `- python=3.11`".to_owned())
            }
            Self::Cutoff { .. } => Some("write a date as 2019-05-05".to_owned()),
            Self::NoServer { python } => Some(format!(
                "take a base image with Python 3.6 or newer instead of {}",
                python.minor_text()
            )),
            Self::UvMissing { .. } => Some(
                "install it with `pip install uv`, or name an executable with MLPACK_UV".to_owned(),
            ),
            Self::UvBroken { .. } => Some("name another executable with MLPACK_UV".to_owned()),
            Self::Unresolvable { hint, .. } => hint.clone().or_else(|| {
                Some("loosen or pin the versions named above so that one set fits all".to_owned())
            }),
            Self::NoSuchPackage { .. } => {
                Some("check the spelling in the `pip:` list, or add the index that has it".to_owned())
            }
            Self::Resolver { causes, .. } if causes.iter().any(|cause| cause.contains("error sending request")) => {
                Some("is the package index reachable? set PIP_INDEX_URL for a mirror".to_owned())
            }
            Self::LockForm { .. } => Some(
                "undo the edit, or have it made anew with `mlpack lock --update`; --no-lock goes without it".to_owned(),
            ),
            Self::LockFormat { found, known, .. } => Some(match found > known {
                true => "use the mlpack that wrote it, or a newer one".to_owned(),
                false => "have it made anew with `mlpack lock --update`".to_owned(),
            }),
            Self::NoLock { .. } => Some("`mlpack lock` with the same arguments makes it".to_owned()),
            Self::LockStale { .. } => {
                Some("`mlpack lock` with the same arguments brings it up to date".to_owned())
            }
            Self::NotLocked { nearest, .. } => Some(match nearest {
                Some(name) => format!("did you mean {name}?"),
                None => "`mlpack env list` shows the packages of a lock file".to_owned(),
            }),
            Self::NoArtifact { .. } => {
                Some("pin a version that has a wheel for this interpreter, or take a newer base image".to_owned())
            }
            Self::SourceOnly { name, python, .. } => Some(format!(
                "pin a version of {name} that has a wheel, put a wheel of it where --find-links points, or give a Python {python} of this machine's architecture with --python"
            )),
            Self::NoCompiler { python } => Some(format!(
                "give a Python {} with --python, or leave out --bytecode",
                python.minor_text()
            )),
            Self::Compiler { .. } => Some("give another one with --python, or leave out --bytecode".to_owned()),
            Self::Fetch { .. } => Some("check the network, and PIP_INDEX_URL if there is a mirror".to_owned()),
            Self::HashMismatch { .. } | Self::RecordMismatch { .. } => {
                Some("the file was damaged or replaced: fetch it again from an index you trust".to_owned())
            }
            Self::Requirements(error) => error.hint(),
            Self::Layer(error) => error.hint(),
            _ => None,
        }
    }
}
