//! The items of a list, read line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};

use bytes::Bytes;

use super::BatchError;
use super::arguments::{Arguments, Input};

/// One item.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its name in the output: the path, or the line's number from 1.
    pub(super) name: String,
    /// The path, or the line.
    pub(super) input: String,
    is_file: bool,
}

impl Item {
    /// The body of the request.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(super) fn content(&self, limit: u64) -> Result<Bytes, String> {
        if !self.is_file {
            return Ok(self.input.clone().into());
        }
        let cannot = |error: io::Error| format!("cannot read {}: {error}", self.input);
        let mut bytes = Vec::new();
        let file = File::open(&self.input).map_err(cannot)?;
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
        if read as u64 > limit {
            return Err(format!(
                "{} has more than {limit} bytes (MLPACK_MAX_BODY_BYTES)",
                self.input
            ));
        }
        Ok(bytes.into())
    }
}

/// A list under way.
pub(super) struct Items {
    lines: BufReader<File>,
    arguments: Arguments,
    next: u64,
    line: u64,
    /// Number of items.
    pub(super) total: u64,
    /// SHA-256 of the list and the group size: what results are of.
    pub(super) fingerprint: String,
}

impl Items {
    /// Reads a list once, to count and to identify it.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub(super) fn open(arguments: &Arguments) -> Result<Self, BatchError> {
        let (Input::Files(path) | Input::Lines(path)) = &arguments.input;
        let failed = || BatchError::file("read", path);
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        hash.update(&arguments.group.to_le_bytes());
        hash.update(format!("{:?}", arguments.shard).as_bytes());
        let (mut total, mut line) = (0, String::new());
        let mut lines = BufReader::new(File::open(path).map_err(failed())?);
        while lines.read_line(&mut line).map_err(failed())? > 0 {
            hash.update(line.as_bytes());
            total += u64::from(!line.trim().is_empty());
            line.clear();
        }
        let hex: String = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let lines = BufReader::new(File::open(path).map_err(failed())?);
        Ok(Self { lines, arguments: arguments.clone(), next: 0, line: 0, total, fingerprint: hex })
    }

    /// Returns the next group that is wanted, with its number.
    ///
    /// # Errors
    /// If the list cannot be read.
    pub(super) fn next_group(
        &mut self,
        is_wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<(u64, Vec<Item>)>, BatchError> {
        let (is_file, path) = match &self.arguments.input {
            Input::Files(path) => (true, path),
            Input::Lines(path) => (false, path),
        };
        loop {
            let mut group = Vec::new();
            while (group.len() as u64) < self.arguments.group {
                let mut line = String::new();
                if self.lines.read_line(&mut line).map_err(BatchError::file("read", path))? == 0 {
                    break;
                }
                self.line += 1;
                // Empty lines are no items; the numbers are those of the file.
                let input = line.trim_end_matches(['\n', '\r']);
                if !input.trim().is_empty() {
                    let name = if is_file { input.to_owned() } else { self.line.to_string() };
                    group.push(Item { name, input: input.to_owned(), is_file });
                }
            }
            if group.is_empty() {
                return Ok(None);
            }
            let number = self.next;
            self.next += 1;
            let is_own = self.arguments.shard.is_none_or(|(index, count)| number % count == index);
            if is_own && is_wanted(number) {
                return Ok(Some((number, group)));
            }
        }
    }
}
