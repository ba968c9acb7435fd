//! Marshalled code with the same bytes on every run.
//!
//! CPython marks what it may refer to again by reference counts, which depend on what else the
//! process holds, and before 3.11 it writes sets in the order of hashes, which depend on addresses
//! (bpo-37596; docs/pitfalls.md#19). So the structure is read, and written with marks only where something is
//! referred to, and with sets in the order of their elements' bytes. What is read back is the same.

use std::collections::BTreeMap;

/// Objects inside each other; CPython's own limit is 2000 (`MAX_MARSHAL_STACK_DEPTH`).
const DEEPEST: usize = 2000;
/// The bit of a type that marks objects that can be referred to.
const MARK: u8 = 0x80;

/// Rewrites marshalled code of Python `3.minor`. Returns `None` if it has an unknown type.
pub(super) fn normalise(bytes: &[u8], minor: u32) -> Option<Vec<u8>> {
    let mut reading = Reading { rest: bytes, minor, objects: Vec::new(), marked: Vec::new() };
    let root = reading.object(0)?;
    if !reading.rest.is_empty() {
        return None;
    }
    let mut uses = vec![0_u32; reading.objects.len()];
    for child in reading.objects.iter().flat_map(|object| &object.parts).filter_map(Part::child) {
        uses[child] += 1;
    }
    let mut writing =
        Writing { objects: &reading.objects, uses, numbers: BTreeMap::new(), out: Vec::new() };
    writing.object(root)?;
    Some(writing.out)
}

/// One object: its type, and what follows.
struct Object {
    kind: u8,
    parts: Vec<Part>,
}

enum Part {
    Bytes(Vec<u8>),
    Object(usize),
}

impl Part {
    fn child(&self) -> Option<usize> {
        match self {
            Self::Bytes(_) => None,
            Self::Object(number) => Some(*number),
        }
    }
}

struct Reading<'a> {
    rest: &'a [u8],
    minor: u32,
    objects: Vec<Object>,
    /// Numbers of objects in the order of their marks.
    marked: Vec<usize>,
}

impl Reading<'_> {
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken.to_vec())
    }

    /// A length of four bytes, and those bytes.
    fn long(&mut self) -> Option<(usize, Vec<u8>)> {
        let bytes = self.take(4)?;
        let number = u32::from_le_bytes(bytes[..].try_into().ok()?);
        Some((usize::try_from(number).ok()?, bytes))
    }

    fn short(&mut self) -> Option<(usize, Vec<u8>)> {
        let bytes = self.take(1)?;
        Some((usize::from(bytes[0]), bytes))
    }

    /// A length and so many bytes.
    fn counted(&mut self, length: (usize, Vec<u8>)) -> Option<Part> {
        let (length, mut bytes) = length;
        bytes.extend(self.take(length)?);
        Some(Part::Bytes(bytes))
    }

    /// A length and so many objects.
    fn several(&mut self, count: (usize, Vec<u8>), depth: usize) -> Option<Vec<Part>> {
        let (count, bytes) = count;
        let mut parts = vec![Part::Bytes(bytes)];
        for _ in 0..count {
            parts.push(Part::Object(self.object(depth)?));
        }
        Some(parts)
    }

    /// The number of the next object (CPython, `r_object` in Python/marshal.c).
    fn object(&mut self, depth: usize) -> Option<usize> {
        if depth > DEEPEST {
            return None;
        }
        let depth = depth + 1;
        let byte = *self.rest.first()?;
        self.rest = &self.rest[1..];
        let kind = byte & !MARK;
        if kind == b'r' {
            let reference = self.long()?.0;
            return self.marked.get(reference).copied();
        }
        let number = self.objects.len();
        self.objects.push(Object { kind, parts: Vec::new() });
        if byte & MARK != 0 {
            self.marked.push(number);
        }
        let parts = match kind {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => Vec::new(),
            b'i' => vec![Part::Bytes(self.take(4)?)],
            b'g' => vec![Part::Bytes(self.take(8)?)],
            b'y' => vec![Part::Bytes(self.take(16)?)],
            b'l' => {
                let digits = self.take(4)?;
                let count = i32::from_le_bytes(digits[..].try_into().ok()?).unsigned_abs();
                let count = usize::try_from(count).ok()?.checked_mul(2)?;
                vec![self.counted((count, digits))?]
            }
            b's' | b't' | b'u' | b'a' | b'A' => {
                let length = self.long()?;
                vec![self.counted(length)?]
            }
            b'z' | b'Z' => {
                let length = self.short()?;
                vec![self.counted(length)?]
            }
            b')' => {
                let count = self.short()?;
                self.several(count, depth)?
            }
            b'(' | b'[' | b'<' | b'>' => {
                let count = self.long()?;
                self.several(count, depth)?
            }
            b':' => self.several((3, Vec::new()), depth)?,
            b'c' => self.code(depth)?,
            _ => return None,
        };
        self.objects[number].parts = parts;
        Some(number)
    }

    /// Numbers and objects of a code object, which differ by version.
    fn code(&mut self, depth: usize) -> Option<Vec<Part>> {
        // Numbers of four bytes, objects, a number, objects.
        let (numbers, objects, last) = match self.minor {
            ..=7 => (5, 8, 1),
            8..=10 => (6, 8, 1),
            11.. => (5, 8, 2),
        };
        let mut parts = vec![Part::Bytes(self.take(numbers * 4)?)];
        parts.extend(self.several((objects, Vec::new()), depth)?);
        parts.push(Part::Bytes(self.take(4)?));
        parts.extend(self.several((last, Vec::new()), depth)?);
        Some(parts)
    }
}

struct Writing<'a> {
    objects: &'a [Object],
    uses: Vec<u32>,
    /// Number of the reference by object, for those already written.
    numbers: BTreeMap<usize, u32>,
    out: Vec<u8>,
}

impl Writing<'_> {
    fn object(&mut self, number: usize) -> Option<()> {
        if let Some(reference) = self.numbers.get(&number) {
            self.out.push(b'r');
            self.out.extend(reference.to_le_bytes());
            return Some(());
        }
        let object = &self.objects[number];
        // What has no parts is as short as a reference or shorter, and CPython never marks it.
        let again = self.uses[number] > 1 && !object.parts.is_empty();
        if again {
            let reference = u32::try_from(self.numbers.len()).ok()?;
            self.numbers.insert(number, reference);
        }
        self.out.push(object.kind | if again { MARK } else { 0 });
        let mut parts: Vec<&Part> = object.parts.iter().collect();
        if matches!(object.kind, b'<' | b'>') {
            // The first part is their number.
            parts[1..].sort_by_cached_key(|part| {
                let mut flat = Vec::new();
                if let Some(child) = part.child() {
                    flatten(self.objects, child, &mut flat);
                }
                flat
            });
        }
        for part in parts {
            match part {
                Part::Bytes(bytes) => self.out.extend(bytes),
                Part::Object(child) => self.object(*child)?,
            }
        }
        Some(())
    }
}

/// The bytes of an object without references; elements of sets are constants, never loops.
fn flatten(objects: &[Object], number: usize, out: &mut Vec<u8>) {
    /// Enough to distinguish elements.
    const ENOUGH: usize = 1 << 16;
    let object = &objects[number];
    out.push(object.kind);
    for part in &object.parts {
        if out.len() > ENOUGH {
            return;
        }
        match part {
            Part::Bytes(bytes) => out.extend(bytes),
            Part::Object(child) => flatten(objects, *child, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_referred_to_is_marked() {
        // ("ab", "cd", "ab") with every object marked, and a set of the two in either order.
        let marked = b"\xa9\x03\xda\x02ab\xda\x02cdr\x01\x00\x00\x00";
        let plain = b")\x03\xda\x02abZ\x02cdr\x00\x00\x00\x00";
        assert_eq!(normalise(marked, 8).as_deref(), Some(&plain[..]));
        assert_eq!(normalise(plain, 8).as_deref(), Some(&plain[..]));
        let set = |one: &str, two: &str| {
            normalise(format!(">\x02\0\0\0Z\x02{one}Z\x02{two}").as_bytes(), 8).unwrap()
        };
        assert_eq!(set("ab", "cd"), set("cd", "ab"));
    }

    #[test]
    fn what_is_cut_or_unknown_is_left_alone() {
        for bad in [&b""[..], b")\x02N", b"NN", b"?", b"r\0\0\0\0", b"l\x01\0\0\0", b"{0"] {
            assert_eq!(normalise(bad, 8), None, "{bad:?}");
        }
    }
}
