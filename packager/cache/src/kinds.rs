//! The folders of a cache (docs/cache.md).

/// What the names in a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// 64 hexadecimal digits, or two times so many with a dash between, and what may follow after a dot.
    Digests,
    /// Anything.
    Any,
}

/// A folder whose entries may be removed one by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Below the cache.
    pub(crate) path: &'static str,
    pub(crate) names: Names,
    /// Whether a file below the entry has the digest that is the entry's name.
    pub(crate) verified: bool,
    /// How many levels of folders below it have files that are being written.
    pub(crate) depth: usize,
}

const fn digests(path: &'static str) -> Kind {
    Kind { path, names: Names::Digests, verified: false, depth: 0 }
}

const fn verified(path: &'static str) -> Kind {
    Kind { verified: true, ..digests(path) }
}

const fn any(path: &'static str) -> Kind {
    Kind { names: Names::Any, ..digests(path) }
}

const fn deep(depth: usize, kind: Kind) -> Kind {
    Kind { depth, ..kind }
}

/// In the order in which they are listed.
pub(crate) const KINDS: &[Kind] = &[
    digests("indexes"),
    verified("layers/blobs"),
    digests("layers/environments"),
    digests("layers/layers"),
    digests("layers/models"),
    digests("layers/parts"),
    digests("layers/stamps"),
    deep(1, verified("wheels")),
    deep(1, verified("sdists")),
    deep(2, digests("built")),
    deep(1, verified("conda")),
    any("repodata"),
    any("py"),
    digests("contents"),
    deep(1, digests("bytecode")),
    deep(2, any("interpreters")),
    deep(1, any("uv")),
    digests("resolutions"),
    any("engine"),
    any("host-base"),
    verified("registry/documents"),
    any("registry/uploads"),
    any("registry/hosts"),
    digests("front-door"),
];

/// Folders of work in progress, which each run cleans.
pub(crate) const PROGRESS: &[&str] = &["stage", "work", "serve"];

/// Whether a cache has something of this name at its top.
pub(crate) fn is_known(name: &str) -> bool {
    let top = |kind: &Kind| kind.path.split('/').next() == Some(name);
    KINDS.iter().any(top) || PROGRESS.contains(&name)
}

impl Names {
    /// Whether an entry may have this name.
    pub(crate) fn admit(self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or_default();
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        match self {
            Self::Digests => {
                let is_digest = |text: &str| text.len() == 64 && text.bytes().all(hex);
                let (first, second) = stem.split_once('-').unwrap_or((stem, stem));
                is_digest(first) && is_digest(second)
            }
            Self::Any => !name.starts_with('.'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries() {
        let hex = "0123456789abcdef".repeat(4);
        assert!(Names::Digests.admit(&hex) && Names::Digests.admit(&format!("{hex}.v3.json.gz")));
        for other in ["precious", ".mlpack-pending-1", &hex[1..], &hex.to_uppercase()] {
            assert!(!Names::Digests.admit(other), "{other}");
        }
        assert!(is_known("registry") && is_known("work") && !is_known("documents"));
    }
}
