//! One line of `dependencies:`: which package, from where, which versions.

use mlpack_documents::limits::check_line;

use crate::Architecture;
use crate::comment::without_comment;

/// A conda MatchSpec: kept as written, with the parts that are easy to name.
///
/// Source: conda documentation, "Package match specifications":
/// `[channel[/subdir]::]name[version[build]][[key=value, ...]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchSpec {
    /// As written, without a comment.
    pub text: String,
    /// Channel before `::`.
    pub channel: Option<String>,
    /// Subdirectory of the channel, as in `channel/linux-64::name`.
    pub subdir: Option<String>,
    /// Package name in lower case.
    pub name: String,
    /// Version constraint in the canonical form: `3.6.2.*` for `=3.6.2`, else as written.
    pub version: Option<String>,
    /// Build string or pattern.
    pub build: Option<String>,
    /// The text in square brackets, as written.
    pub brackets: Option<String>,
}

/// The subdirectory of packages for every platform.
const NOARCH: &str = "noarch";

impl MatchSpec {
    /// Parses one line; the error is the reason why it is not valid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = without_comment(text);
        check_line(text)?;
        let (channel, rest) = match text.split_once("::") {
            Some((channel, rest)) => (Some(channel.trim().to_owned()), rest),
            None => (None, text),
        };
        if channel.as_deref() == Some("") {
            return Err("a channel is missing before `::`".to_owned());
        }
        let (channel, subdir) = match channel.as_deref().map(split_subdir) {
            Some((channel, subdir)) => (Some(channel.to_owned()), subdir.map(str::to_owned)),
            None => (None, None),
        };
        let (rest, brackets) = match rest.trim().split_once('[') {
            Some((before, after)) => {
                let Some(inside) = after.trim_end().strip_suffix(']') else {
                    return Err("a `]` is missing".to_owned());
                };
                (before.trim(), Some(inside.to_owned()))
            }
            None => (rest.trim(), None),
        };
        let end = rest.find([' ', '=', '<', '>', '!', '~']).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
        if name.is_empty() || !name.chars().all(legal) {
            return Err(format!("`{}` is not a package name", &rest[..end]));
        }
        let (version, build) = version_and_build(rest[end..].trim())?;
        let (mut version, mut build) = (version, build);
        for (key, value) in brackets.as_deref().map(bracket_pairs).unwrap_or_default() {
            match key.as_str() {
                "version" => version = Some(value),
                "build" => build = Some(value),
                _ => {}
            }
        }
        Ok(Self { text: text.to_owned(), channel, subdir, name, version, build, brackets })
    }
}

/// Splits `channel/linux-64` into channel and subdirectory.
fn split_subdir(channel: &str) -> (&str, Option<&str>) {
    let known = |subdir: &str| {
        let architectures = [Architecture::Amd64, Architecture::Arm64];
        subdir == NOARCH || architectures.iter().any(|own| own.conda_subdir() == subdir)
    };
    match channel.trim_end_matches('/').rsplit_once('/') {
        Some((channel, subdir)) if known(subdir) => (channel, Some(subdir)),
        _ => (channel, None),
    }
}

/// Splits `=1.16=py36_0`, `>=1.2,<2`, `1.16.* py36_0` into version and build.
fn version_and_build(text: &str) -> Result<(Option<String>, Option<String>), String> {
    if text.is_empty() {
        return Ok((None, None));
    }
    // `name=1.16=build`: one `=`, then a plain version, then `=build`.
    if let Some(rest) = text.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        let rest = rest.trim_start();
        let (version, build) = match rest.split_once(['=', ' ']) {
            Some((version, build)) => (version, Some(build.trim().to_owned())),
            None => (rest, None),
        };
        if version.is_empty() {
            return Err("a version is missing after `=`".to_owned());
        }
        // With a build the version is meant exactly, without it as a prefix.
        let version = match &build {
            Some(_) => version.to_owned(),
            None => fuzzy(version),
        };
        return Ok((Some(version), build.filter(|build| build != "*")));
    }
    // Operators may be followed by spaces, so a build is only what follows a version and a space.
    let mut version = String::new();
    let mut words = text.split_whitespace().peekable();
    let mut build = None;
    while let Some(word) = words.next() {
        version.push_str(word);
        let open = |s: &str| s.ends_with([',', '|', '<', '>', '=', '!', '~']);
        let joins = words.peek().is_some_and(|next| next.starts_with([',', '|']));
        if !open(&version) && !joins {
            build = words.next().map(str::to_owned);
            if let Some(extra) = words.next() {
                return Err(format!("`{extra}` is one word too many"));
            }
            break;
        }
    }
    if version.ends_with(['<', '>', '=', '!', '~', ',', '|']) {
        return Err(format!("a version is missing after `{version}`"));
    }
    // `==1.16=build` pins both.
    if build.is_none()
        && let Some(rest) = version.strip_prefix("==")
        && let Some((exact, pinned)) = rest.split_once('=')
    {
        return Ok((Some(exact.to_owned()), Some(pinned.to_owned())));
    }
    Ok((Some(version), build.filter(|build| build != "*")))
}

/// `=3.6` means every 3.6; `=3.6,>3.6.2` and `=3.6|3.7` make only their first part a prefix.
fn fuzzy(version: &str) -> String {
    let end = version.find([',', '|']).unwrap_or(version.len());
    let (first, rest) = version.split_at(end);
    if first.ends_with('*') { version.to_owned() } else { format!("{first}.*{rest}") }
}

/// `version='>=1', build=py36_0` as pairs; values may be quoted and then hold commas.
fn bracket_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        pairs.push((key.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
        rest = left;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_every_form() {
        let table = [
            ("numpy", None, "numpy", None, None),
            ("numpy=1.16", None, "numpy", Some("1.16.*"), None),
            ("numpy==1.16.0", None, "numpy", Some("==1.16.0"), None),
            ("numpy =1.16", None, "numpy", Some("1.16.*"), None),
            ("numpy 1.16", None, "numpy", Some("1.16"), None),
            ("numpy=1.16.0=py36_0", None, "numpy", Some("1.16.0"), Some("py36_0")),
            ("numpy==1.16.0=py36_0", None, "numpy", Some("1.16.0"), Some("py36_0")),
            ("numpy 1.16.* py36*", None, "numpy", Some("1.16.*"), Some("py36*")),
            ("python >=3.6, <3.8", None, "python", Some(">=3.6,<3.8"), None),
            ("python>= 3.6", None, "python", Some(">=3.6"), None),
            ("conda-forge::SciPy=1.*", Some("conda-forge"), "scipy", Some("1.*"), None),
            (
                "conda-forge/linux-64::a[version='>=1,<2', build=b]",
                Some("conda-forge"),
                "a",
                Some(">=1,<2"),
                Some("b"),
            ),
            ("pip  # the installer", None, "pip", None, None),
            ("python=3.6|3.7", None, "python", Some("3.6.*|3.7"), None),
        ];
        for (text, channel, name, version, build) in table {
            let spec = MatchSpec::parse(text).unwrap();
            let parts = (
                spec.channel.as_deref(),
                &*spec.name,
                spec.version.as_deref(),
                spec.build.as_deref(),
            );
            assert_eq!(parts, (channel, name, version, build), "{text}");
            assert_eq!(spec.text, text.split("  #").next().unwrap());
        }
    }

    #[test]
    fn a_subdirectory_is_not_part_of_the_channel() {
        for subdir in ["linux-64", "linux-aarch64", "noarch"] {
            let spec =
                MatchSpec::parse(&format!("https://c.example/team/{subdir}::pkg=1")).unwrap();
            let parts = (spec.channel.as_deref(), spec.subdir.as_deref());
            assert_eq!(parts, (Some("https://c.example/team"), Some(subdir)));
        }
        let spec = MatchSpec::parse("team/label/dev::pkg").unwrap();
        assert_eq!((spec.channel.as_deref(), spec.subdir), (Some("team/label/dev"), None));
    }

    #[test]
    fn broken_lines_say_why() {
        for bad in ["", "=1", "::a", "a[version=1", "a b c d", "a>=", "na(me", "a="] {
            assert!(!MatchSpec::parse(bad).unwrap_err().is_empty(), "{bad}");
        }
    }
}
