//! The entries of a tar. Reproducibility is decided here and by the sorted [`Tree`](super::Tree)
//! (docs/pitfalls.md#1 to #18).
//!
//! They are owned by 0:0 without names, of one modification time, and in the POSIX format: ustar,
//! with PAX records for values that do not fit ustar.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use super::tree::{Content, Node};
use crate::Meter;

/// The largest size that fits ustar's 11 octal digits, in bytes.
const USTAR_MAX_SIZE: u64 = 0o777_7777_7777;

/// Two zero blocks end an archive (POSIX pax, "ustar Interchange Format").
pub(super) const END: [u8; 1024] = [0; 1024];

pub(super) fn write_entry(
    out: &mut impl Write,
    path: &str,
    node: &Node,
    mtime: u64,
    meter: &dyn Meter,
) -> io::Result<()> {
    write_header(out, path, node, mtime)?;
    if let Node::File { size, content, .. } = node {
        copy_exactly(content, *size, out, meter)?;
        pad(out, *size)?;
    }
    Ok(())
}

/// Writes everything before the bytes of a file, or the whole of another entry.
pub(super) fn write_header(
    out: &mut impl Write,
    path: &str,
    node: &Node,
    mtime: u64,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    let mut name = path.to_owned();
    let (mut link, mut size, mut restated) = (None, 0, None);
    match node {
        Node::Directory { open } => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(if *open { 0o1777 } else { 0o755 });
            name.push('/');
        }
        Node::Inherited { mode, uid, gid, stamp } => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(*mode);
            header.set_uid(*uid);
            header.set_gid(*gid);
            if let Some(stamp) = stamp {
                header.set_mtime(stamp.mtime);
                restated = Some(&stamp.records);
            }
            name.push('/');
        }
        Node::File { executable, size: bytes, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            size = *bytes;
        }
        Node::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            link = Some(target);
        }
    }
    header.set_size(size);

    // PAX records in a fixed order; the header has a shortened name for readers without PAX.
    let mut records = Vec::new();
    if let Some(target) = link
        && (target.len() > 100
            || !target.is_ascii()
            || header.set_link_name_literal(target).is_err())
    {
        pax_record(&mut records, "linkpath", target.as_bytes());
    }
    if !name.is_ascii() || header.set_path(&name).is_err() {
        pax_record(&mut records, "path", name.as_bytes());
        let cut: String = name.chars().filter(char::is_ascii).take(99).collect();
        set_name(&mut header, &cut);
    }
    if size > USTAR_MAX_SIZE {
        pax_record(&mut records, "size", size.to_string().as_bytes());
    }
    for (key, value) in restated.into_iter().flatten() {
        pax_record(&mut records, key, value);
    }
    if !records.is_empty() {
        let mut pax = Header::new_ustar();
        pax.set_entry_type(EntryType::XHeader);
        set_name(&mut pax, "././@PaxHeader");
        pax.set_mode(0o644);
        pax.set_uid(0);
        pax.set_gid(0);
        pax.set_mtime(mtime);
        pax.set_size(records.len() as u64);
        pax.set_cksum();
        out.write_all(pax.as_bytes())?;
        out.write_all(&records)?;
        pad(out, records.len() as u64)?;
    }
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits (POSIX pax, "pax Extended Header").
fn pax_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn set_name(header: &mut Header, name: &str) {
    let field = &mut header.as_old_mut().name;
    field.fill(0);
    field[..name.len()].copy_from_slice(name.as_bytes());
}

pub(super) fn copy_exactly(
    content: &Content,
    size: u64,
    out: &mut impl Write,
    meter: &dyn Meter,
) -> io::Result<()> {
    let mut reader = content.open()?;
    let mut buffer = vec![0; (256 << 10).min(usize::try_from(size).unwrap_or(usize::MAX).max(1))];
    let mut left = size;
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = match reader.read(&mut buffer[..want]) {
            Ok(0) => return Err(changed(size, size - left)),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        out.write_all(&buffer[..n])?;
        meter.advance(n as u64);
        left -= n as u64;
    }
    // Reading past the end also lets a verifying stream compare its hash.
    match reader.read(&mut buffer[..1])? {
        0 => Ok(()),
        _ => Err(changed(size, size + 1)),
    }
}

fn changed(expected: u64, found: u64) -> io::Error {
    let relation = if found < expected { "ended at" } else { "is longer than" };
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "its size was {expected} bytes but it {relation} {} bytes: it changed while it was packed",
            found.min(expected)
        ),
    )
}

pub(super) fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % 512).unwrap_or(0);
    if rest > 0 { out.write_all(&[0; 512][rest..]) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    #[test]
    fn a_size_beyond_ustar_goes_into_a_pax_record() {
        struct Endless;
        impl Write for Endless {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let size = 9u64 << 30;
        let mut head = Vec::new();
        let node = Node::File { executable: false, size, content: Content::Bytes([][..].into()) };
        // The content is too short on purpose: only the headers matter here.
        assert!(write_entry(&mut head, "big", &node, 0, &Silent).is_err());
        assert!(head.windows(18).any(|part| part == b"19 size=9663676416"), "PAX size");
        let mut archive = tar::Archive::new(&head[..]);
        assert_eq!(archive.entries().unwrap().next().unwrap().unwrap().size(), size);
        assert!(write_entry(&mut Endless, "big", &node, 0, &Silent).is_err());
    }
}
