//! Lower and upper bounds of version constraints.

use std::cmp::Ordering;

/// The numbers of a release; missing ones are zero.
#[derive(Debug, Clone)]
pub(super) struct Release(Vec<u64>);

impl Release {
    /// `1.0.45`; what follows the numbers (`rc1`, `.post1`) is dropped.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text
            .trim()
            .split('.')
            .map_while(|part| {
                let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                part[..digits].parse().ok()
            })
            .collect();
        (!numbers.is_empty()).then_some(Self(numbers))
    }

    pub(super) fn next_prefix(mut self) -> Self {
        if let Some(last) = self.0.last_mut() {
            *last += 1;
        }
        self
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let at = |release: &Self, index| release.0.get(index).copied().unwrap_or(0);
        let length = self.0.len().max(other.0.len());
        Some(
            (0..length)
                .map(|i| at(self, i).cmp(&at(other, i)))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal),
        )
    }
}

/// Lower and upper bound of a constraint, if it has them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Bounds {
    lower: Option<Release>,
    upper: Option<(Release, bool)>,
}

impl Bounds {
    /// Reads `==1.2.*`, `>=1,<2`, `~=1.4`, and conda's `1.2.*`. Anything else (`!=`, `|`)
    /// does not change the bounds.
    pub(super) fn parse(text: &str) -> Self {
        let mut bounds = Self::default();
        if text.contains('|') {
            return bounds;
        }
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let digits = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
            let (operator, version) = part.split_at(digits);
            let Some(release) = Release::parse(version) else { continue };
            let prefix = version.ends_with('*');
            match operator.trim() {
                "==" | "===" | "=" | "" if prefix => {
                    bounds.raise(release.clone());
                    bounds.lower_to(release.next_prefix(), false);
                }
                "==" | "===" | "=" | "" => {
                    bounds.raise(release.clone());
                    bounds.lower_to(release, true);
                }
                ">=" | ">" => bounds.raise(release),
                "<=" => bounds.lower_to(release, true),
                "<" => bounds.lower_to(release, false),
                "~=" => {
                    let mut series = release.clone();
                    series.0.pop();
                    bounds.raise(release);
                    bounds.lower_to(series.next_prefix(), false);
                }
                _ => {}
            }
        }
        bounds
    }

    fn raise(&mut self, release: Release) {
        if self.lower.as_ref().is_none_or(|lower| *lower < release) {
            self.lower = Some(release);
        }
    }

    fn lower_to(&mut self, release: Release, inclusive: bool) {
        if self.upper.as_ref().is_none_or(|(upper, _)| release < *upper) {
            self.upper = Some((release, inclusive));
        }
    }

    /// Returns whether some release from `text` on is admitted.
    pub(super) fn admits_from(&self, text: &str) -> bool {
        let (Some((upper, inclusive)), Some(release)) = (&self.upper, Release::parse(text)) else {
            return true;
        };
        *upper > release || (*inclusive && *upper == release)
    }

    /// Returns whether there is no upper bound.
    pub(super) fn is_open(&self) -> bool {
        self.upper.is_none()
    }

    /// Returns the lower bound.
    pub(super) fn lower(&self) -> Option<&Release> {
        self.lower.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_reach_as_far_as_they_say() {
        for (text, reaches) in [
            ("", true),
            ("==0.22.2.post1", false),
            ("==0.22.*", false),
            ("==0.23.*", true),
            ("==0.23", true),
            ("<0.23", false),
            ("<=0.23.0", true),
            (">=0.20,<0.23", false),
            ("~=0.22", true),
            ("~=0.22.1", false),
            ("0.22.*", false),
            ("!=0.24", true),
            ("0.20|0.21", true),
        ] {
            assert_eq!(Bounds::parse(text).admits_from("0.23"), reaches, "{text}");
        }
        assert!(Bounds::parse(">1").is_open() && !Bounds::parse("==1").is_open());
    }
}
