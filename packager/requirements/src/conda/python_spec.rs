//! Which Pythons a conda file accepts.

use std::cmp::Ordering;

use super::MatchSpec;
use crate::PythonVersion;

/// The `python` line of a conda file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonSpec {
    /// As written, `python=3.6.2`.
    pub text: String,
    /// `|` between alternatives, each a list of conditions that must all be true.
    alternatives: Vec<Vec<Condition>>,
}

/// How a Python meets a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The specification admits it.
    Exact,
    /// Another patch release of the same minor version was asked for: `=3.6.2` and a 3.6.15. Wheels
    /// and syntax are the same, and Azure ML (2019) silently took the base's
    /// interpreter (docs/azureml-2019.md#4, conda), so a build accepts it with a warning.
    SameMinor,
    /// Another minor version was asked for.
    No,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    numbers: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Prefix,
    NotPrefix,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Compatible,
    Any,
}

/// Patch releases tried when looking for one that satisfies a minor version; no CPython has more.
const MOST_PATCHES: u32 = 99;

impl PythonSpec {
    /// Parses the version of a `python` line; the error is the reason why it is not valid.
    pub fn parse(spec: &MatchSpec) -> Result<Self, String> {
        let version = spec.version.as_deref().unwrap_or("*");
        let alternatives = version
            .split('|')
            .map(|all| all.split(',').map(|one| Condition::parse(one.trim())).collect())
            .collect::<Result<_, _>>()?;
        Ok(Self { text: spec.text.clone(), alternatives })
    }

    /// Checks a Python against the specification.
    pub fn satisfied_by(&self, python: PythonVersion) -> Fit {
        let admits = |patch| {
            let numbers = [python.major, python.minor, patch];
            self.alternatives.iter().any(|all| all.iter().all(|one| one.admits(&numbers)))
        };
        if admits(python.patch) {
            Fit::Exact
        } else if (0..=MOST_PATCHES).any(admits) {
            Fit::SameMinor
        } else {
            Fit::No
        }
    }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        const OPERATORS: [(&str, Operator); 8] = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessEqual),
            (">=", Operator::GreaterEqual),
            ("~=", Operator::Compatible),
            ("<", Operator::Less),
            (">", Operator::Greater),
            ("=", Operator::Prefix),
        ];
        let (mut operator, version) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?.trim())))
            .unwrap_or((Operator::Equal, text));
        if version == "*" {
            return Ok(Self { operator: Operator::Any, numbers: Vec::new() });
        }
        let plain = version.strip_suffix('*').map(|prefix| prefix.trim_end_matches('.'));
        if plain.is_some() {
            operator = match operator {
                Operator::Equal | Operator::Prefix => Operator::Prefix,
                Operator::NotEqual => Operator::NotPrefix,
                other => other,
            };
        }
        let numbers = plain
            .unwrap_or(version)
            .split('.')
            .map(str::parse)
            .collect::<Result<Vec<u32>, _>>()
            .map_err(|_| format!("`{version}` is not a Python version"))?;
        Ok(Self { operator, numbers })
    }

    fn admits(&self, found: &[u32; 3]) -> bool {
        let prefix = |length: usize| {
            let length = length.min(found.len());
            found[..length] == self.numbers[..length.min(self.numbers.len())]
        };
        let order = compare(found, &self.numbers);
        match self.operator {
            Operator::Any => true,
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Prefix => prefix(self.numbers.len()),
            Operator::NotPrefix => !prefix(self.numbers.len()),
            Operator::Less => order == Ordering::Less,
            Operator::LessEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterEqual => order != Ordering::Less,
            Operator::Compatible => {
                order != Ordering::Less && prefix(self.numbers.len().saturating_sub(1))
            }
        }
    }
}

/// Compares release numbers; missing ones are zero.
fn compare(left: &[u32], right: &[u32]) -> Ordering {
    let at = |numbers: &[u32], index| numbers.get(index).copied().unwrap_or(0);
    (0..left.len().max(right.len()))
        .map(|index| at(left, index).cmp(&at(right, index)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(line: &str, python: &str) -> Fit {
        let spec = PythonSpec::parse(&MatchSpec::parse(line).unwrap()).unwrap();
        spec.satisfied_by(python.parse().unwrap())
    }

    #[test]
    fn the_documents_own_line_accepts_another_patch_with_a_warning() {
        assert_eq!(fit("python=3.6.2", "3.6.2"), Fit::Exact);
        assert_eq!(fit("python=3.6.2", "3.6.15"), Fit::SameMinor);
        assert_eq!(fit("python=3.6.2", "3.7.2"), Fit::No);
    }

    #[test]
    fn every_form_of_constraint_is_checked() {
        let table = [
            ("python", "3.13.0", Fit::Exact),
            ("python=3.6", "3.6.15", Fit::Exact),
            ("python=3.1", "3.11.7", Fit::No),
            ("python=3", "3.11.7", Fit::Exact),
            ("python==3.6", "3.6.15", Fit::SameMinor),
            ("python 3.8.*", "3.8.18", Fit::Exact),
            ("python>=3.6,<3.8", "3.7.16", Fit::Exact),
            ("python>=3.6,<3.8", "3.8.0", Fit::No),
            ("python>3.6.2,<3.6.9", "3.6.15", Fit::SameMinor),
            ("python=3.6|3.7.*", "3.7.1", Fit::Exact),
            ("python!=3.6.*", "3.6.1", Fit::No),
            ("python!=3.6.1", "3.6.1", Fit::SameMinor),
            ("python~=3.6.2", "3.6.15", Fit::Exact),
            ("python~=3.6", "3.9.1", Fit::Exact),
            ("python=3.6.2=h_0", "3.6.15", Fit::SameMinor),
            ("python[version='>=3.9']", "3.8.1", Fit::No),
        ];
        for (line, python, expected) in table {
            assert_eq!(fit(line, python), expected, "{line} {python}");
        }
    }

    #[test]
    fn an_invalid_version_is_refused() {
        let spec = MatchSpec::parse("python=three").unwrap();
        assert_eq!(PythonSpec::parse(&spec).unwrap_err(), "`three.*` is not a Python version");
    }
}
