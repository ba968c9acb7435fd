//! Reading parts of a file or of a stream by offset.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

/// Opens a stream at its first byte. Called again to go back in it.
pub type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + Send>>;

/// The largest table of program headers or dynamic entries that is read, in bytes.
const MAX_TABLE: u64 = 1 << 20;

/// Something with bytes at offsets.
pub(crate) trait Source {
    /// Reads up to `length` bytes from `offset` on; fewer at the end of the source.
    fn read_at_most(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>>;

    /// Reads exactly `length` bytes, or returns `None` if the source ends before or the length is
    /// implausible.
    fn read_table(&mut self, offset: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        if length > MAX_TABLE {
            return Ok(None);
        }
        let bytes = self.read_at_most(offset, length)?;
        Ok((bytes.len() as u64 == length).then_some(bytes))
    }
}

impl Source for File {
    fn read_at_most(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.seek(SeekFrom::Start(offset))?;
        self.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A stream that cannot seek; it is opened again to go back.
pub(crate) struct Stream<'a> {
    open: Open<'a>,
    reader: Box<dyn Read + Send>,
    position: u64,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(open: Open<'a>) -> io::Result<Self> {
        Ok(Self { open, reader: open()?, position: 0 })
    }
}

impl Source for Stream<'_> {
    fn read_at_most(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if offset < self.position {
            self.reader = (self.open)()?;
            self.position = 0;
        }
        let skipped = (&mut self.reader).take(offset - self.position);
        self.position += io::copy(&mut { skipped }, &mut io::sink())?;
        let mut bytes = Vec::new();
        if self.position == offset {
            self.position += (&mut self.reader).take(length).read_to_end(&mut bytes)? as u64;
        }
        Ok(bytes)
    }
}
