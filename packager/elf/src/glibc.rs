//! The glibc version that a compiled file requires, from its symbol versions.

use object::elf::FileHeader64;
use object::read::elf::FileHeader as _;

/// Returns the newest `GLIBC_x.y` version that an ELF file refers to, or `None` for another kind of
/// file.
///
/// # Errors
/// The reason why the file cannot be read.
pub fn needed_glibc(bytes: &[u8]) -> Result<Option<(u32, u32)>, String> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    newest(bytes).map_err(|error| error.to_string())
}

fn newest(bytes: &[u8]) -> object::Result<Option<(u32, u32)>> {
    let header = FileHeader64::<object::LittleEndian>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut newest = None;
    let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? else {
        return Ok(None);
    };
    let strings = sections.strings(endian, bytes, link)?;
    while let Some((_, mut versions)) = needs.next()? {
        while let Some(version) = versions.next()? {
            let name = version.name(endian, strings)?;
            newest = newest.max(glibc(name));
        }
    }
    Ok(newest)
}

/// Parses `GLIBC_2.17` or `GLIBC_2.3.4`; the third number is not significant.
fn glibc(name: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_versions_are_ignored() {
        assert_eq!(glibc(b"GLIBC_2.17"), Some((2, 17)));
        assert_eq!(glibc(b"GLIBC_2.3.4"), Some((2, 3)));
        assert_eq!(glibc(b"GLIBC_PRIVATE"), None);
        assert_eq!(glibc(b"GCC_3.0"), None);
    }

    #[test]
    fn the_test_program_needs_a_glibc() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let found = needed_glibc(&bytes).unwrap();
        assert!(found >= Some((2, 17)), "{found:?}");
        assert_eq!(needed_glibc(b"not an ELF file").unwrap(), None);
        assert!(needed_glibc(b"\x7fELF broken").is_err());
    }
}
