//! A tar whose headers cannot make their reader keep more than [`limits`](crate::limits) allow.

use std::io::{self, Read, Seek, SeekFrom};

use crate::limits::{EXTENSION_BYTES, LimitExceeded, PATH_BYTES};
use crate::pax::{self, EntryRecords, Records};

const BLOCK: usize = 512;

/// Passes a tar on, and ends with an error at the first extension header that is too long: readers keep those in memory,
/// whatever size they state.
#[derive(Debug)]
pub struct BoundedTar<R> {
    inner: R,
    state: State,
    block: Vec<u8>,
    /// The size that a pax header states for the next entry.
    size: Option<u64>,
    /// The records of that pax header.
    pending: Records,
    /// The records of the last entry.
    records: EntryRecords,
}

#[derive(Debug)]
enum State {
    /// In a header.
    Header,
    /// In the blocks that continue a sparse file's header (GNU tar, "Storing Sparse Files"); so many bytes so far.
    SparseMap(u64),
    /// In a pax header of so many bytes, which are kept.
    Pax(u64),
    /// In content, of which so many bytes are left.
    Content(u64),
    /// Behind the end of the archive, or where a reader will find its own fault.
    End,
}

impl<R> BoundedTar<R> {
    /// Wraps a tar that begins here.
    pub fn new(inner: R) -> Self {
        let (block, pending, records) = (Vec::new(), Vec::new(), EntryRecords::default());
        Self { inner, state: State::Header, block, size: None, pending, records }
    }

    /// Where the pax records of the entry are that was read last.
    pub(crate) fn records(&self) -> EntryRecords {
        self.records.clone()
    }

    fn look_at(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let wanted = match self.state {
                State::Content(left) => {
                    let (skipped, rest) = bytes.split_at(bytes.len().min(as_size(left)));
                    bytes = rest;
                    self.pass(skipped.len() as u64);
                    continue;
                }
                State::End => return Ok(()),
                State::Header | State::SparseMap(_) => BLOCK,
                State::Pax(size) => as_size(size),
            };
            let taken = bytes.len().min(wanted - self.block.len());
            self.block.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.block.len() == wanted {
                let block = std::mem::take(&mut self.block);
                self.state = self.after(&block)?;
            }
        }
        Ok(())
    }

    /// Notes that content was passed over.
    fn pass(&mut self, count: u64) {
        if let State::Content(left) = &mut self.state {
            *left -= count.min(*left);
            if *left == 0 {
                self.state = State::Header;
            }
        }
    }

    fn after(&mut self, block: &[u8]) -> io::Result<State> {
        match self.state {
            State::Header => self.after_header(block),
            State::SparseMap(read) => {
                let read = read + BLOCK as u64;
                LimitExceeded::check("a map of a sparse file", read, EXTENSION_BYTES)?;
                let goes_on = block[504] == 1;
                Ok(if goes_on {
                    State::SparseMap(read)
                } else {
                    content(self.size.take().unwrap_or(0))
                })
            }
            State::Pax(size) => {
                self.pending = pax::parse(block)?;
                let stated = pax::value(&self.pending, "size");
                let stated = stated.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                self.size = stated.or(self.size);
                Ok(content(padded(size) - size))
            }
            State::Content(_) | State::End => Ok(State::End),
        }
    }

    fn after_header(&mut self, block: &[u8]) -> io::Result<State> {
        let Some(size) = number(&block[124..136]).filter(|_| is_header(block)) else {
            return Ok(State::End);
        };
        match block[156] {
            kind @ (b'x' | b'g') => {
                LimitExceeded::check("an extension header", size, EXTENSION_BYTES)?;
                // Runtimes do not apply what is said of all entries.
                let is_global = kind == b'g';
                Ok(match size {
                    0 => State::Header,
                    _ if is_global => content(padded(size)),
                    _ => State::Pax(size),
                })
            }
            b'L' | b'K' => {
                // The terminating zero counts.
                LimitExceeded::check("a path", size, PATH_BYTES + 1)?;
                Ok(content(padded(size)))
            }
            kind => {
                self.records.set(std::mem::take(&mut self.pending));
                let size = padded(self.size.take().unwrap_or(size));
                if kind == b'S' && block[482] == 1 {
                    self.size = Some(size);
                    return Ok(State::SparseMap(0));
                }
                Ok(content(size))
            }
        }
    }
}

fn content(size: u64) -> State {
    if size == 0 { State::Header } else { State::Content(size) }
}

fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
}

fn as_size(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Whether the checksum of a header is right (POSIX ustar).
fn is_header(block: &[u8]) -> bool {
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
        .sum();
    sum != 8 * 32 && number(&block[148..156]) == Some(sum)
}

/// Reads a number of a header: octal digits, or base 256 if the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let low = field[field.len() - 8..].try_into().ok()?;
        return Some(u64::from_be_bytes(low));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c| c == '\0' || c == ' ');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

impl<R: Read> Read for BoundedTar<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.look_at(&buf[..count])?;
        Ok(count)
    }
}

/// For readers that pass over content.
impl<R: Seek> Seek for BoundedTar<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Current(by) = to {
            self.pass(u64::try_from(by).unwrap_or(0));
        }
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of a kind and a size, whatever follows.
    fn header(kind: u8, size: u64) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_size(size);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    fn read(tar: &[u8]) -> Result<u64, String> {
        let mut bounded = BoundedTar::new(tar);
        io::copy(&mut bounded, &mut io::sink()).map_err(|error| error.to_string())
    }

    #[test]
    fn long_extension_headers_end_the_archive() {
        let over = |kind, size| read(&header(kind, size)).unwrap_err();
        let huge = 6 << 30;
        assert_eq!(
            over(b'x', huge),
            "an extension header of 6442450944 bytes, where at most 1048576 are read"
        );
        assert_eq!(over(b'L', 4098), "a path of 4098 bytes, where at most 4097 are read");
        assert_eq!(over(b'K', huge), "a path of 6442450944 bytes, where at most 4097 are read");
        assert!(read(&header(b'L', 4097)).is_ok());
    }

    #[test]
    fn content_is_no_header() {
        // A file whose content looks like a header, of a size that only its pax header states.
        let record = b"13 size=1024\n";
        let mut tar = header(b'x', record.len() as u64);
        tar.extend(record);
        tar.resize(2 * BLOCK, 0);
        tar.extend(header(b'0', 0));
        tar.extend(header(b'x', 6 << 30));
        tar.resize(5 * BLOCK, 7);
        tar.extend(header(b'0', 100));
        tar.resize(7 * BLOCK, 7);
        tar.extend([0; 2 * BLOCK]);
        tar.extend(header(b'x', 6 << 30));
        assert_eq!(read(&tar), Ok(10 * BLOCK as u64));
    }

    #[test]
    fn every_tar_of_the_tar_crate_passes() {
        let mut builder = tar::Builder::new(Vec::new());
        for length in [10, 99, 100, 101, 300] {
            let mut header = tar::Header::new_gnu();
            header.set_size(length);
            let content = vec![b'x'; as_size(length)];
            builder.append_data(&mut header, "d/".repeat(as_size(length)), &content[..]).unwrap();
        }
        let tar = builder.into_inner().unwrap();
        assert_eq!(read(&tar), Ok(tar.len() as u64));
        let archive = tar::Archive::new(BoundedTar::new(&tar[..])).entries().unwrap().count();
        assert_eq!(archive, 5);
    }
}
