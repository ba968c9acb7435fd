//! Words of an instruction: splitting at spaces outside quotes, and replacing variables, as
//! Docker does both (Dockerfile reference, "Environment replacement").

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// Variables and their values.
pub(super) type Variables = BTreeMap<String, String>;

/// Splits at white space outside quotes; quotes and backslashes stay for [`expand`].
pub(super) fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => {
                word.push(c);
                word.extend(chars.next());
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if let Some(quote) = quote {
        return Err(format!("a quote {quote} is not closed"));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// Length of a value, in bytes: Linux gives a process no longer variable (execve(2), MAX_ARG_STRLEN).
const VALUE_BYTES: usize = 128 << 10;

/// Removes quotes and backslashes and replaces `$NAME`, `${NAME}`, `${NAME:-default}` and
/// `${NAME:+other}`; an unset variable is empty text.
pub(super) fn expand(word: &str, variables: &Variables) -> Result<String, String> {
    let value = Expander { chars: word.chars().peekable(), variables }.until(None)?;
    if value.len() > VALUE_BYTES { Err(too_long()) } else { Ok(value) }
}

fn too_long() -> String {
    format!("a value of more than {VALUE_BYTES} bytes, which no process can be given")
}

struct Expander<'a> {
    chars: Peekable<Chars<'a>>,
    variables: &'a Variables,
}

impl Expander<'_> {
    /// Reads to `end`, which is consumed, or to the end of the word.
    fn until(&mut self, end: Option<char>) -> Result<String, String> {
        let mut out = String::new();
        while let Some(c) = self.chars.next() {
            if out.len() > VALUE_BYTES {
                return Err(too_long());
            }
            match c {
                c if Some(c) == end => return Ok(out),
                '\'' => loop {
                    match self.chars.next() {
                        Some('\'') => break,
                        Some(c) => out.push(c),
                        None => return Err("a quote ' is not closed".to_owned()),
                    }
                },
                '"' => self.double_quoted(&mut out)?,
                '\\' => out.extend(self.chars.next()),
                '$' => self.variable(&mut out)?,
                c => out.push(c),
            }
        }
        match end {
            Some(end) => Err(format!("`{end}` is missing")),
            None => Ok(out),
        }
    }

    fn double_quoted(&mut self, out: &mut String) -> Result<(), String> {
        loop {
            match self.chars.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.chars.next() {
                    Some(c @ ('"' | '$' | '\\')) => out.push(c),
                    Some(c) => out.extend(['\\', c]),
                    None => out.push('\\'),
                },
                Some('$') if out.len() > VALUE_BYTES => return Err(too_long()),
                Some('$') => self.variable(out)?,
                Some(c) => out.push(c),
                None => return Err("a quote \" is not closed".to_owned()),
            }
        }
    }

    fn variable(&mut self, out: &mut String) -> Result<(), String> {
        let braced = self.chars.next_if_eq(&'{').is_some();
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
            // `$1x` is the variable `1` and an x, as in a shell.
            if !braced && name.len() == 1 && c.is_ascii_digit() {
                break;
            }
        }
        if !braced {
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(self.variables.get(&name).map_or("", String::as_str));
            }
            return Ok(());
        }
        if name.is_empty() {
            return Err("`${` without a name".to_owned());
        }
        let set = self.variables.get(&name).cloned();
        let mut next = self.chars.next();
        let empty_counts = next == Some(':');
        if empty_counts {
            next = self.chars.next();
        }
        let present = set.clone().filter(|value| !(empty_counts && value.is_empty()));
        match next {
            Some('}') if !empty_counts => out.push_str(&set.unwrap_or_default()),
            Some('-') => {
                let default = self.until(Some('}'))?;
                out.push_str(&present.unwrap_or(default));
            }
            Some('+') => {
                let other = self.until(Some('}'))?;
                out.push_str(if present.is_some() { &other } else { "" });
            }
            Some('?') => {
                let message = self.until(Some('}'))?;
                out.push_str(&present.ok_or_else(|| format!("{name} is not set: {message}"))?);
            }
            None => return Err("`}` is missing".to_owned()),
            Some(c) => return Err(format!("`${{{name}{c}...}}` is not understood")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_outside_quotes() {
        let words = split(r#" a=1  b="x y"  c='p "q' d=e\ f "#).unwrap();
        assert_eq!(words, ["a=1", r#"b="x y""#, r#"c='p "q'"#, r"d=e\ f"]);
        assert_eq!(split("a='b").unwrap_err(), "a quote ' is not closed");
    }

    #[test]
    fn variables_are_replaced_as_docker_does() {
        let variables: Variables = [("A", "1"), ("E", ""), ("PATH", "/bin")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (word, expected) in [
            ("/x:$PATH", "/x:/bin"),
            ("${A}b$Ab", "1b"),
            (r"\$A '$A' \'", "$A $A '"),
            (r#""$A \$A \n""#, r"1 $A \n"),
            ("${N:-d$A}", "d1"),
            ("${E:-d}${E-d}", "d"),
            ("${A:+yes}${E:+no}${E+yes}", "yesyes"),
            ("$ $$A", "$ $1"),
        ] {
            assert_eq!(expand(word, &variables).unwrap(), expected, "{word}");
        }
        for (word, error) in [
            ("${A", "`}` is missing"),
            ("${A#x}", "`${A#...}` is not understood"),
            ("${}", "`${` without a name"),
            ("${N:?must be}", "N is not set: must be"),
        ] {
            assert_eq!(expand(word, &variables).unwrap_err(), error, "{word}");
        }
    }
}
