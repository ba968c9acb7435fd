//! Tables of names, as data: Python's own library, modules whose package is called differently,
//! and what packages bring along.

use mlpack_requirements::{PythonVersion, normalize_name};

const STDLIB: &str = include_str!("stdlib.txt");
const MODULES: &str = include_str!("modules.txt");
const BRINGS: &str = include_str!("brings.txt");

fn lines(table: &'static str) -> impl Iterator<Item = std::str::SplitWhitespace<'static>> {
    table.lines().filter(|line| !line.starts_with('#')).map(str::split_whitespace)
}

/// Which minor versions of Python 3 have a module of their own by this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Option<u32>,
    pub(super) last: Option<u32>,
}

impl Span {
    /// Whether a Python has it; an unknown Python has everything.
    pub(super) fn holds(self, python: Option<PythonVersion>) -> bool {
        python.is_none_or(|python| {
            self.first.is_none_or(|first| python.minor >= first)
                && self.last.is_none_or(|last| python.minor <= last)
        })
    }
}

/// The span of a module of Python's own library.
pub(super) fn stdlib(module: &str) -> Option<Span> {
    if module.starts_with('_') {
        return Some(Span { first: None, last: None });
    }
    let mut words =
        lines(STDLIB).find_map(|mut words| (words.next() == Some(module)).then_some(words))?;
    let mut minor = || words.next().and_then(|word| word.parse().ok());
    Some(Span { first: minor(), last: minor() })
}

/// The packages that bring a module, the usual one first.
pub(super) fn packages_of(module: &str) -> Vec<String> {
    let below = |name: &str| {
        module == name || module.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    };
    let longest = lines(MODULES)
        .filter_map(|mut words| Some((words.next()?, words)))
        .filter(|(name, _)| below(name))
        .max_by_key(|(name, _)| name.len());
    match longest {
        Some((_, packages)) => packages.map(str::to_owned).collect(),
        None => vec![normalize_name(module.split('.').next().unwrap_or(module))],
    }
}

/// What a package brings along, and what that brings.
pub(super) fn brought_by(package: &str) -> impl Iterator<Item = &'static str> {
    fn direct(package: &str) -> impl Iterator<Item = &'static str> {
        lines(BRINGS)
            .filter_map(|mut words| Some((words.next()?, words)))
            .find(|(name, _)| *name == package)
            .into_iter()
            .flat_map(|(_, words)| words)
    }
    // Two steps reach everything in the table that matters.
    direct(package)
        .flat_map(|brought| std::iter::once(brought).chain(direct(brought)))
        .flat_map(|brought| std::iter::once(brought).chain(direct(brought)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_read() {
        for table in [STDLIB, MODULES, BRINGS] {
            let names: Vec<_> = lines(table).filter_map(|mut words| words.next()).collect();
            assert!(names.len() > 50);
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(names, sorted);
        }
        let minor = |minor| Some(PythonVersion::new(3, minor, 0));
        let held = |module, python| stdlib(module).map(|span| span.holds(python));
        assert_eq!(held("json", minor(6)), Some(true));
        assert_eq!(held("dataclasses", minor(6)), Some(false));
        assert_eq!(held("dataclasses", None), Some(true));
        assert_eq!(held("imp", minor(12)), Some(false));
        assert_eq!(held("numpy", minor(6)), None);
        assert_eq!(packages_of("sklearn.externals"), ["scikit-learn", "sklearn"]);
        assert_eq!(packages_of("azureml.core.model"), ["azureml-core"]);
        assert_eq!(packages_of("My_Thing.x"), ["my-thing"]);
        assert!(brought_by("azureml-defaults").any(|name| name == "requests"));
        assert!(brought_by("azureml-defaults").any(|name| name == "wrapt"));
    }
}
