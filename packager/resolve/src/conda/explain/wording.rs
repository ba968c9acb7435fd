//! Lists and versions as a sentence has them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rattler_conda_types::{RepoDataRecord, Version};

/// Longer enumerations are shortened.
const ROW: usize = 3;

/// `1.0`, `1.0 and 1.1`, `1.0 to 1.9 (12 versions)`
pub(crate) fn versions<'v>(all: impl Iterator<Item = &'v Version>) -> String {
    let mut all: Vec<_> = all.collect();
    all.sort();
    all.dedup();
    match &*all {
        [first, .., last] if all.len() > ROW => {
            format!("{first} to {last} ({} versions)", all.len())
        }
        _ => joined(&all.iter().map(ToString::to_string).collect::<Vec<_>>(), "and"),
    }
}

/// `a, b and c`
pub(crate) fn joined(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// The same, shortened to `a, b, c and 4 more` where it is long.
pub(crate) fn row(items: &[String], word: &str) -> String {
    if items.len() <= ROW + 1 {
        return joined(items, word);
    }
    let mut short = items[..ROW].to_vec();
    short.push(format!("{} more", items.len() - ROW));
    joined(&short, word)
}

/// Requirements: those of the same name are alternatives where they come from several packages.
pub(crate) fn bounds<'n>(all: impl Iterator<Item = (&'n str, &'n str)>, several: bool) -> String {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, text) in all {
        let texts = by_name.entry(name).or_default();
        let text = format!("`{text}`");
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let word = if several { "or" } else { "and" };
    let names: Vec<_> = by_name.values().map(|texts| row(texts, word)).collect();
    joined(&names, "and")
}

/// The day on which a package came, UTC.
pub(crate) fn day(record: &RepoDataRecord) -> Option<String> {
    let of = &record.package_record;
    let moment: jiff::Timestamp = of.indexed_timestamp.or(of.timestamp)?.into();
    Some(moment.to_zoned(TimeZone::UTC).date().to_string())
}

pub(crate) fn version(record: &RepoDataRecord) -> &Version {
    record.package_record.version.version()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    #[test]
    fn long_lists_are_shortened() {
        let shown = |all: &[&str]| {
            let all: Vec<Version> = all.iter().map(|text| text.parse().unwrap()).collect();
            versions(all.iter())
        };
        assert_eq!(shown(&["1.0", "1.0"]), "1.0");
        assert_eq!(shown(&["1.10", "1.9", "1.2"]), "1.2, 1.9 and 1.10");
        assert_eq!(shown(&["1.10", "1.9", "1.2", "2.0"]), "1.2 to 2.0 (4 versions)");
        assert_eq!(row(&texts(&["a", "b", "c", "d"]), "or"), "a, b, c or d");
        assert_eq!(row(&texts(&["a", "b", "c", "d", "e"]), "and"), "a, b, c and 2 more");
    }

    #[test]
    fn bounds_of_one_name_are_alternatives() {
        let all = [("python", "python 3.6.*"), ("a", "a"), ("python", "python 3.7.*"), ("a", "a")];
        let said = |several| bounds(all.into_iter(), several);
        assert_eq!(said(true), "`a` and `python 3.6.*` or `python 3.7.*`");
        assert_eq!(said(false), "`a` and `python 3.6.*` and `python 3.7.*`");
    }
}
