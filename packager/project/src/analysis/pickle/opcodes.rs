//! A walk along the opcodes of a pickle (CPython, `Lib/pickletools.py`).

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::Pickle;
use super::versions::{KEY, version};

/// Longer texts are not names and are skipped.
const LONGEST: u64 = 256;
/// Limit of texts in the memo and of modules; a model has a few hundred.
const MOST: usize = 20_000;

/// Opcodes without an argument that push something other than a text: NONE, NEWTRUE, NEWFALSE,
/// empty and other containers, their contents, calls, POP, DUP.
const PLAIN: &[u8] = b"N])}(aeltdsu012RboQ\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x97\x98";

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// At `STOP`.
    AtStop,
    /// At the limit of what is read.
    Cut,
    /// Where joblib may have put an array's bytes.
    AtAnArray,
}

/// The walk and what it has found.
pub(super) struct Walk<R> {
    reader: R,
    pub(super) found: Pickle,
    /// The last two texts that were put on the stack, if nothing else was since.
    last: [Option<String>; 2],
    /// Texts by their number in the memo.
    memo: BTreeMap<u64, String>,
    /// Entries of the memo; only counted where the opcodes do not number them.
    count: u64,
    array: bool,
}

/// Why a walk stops.
enum Stop {
    Ended(Ended),
    /// Not an opcode, or a broken argument.
    NoPickle,
    /// The file is at its end, or what is read of it.
    Cut,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Cut
    }
}

impl<R: Read> Walk<R> {
    pub(super) fn new(reader: R) -> Self {
        let found = Pickle::default();
        Self { reader, found, last: [None, None], memo: BTreeMap::new(), count: 0, array: false }
    }

    /// Walks to the end, or as far as the opcodes can be followed; nothing if this is not a pickle.
    pub(super) fn run(&mut self) -> Option<Ended> {
        loop {
            match self.step() {
                Ok(()) => {}
                Err(Stop::Ended(ended)) => return Some(ended),
                Err(Stop::NoPickle) => return None,
                // A long one is cut by the bound on what is read; a short one is damaged.
                Err(Stop::Cut) => return (!self.found.modules.is_empty()).then_some(Ended::Cut),
            }
        }
    }

    fn step(&mut self) -> Result<(), Stop> {
        let opcode = self.byte()?;
        match opcode {
            // PROTO
            0x80 => self.found.protocol = self.found.protocol.max(self.byte()?),
            // FRAME
            0x95 => self.skip(8)?,
            // Texts: SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, SHORT_BINSTRING, BINSTRING.
            0x8c | b'U' => self.text(1)?,
            b'X' | b'T' => self.text(4)?,
            0x8d => self.text(8)?,
            // Bytes: SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8, and long integers.
            b'C' | 0x8a => self.blob(1)?,
            b'B' | 0x8b => self.blob(4)?,
            0x8e | 0x96 => self.blob(8)?,
            // Numbers of a fixed length, and the registry of extensions.
            b'K' | 0x82 => self.pushed(1)?,
            b'M' | 0x83 => self.pushed(2)?,
            b'J' | 0x84 => self.pushed(4)?,
            b'G' => self.pushed(8)?,
            // UNICODE, STRING
            b'V' | b'S' => {
                let text = self.long_line()?;
                self.push(text.map(|text| text.trim_matches(['\'', '"']).to_owned()));
            }
            // INT, LONG, FLOAT, PERSID.
            b'I' | b'L' | b'F' | b'P' => {
                self.long_line()?;
                self.last = [None, None];
            }
            // GLOBAL, INST
            b'c' | b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name);
            }
            // STACK_GLOBAL
            0x93 => {
                if let [Some(module), Some(name)] = std::mem::take(&mut self.last) {
                    self.global(&module, &name);
                }
            }
            // BINGET, LONG_BINGET, GET
            b'h' => self.get(1)?,
            b'j' => self.get(4)?,
            b'g' => {
                let number = self.line()?.parse().map_err(|_| Stop::NoPickle)?;
                self.push(self.memo.get(&number).cloned());
            }
            // BINPUT, LONG_BINPUT, PUT, MEMOIZE
            b'q' => self.put(1)?,
            b'r' => self.put(4)?,
            b'p' => {
                let number = self.line()?.parse().map_err(|_| Stop::NoPickle)?;
                self.remember(number);
            }
            0x94 => self.remember(self.count),
            // BUILD: joblib writes an array behind the one of its wrapper.
            b'b' if self.array => return Err(Stop::Ended(Ended::AtAnArray)),
            // STOP
            b'.' => return Err(Stop::Ended(Ended::AtStop)),
            other if PLAIN.contains(&other) => self.last = [None, None],
            _ => return Err(Stop::NoPickle),
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        self.last = [None, None];
        self.array |= name == "NumpyArrayWrapper" && module.ends_with("numpy_pickle");
        if self.found.modules.len() < MOST {
            self.found.modules.insert(module.to_owned());
        }
    }

    fn push(&mut self, text: Option<String>) {
        if let [_, Some(before)] = &self.last
            && before == KEY
            && let Some(found) = text.as_deref().and_then(|text| version(text.as_bytes()))
        {
            self.found.scikit_learn.get_or_insert(found);
        }
        self.last.swap(0, 1);
        self.last[1] = text;
    }

    fn remember(&mut self, number: u64) {
        self.count += 1;
        if let Some(text) = &self.last[1]
            && self.memo.len() < MOST
        {
            self.memo.insert(number, text.clone());
        }
    }

    fn get(&mut self, width: usize) -> Result<(), Stop> {
        let number = self.number(width)?;
        self.push(self.memo.get(&number).cloned());
        Ok(())
    }

    fn put(&mut self, width: usize) -> Result<(), Stop> {
        let number = self.number(width)?;
        self.remember(number);
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<(), Stop> {
        let length = self.number(width)?;
        if length > LONGEST {
            self.skip(length)?;
            self.push(None);
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(Stop::Cut);
        }
        self.push(String::from_utf8(bytes).ok());
        Ok(())
    }

    fn blob(&mut self, width: usize) -> Result<(), Stop> {
        let length = self.number(width)?;
        self.pushed(length)
    }

    /// Something that is not text, with an argument of `length` bytes.
    fn pushed(&mut self, length: u64) -> Result<(), Stop> {
        self.last = [None, None];
        self.skip(length)
    }

    fn skip(&mut self, length: u64) -> Result<(), Stop> {
        let passed = io::copy(&mut self.reader.by_ref().take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(Stop::Cut) }
    }

    fn line(&mut self) -> Result<String, Stop> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return String::from_utf8(line).map_err(|_| Stop::NoPickle),
                byte if (line.len() as u64) < LONGEST => line.push(byte),
                _ => return Err(Stop::NoPickle),
            }
        }
    }

    /// A line of any length; nothing if it is too long for a name.
    fn long_line(&mut self) -> Result<Option<String>, Stop> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if length < LONGEST => line.push(byte),
                _ => {}
            }
            length += 1;
        }
        Ok(if length <= LONGEST { String::from_utf8(line).ok() } else { None })
    }

    /// Whether nothing follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        matches!(self.byte(), Err(Stop::Cut))
    }

    /// Begins the pickle that follows; false if what follows is none.
    pub(super) fn begins_another(&mut self) -> bool {
        let (Ok(0x80), Ok(protocol @ 2..=5)) = (self.byte(), self.byte()) else { return false };
        self.found.protocol = self.found.protocol.max(protocol);
        self.last = [None, None];
        self.memo.clear();
        self.count = 0;
        true
    }

    /// Little-endian, of 1, 4 or 8 bytes.
    fn number(&mut self, width: usize) -> Result<u64, Stop> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes[..width])?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
