//! How deep a script's expressions are, before a parser that calls itself for each level.

use super::SyntaxError;
use super::position::Positions;

/// Brackets inside of one another that CPython accepts (MAXLEVEL of its tokenizer).
const BRACKETS: usize = 200;

/// Operators of one expression with those around it. CPython itself gives up beyond a few thousand: "too complex" or
/// "maximum recursion depth exceeded during compilation".
const OPERATORS: usize = 5000;

/// Size of a script, in bytes. The largest of CPython 3.11's own library has 757 KB.
const BYTES: usize = 4 << 20;

/// Memory for the parser and what follows its tree, of which only what is used is taken.
const STACK: usize = 512 << 20;

/// Runs what calls itself for each level of an expression.
pub(super) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK);
        match builder.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("cannot start a thread: {error}"),
        }
    })
}

/// Words that make an expression deeper.
const WORDS: [&[u8]; 9] =
    [b"and", b"await", b"else", b"if", b"in", b"is", b"lambda", b"not", b"or"];

/// Returns the first place that is deeper than CPython compiles, if there is one.
pub(super) fn too_deep(text: &str) -> Option<SyntaxError> {
    if text.len() > BYTES {
        let message = format!("the file has {} bytes, and at most {BYTES} are read", text.len());
        return Some(SyntaxError { line: 1, column: 1, message });
    }
    let bytes = text.as_bytes();
    // Operators so far, for each open bracket.
    let mut open = vec![0_usize];
    let mut total = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'#' => {
                at = end_of_line(bytes, at);
                continue;
            }
            b'"' | b'\'' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'(' | b'[' | b'{' => open.push(0),
            b')' | b']' | b'}' if open.len() > 1 => total -= open.pop().unwrap_or(0),
            b',' | b';' => total -= std::mem::take(open.last_mut()?),
            b'\n' if open.len() == 1 => total -= std::mem::take(open.last_mut()?),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let end = end_of_word(bytes, at);
                if WORDS.contains(&&bytes[at..end]) {
                    *open.last_mut()? += 1;
                    total += 1;
                }
                at = end;
                continue;
            }
            byte if b"+-*/%&|^<>=~.@:".contains(&byte) => {
                *open.last_mut()? += 1;
                total += 1;
            }
            _ => {}
        }
        if open.len() > BRACKETS + 1 || total > OPERATORS {
            let message = match open.len() > BRACKETS + 1 {
                true => "too many nested parentheses".to_owned(),
                false => format!("an expression of more than {OPERATORS} operators"),
            };
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            let (line, column) = Positions::new(text).at(offset.into());
            return Some(SyntaxError { line, column, message });
        }
        at += 1;
    }
    None
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| from + end)
}

fn end_of_word(bytes: &[u8], from: usize) -> usize {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    bytes[from..].iter().position(|byte| !inner(byte)).map_or(bytes.len(), |end| from + end)
}

/// Returns where a string ends. One that is not closed ends with its line, as for the parser.
fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let triple = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            byte if byte == quote && !triple => return at + 1,
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        too_deep(text).map(|error| format!("{}:{}: {}", error.line, error.column, error.message))
    }

    #[test]
    fn what_python_compiles_is_not_too_deep() {
        let list = format!("x = [{}]\n", "1.5 + 2, ".repeat(100_000));
        let lines = "x = a.b.c(1)[2] + 3 if y else not z\n".repeat(10_000);
        let strings = format!("x = '{0}' + \"{0}\" + '''{0}\n''' # {0}\n", "(".repeat(1000));
        for text in [&*list, &lines, &strings, &"(".repeat(200), "'((", "\"\\", ")))"] {
            assert_eq!(found(text), None);
        }
    }

    #[test]
    fn what_python_gives_up_on_is_named() {
        assert_eq!(
            found(&format!("\nx = {}", "(".repeat(201))).unwrap(),
            "2:205: too many nested parentheses"
        );
        let chain = format!("x = 1{}", "+1".repeat(31_000));
        assert_eq!(found(&chain).unwrap(), "1:10004: an expression of more than 5000 operators");
        let mixed = format!("x = {}", "(not a.b + ".repeat(199));
        assert_eq!(found(&mixed), None);
        assert!(found(&"not ".repeat(6000)).is_some());
    }
}
