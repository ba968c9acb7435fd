//! Parses a registry reference without `oci-spec`'s regular expression.
//!
//! That expression is correct, but it contains 128 times the class of all letters of all scripts and
//! takes 35 ms and 8 MB to compile, longer than a push with nothing to upload. The result has
//! `oci-spec`'s type, and a test compares both parsers.

use oci_spec::distribution::{ParseError, Reference};

/// The longest repository name, in bytes (distribution, `reference`).
const MAX_NAME: usize = 255;

/// Parses `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`; `ubuntu` is `docker.io/library/ubuntu:latest`.
pub(crate) fn read(text: &str) -> Result<Reference, ParseError> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(check_digest(digest)?)),
        None => (text, None),
    };
    // A colon before the last slash is the registry's port.
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last..].find(':') {
        Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
        None => (rest, None),
    };
    if name.is_empty() {
        return Err(ParseError::NameEmpty);
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (first, path),
        _ => ("docker.io", name),
    };
    let good = is_registry(registry) && path.split('/').all(is_component) && tag.is_none_or(is_tag);
    if !good {
        return Err(ParseError::ReferenceInvalidFormat);
    }
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    let official = registry == "docker.io" && !path.contains('/');
    let repository = if official { format!("library/{path}") } else { path.to_owned() };
    if repository.len() > MAX_NAME {
        return Err(ParseError::NameTooLong);
    }
    let (registry, tag) = (registry.to_owned(), tag.map(str::to_owned));
    Ok(match (tag, digest.map(str::to_owned)) {
        (Some(tag), Some(digest)) => {
            Reference::with_tag_and_digest(registry, repository, tag, digest)
        }
        (None, Some(digest)) => Reference::with_digest(registry, repository, digest),
        (tag, None) => {
            Reference::with_tag(registry, repository, tag.unwrap_or_else(|| "latest".to_owned()))
        }
    })
}

/// Returns whether the text is a host name with an optional port.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label)
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the text is lower-case letters and digits, separated by one dot, one or two
/// underscores, or dashes (distribution-spec, "Pulling manifests").
fn is_component(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.starts_with(is_letter)
        && text.ends_with(is_letter)
        && text.split(is_letter).all(|between| {
            matches!(between, "." | "_" | "__") || between.bytes().all(|b| b == b'-')
        })
}

/// Returns whether the text is up to 128 letters, digits, underscores, dots and dashes, beginning with neither
/// of the last two.
fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn check_digest(text: &str) -> Result<&str, ParseError> {
    let (algorithm, hex) = text.split_once(':').ok_or(ParseError::ReferenceInvalidFormat)?;
    if hex.len() < 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ParseError::ReferenceInvalidFormat);
    }
    match (algorithm, hex.len()) {
        ("sha256", 64) | ("sha384", 96) | ("sha512", 128) => Ok(text),
        ("sha256" | "sha384" | "sha512", _) => Err(ParseError::DigestInvalidLength),
        _ => Err(ParseError::DigestUnsupported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_the_specifications_crate_reads() {
        let hex = |length: usize| "a1".repeat(length / 2);
        let (pin, long) = (format!("sha256:{}", hex(64)), "a".repeat(128));
        let mut texts: Vec<String> = [
            "",
            "/",
            ":",
            "@",
            "a",
            "a/",
            "/a",
            "a//b",
            "ubuntu",
            "ubuntu:22.04",
            "ubuntu:",
            "a:b:c",
            "team/app",
            "team/app:v1",
            "localhost/a",
            "localhost:5000/a",
            "localhost:5000",
            "127.0.0.1:5000/a/b:v1",
            "127.0.0.1:/a",
            "127.0.0.1:x/a",
            "a.b/c",
            "a..b/c",
            "-a.b/c",
            "A.B/c",
            "a.b-/c",
            "docker.io/a",
            "index.docker.io/a/b",
            "docker.io/library/a",
            "index.docker.io/a",
            "a.b/C",
            "a.b/c:V1_2.3-x",
            "a.b/c:-x",
            "a.b/c:.x",
            "a.b/c:_x",
            "a.b/c d",
            "a.b/c_d",
            "a.b/c__d",
            "a.b/c___d",
            "a.b/c.d",
            "a.b/c..d",
            "a.b/c---d",
            "a.b/c-_d",
            "a.b/_c",
            "a.b/c-",
            "[::1]:5000/a",
            "team.azurecr.io/a/b/c:v1",
            "a.b/c:v/1",
            "a.b/c@sha256",
            "a.b/c@sha256:zz",
            "a.b/c@",
            "https://a.b/c",
            "a.b:80:80/c",
            "\u{e9}/a",
        ]
        .map(str::to_owned)
        .to_vec();
        for name in ["ubuntu", "a.b/c:v1", "127.0.0.1:5000/c", ":v1", "a.b/c:v1@x"] {
            texts.push(format!("{name}@{pin}"));
        }
        for digest in [
            format!("sha256:{}", hex(62)),
            format!("sha256:{}", hex(30)),
            format!("sha512:{}", hex(128)),
            format!("sha384:{}", hex(96)),
            format!("md5:{}", hex(32)),
            format!("{pin}:x"),
        ] {
            texts.push(format!("a.b/c@{digest}"));
        }
        texts.push(format!("a.b/c:{long}"));
        texts.push(format!("a.b/c:{long}a"));
        texts.push(format!("a.b/{long}{long}"));
        texts.push(format!("a.b/{}", "b/".repeat(100) + "c"));
        for text in texts {
            assert_eq!(read(&text).ok(), text.parse::<Reference>().ok(), "{text}");
        }
    }

    /// Texts that crate accepts and the specification and Docker do not.
    #[test]
    fn a_repository_is_never_in_capitals_and_a_tag_is_ascii() {
        for text in ["Team/app", "a.b/c:\u{e9}"] {
            assert_eq!(read(text), Err(ParseError::ReferenceInvalidFormat), "{text}");
        }
    }
}
