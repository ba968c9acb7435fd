//! What is captured of a layer's contents while it is indexed: the few bytes that facts are read
//! from.

use std::sync::LazyLock;

use mlpack_oci::rootfs::CaptureRule as Want;
use regex::bytes::Regex;

/// Version of these rules and of what an index holds; part of the cache key of an index.
pub(super) const VERSION: u32 = 3;

const TEXT: u64 = 64 << 10;

/// The banner that every GNU C library contains, as `ldd --version` prints it.
static GLIBC: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"GNU C Library [^\n\x00]{0,100}version (\d+\.\d+)").ok());

/// `python3.6` in `bin/`, `libpython3.6m.so.1.0` in `lib/`: the minor version is in the name.
static PYTHON: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
    regex::Regex::new(r"(?:^|/)(?:bin/python|lib/[^/]*/?libpython|lib/libpython)([23]\.\d{1,2})m?(?:\.so[.\d]*)?$").ok()
});

/// Returns what to capture of the file at `path`.
pub(super) fn rule(path: &str) -> Want {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "os-release" | "patchlevel.h" => return Want::Whole(TEXT),
        "version.txt" | "version.json" if path.starts_with("usr/local/cuda") => {
            return Want::Whole(TEXT);
        }
        _ if path == "etc/ld.so.conf" || path.starts_with("etc/ld.so.conf.d/") => {
            return Want::Whole(TEXT);
        }
        _ if name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so")) => {
            return Want::Find(Box::new(|window| capture(GLIBC.as_ref()?, window)));
        }
        _ => {}
    }
    let minor = PYTHON.as_ref().and_then(|python| Some(python.captures(path)?[1].to_owned()));
    let Some(minor) = minor else { return Want::Nothing };
    // PY_VERSION ends at a NUL; linkers may keep it as the tail of a longer string.
    let version =
        format!(r"(?-u)[^0-9.]({}\.\d{{1,2}}(?:(?:a|b|rc)\d+)?)\+?\x00", regex::escape(&minor));
    match Regex::new(&version) {
        Ok(version) => Want::Find(Box::new(move |window| capture(&version, window))),
        Err(_) => Want::Nothing,
    }
}

fn capture(regex: &Regex, window: &[u8]) -> Option<String> {
    let found = regex.captures(window)?;
    Some(String::from_utf8_lossy(&found[1]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str, content: &[u8]) -> Option<String> {
        match rule(path) {
            Want::Find(find) => find(content),
            _ => None,
        }
    }

    #[test]
    fn versions_are_found_in_the_bytes_of_libraries() {
        let libc =
            b"\x7fELF..GNU C Library (Ubuntu GLIBC 2.27-3ubuntu1) stable release version 2.27.\n";
        assert_eq!(find("lib/x86_64-linux-gnu/libc-2.27.so", libc).as_deref(), Some("2.27"));
        assert_eq!(find("lib/x86_64-linux-gnu/libc.so.6", libc).as_deref(), Some("2.27"));
        let python = b"3.6.1 is not it\0 1.2.11\0/Python-3.6.15\0";
        assert_eq!(find("opt/miniconda/bin/python3.6", python).as_deref(), Some("3.6.15"));
        assert_eq!(find("opt/miniconda/bin/python3.6m", python).as_deref(), Some("3.6.15"));
        assert_eq!(
            find("opt/miniconda/lib/libpython3.6m.so.1.0", python).as_deref(),
            Some("3.6.15")
        );
        assert_eq!(
            find("usr/lib/x86_64-linux-gnu/libpython3.6m.so.1", python).as_deref(),
            Some("3.6.15")
        );
        assert_eq!(find("usr/bin/python3.6-config", python), None);
        assert_eq!(find("usr/bin/python3.11", python), None);
    }
}
