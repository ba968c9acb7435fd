//! Tables of names, as data: the standard library, modules whose package has another name, and modules
//! that only some releases of a package have.

use mlpack_requirements::{PythonVersion, normalize_name};
use serde::Deserialize;

use super::bounds::Release;

const STDLIB: &str = include_str!("stdlib.txt");
const MODULES: &str = include_str!("modules.txt");
const MOVED: &str = include_str!("moved.txt");
const KNOWN_BAD: &str = include_str!("known_bad.yaml");

fn lines(table: &'static str) -> impl Iterator<Item = std::str::SplitWhitespace<'static>> {
    table.lines().filter(|line| !line.starts_with('#')).map(str::split_whitespace)
}

/// Releases that cannot be imported together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownBad {
    /// What cannot be imported.
    pub(super) package: String,
    /// Which releases of it (PEP 440).
    pub(super) releases: String,
    /// What is imported then.
    pub(super) module: String,
    /// Beside which package.
    pub(super) with: String,
    /// Which releases of that.
    pub(super) breaks: String,
    /// The end of the traceback.
    pub(super) symptom: String,
    /// A line of the pip list that helps.
    pub(super) remedy: String,
    /// Who says so.
    pub(super) source: String,
}

/// Returns all such pairs.
pub(super) fn known_bad() -> Vec<KnownBad> {
    // A test reads it.
    serde_yaml::from_str(KNOWN_BAD).unwrap_or_default()
}

/// The minor versions of Python 3 whose standard library has a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Option<u32>,
    pub(super) last: Option<u32>,
}

impl Span {
    /// Returns whether a version of Python has the module.
    pub(super) fn includes(self, python: PythonVersion) -> bool {
        self.first.is_none_or(|first| python.minor >= first)
            && self.last.is_none_or(|last| python.minor <= last)
    }
}

/// Returns the span of a module of the standard library.
pub(super) fn stdlib(module: &str) -> Option<Span> {
    if module.starts_with('_') {
        return Some(Span { first: None, last: None });
    }
    let mut words =
        lines(STDLIB).find_map(|mut words| (words.next() == Some(module)).then_some(words))?;
    let mut minor = || words.next().and_then(|word| word.parse().ok());
    Some(Span { first: minor(), last: minor() })
}

/// A module that only some releases of a package have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) module: &'static str,
    pub(super) package: &'static str,
    /// The first release with it.
    pub(super) since: Option<&'static str>,
    /// The first release without it.
    pub(super) before: Option<&'static str>,
}

impl Moved {
    /// Returns whether a release has the module.
    pub(super) fn is_in(&self, release: &str) -> bool {
        let Some(release) = Release::parse(release) else { return true };
        let bound = |text: Option<&str>| text.and_then(Release::parse);
        bound(self.since).is_none_or(|since| release >= since)
            && bound(self.before).is_none_or(|before| release < before)
    }
}

/// Returns what is known of a module, or of the package that it is in.
pub(super) fn moved(module: &str) -> Option<Moved> {
    let known = |mut words: std::str::SplitWhitespace<'static>| {
        let (module, package) = (words.next()?, words.next()?);
        let mut release = || words.next().filter(|word| *word != "-");
        Some(Moved { module, package, since: release(), before: release() })
    };
    lines(MOVED).filter_map(known).find(|moved| is_below(module, moved.module))
}

/// Returns whether a module is another one or inside it.
fn is_below(module: &str, other: &str) -> bool {
    module.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether it is known which packages provide a module.
pub(super) fn is_known(module: &str) -> bool {
    lines(MODULES).filter_map(|mut words| words.next()).any(|name| is_below(module, name))
}

/// Returns the packages that provide a module, the usual one first.
pub(super) fn packages_of(module: &str) -> Vec<String> {
    let longest = lines(MODULES)
        .filter_map(|mut words| Some((words.next()?, words)))
        .filter(|(name, _)| is_below(module, name))
        .max_by_key(|(name, _)| name.len());
    match longest {
        Some((_, packages)) => packages.map(str::to_owned).collect(),
        None => vec![normalize_name(module.split('.').next().unwrap_or(module))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_read() {
        for table in [STDLIB, MODULES, MOVED] {
            let names: Vec<_> = lines(table).filter_map(|mut words| words.next()).collect();
            assert!(names.len() > 50);
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(names, sorted);
        }
        let minor = |minor| PythonVersion::new(3, minor, 0);
        let has = |module, python| stdlib(module).map(|span| span.includes(python));
        assert_eq!(has("json", minor(6)), Some(true));
        assert_eq!(has("dataclasses", minor(6)), Some(false));
        assert_eq!(has("imp", minor(12)), Some(false));
        assert_eq!(has("numpy", minor(6)), None);
        assert_eq!(packages_of("sklearn.externals"), ["scikit-learn", "sklearn"]);
        assert_eq!(packages_of("azureml.core.model"), ["azureml-core"]);
        assert_eq!(packages_of("My_Thing.x"), ["my-thing"]);
        let pairs: Vec<KnownBad> = serde_yaml::from_str(KNOWN_BAD).unwrap();
        assert_eq!(pairs.len(), known_bad().len());
        assert!(pairs.len() > 10);
        let ridge = moved("sklearn.linear_model.ridge").unwrap();
        assert_eq!([ridge.is_in("0.23.2"), ridge.is_in("0.24.0")], [true, false]);
        let core = moved("numpy._core.multiarray").unwrap();
        assert_eq!(
            (core.package, core.is_in("1.25.2"), core.is_in("2.0.1")),
            ("numpy", false, true)
        );
        assert_eq!(moved("sklearn.linear_model"), None);
        assert_eq!(packages_of("cv2.dnn")[0], "opencv-python-headless");
    }
}
