//! Options of pip's requirement files ("Requirements File Format", "Supported options").

use mlpack_documents::nearest;

/// One option of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PipOption {
    /// `-r FILE`: more requirements.
    Requirements(String),
    /// `-c FILE`: bounds for what is installed anyway.
    Constraints(String),
    /// `-e PLACE`: a source folder or repository.
    Editable(String),
    /// `-i URL`
    Index(String),
    /// `--extra-index-url URL`
    ExtraIndex(String),
    /// `-f PLACE`
    FindLinks(String),
    /// `--no-index`
    NoIndex,
    /// `--no-binary NAMES`
    NoBinary(Vec<String>),
    /// `--only-binary NAMES`
    OnlyBinary(Vec<String>),
    /// `--prefer-binary`
    PreferBinary,
    /// `--pre`
    Pre,
    /// `--require-hashes`
    RequireHashes,
    /// The digits of `--hash=sha256:HEX` after a requirement.
    Hash(String),
    /// `--trusted-host HOST`
    TrustedHost(String),
    /// One that changes nothing here, as `--use-pep517`.
    WithoutEffect(String),
}

/// Long name, short name, whether a value follows.
const KNOWN: [(&str, &str, bool); 18] = [
    ("--requirement", "-r", true),
    ("--constraint", "-c", true),
    ("--editable", "-e", true),
    ("--index-url", "-i", true),
    ("--extra-index-url", "", true),
    ("--find-links", "-f", true),
    ("--no-index", "", false),
    ("--no-binary", "", true),
    ("--only-binary", "", true),
    ("--prefer-binary", "", false),
    ("--pre", "", false),
    ("--require-hashes", "", false),
    ("--hash", "", true),
    ("--trusted-host", "", true),
    ("--use-feature", "", true),
    ("--use-pep517", "", false),
    ("--no-cache-dir", "", false),
    ("--pypi-url", "", true),
];

/// Parses the options of a text that begins with one; the error is the reason why it is not valid.
pub(crate) fn read(text: &str) -> Result<Vec<PipOption>, String> {
    let mut words = words(text)?.into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            // pip's parser passes over what belongs to no option.
            options.push(PipOption::WithoutEffect(word));
            continue;
        }
        let (long, value, has_value) = split(&word)?;
        let value = match (value, has_value) {
            (Some(_), false) => return Err(format!("`{long}` does not take a value")),
            (value, false) => value,
            (Some(value), true) => Some(value),
            (None, true) => words.next(),
        };
        let value = match value {
            Some(value) if value.is_empty() => return Err(format!("`{long}` needs a value")),
            None if has_value => return Err(format!("`{long}` needs a value")),
            value => value.unwrap_or_default(),
        };
        options.push(option(long, value)?);
    }
    Ok(options)
}

/// A word's option and the value written with it, as `--index-url=X` and `-rX` have one.
fn split(word: &str) -> Result<(&'static str, Option<String>, bool), String> {
    let unknown = || format!("unknown option `{word}`");
    if !word.starts_with("--") {
        // Not by bytes: what follows the dash may be any character.
        let short = KNOWN.iter().find(|(_, short, _)| !short.is_empty() && word.starts_with(short));
        let (long, short, has_value) = *short.ok_or_else(unknown)?;
        let rest = &word[short.len()..];
        return Ok((long, (!rest.is_empty()).then(|| rest.to_owned()), has_value));
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    // pip's parser takes a beginning that only one option has.
    let exact = KNOWN.iter().find(|(long, ..)| *long == name);
    let mut begins = KNOWN.iter().filter(|(long, ..)| name.len() > 3 && long.starts_with(name));
    let found = exact.or_else(|| begins.next().filter(|_| begins.next().is_none()));
    let (long, _, has_value) = *found.ok_or_else(|| {
        let bare = |option: &'static str| option.trim_start_matches('-');
        let near = nearest(name.trim_start_matches('-'), KNOWN.iter().map(|(long, ..)| bare(long)));
        match near {
            Some(near) => {
                format!("unknown option `{name}`; did you mean `--{near}`?")
            }
            None => format!("unknown option `{name}`"),
        }
    })?;
    Ok((long, value, has_value))
}

fn option(long: &str, value: String) -> Result<PipOption, String> {
    let names = |value: &str| value.split(',').map(|name| name.trim().to_owned()).collect();
    Ok(match long {
        "--requirement" => PipOption::Requirements(value),
        "--constraint" => PipOption::Constraints(value),
        "--editable" => PipOption::Editable(value),
        "--index-url" | "--pypi-url" => PipOption::Index(value),
        "--extra-index-url" => PipOption::ExtraIndex(value),
        "--find-links" => PipOption::FindLinks(value),
        "--no-index" => PipOption::NoIndex,
        "--no-binary" => PipOption::NoBinary(names(&value)),
        "--only-binary" => PipOption::OnlyBinary(names(&value)),
        "--prefer-binary" => PipOption::PreferBinary,
        "--pre" => PipOption::Pre,
        "--require-hashes" => PipOption::RequireHashes,
        "--trusted-host" => PipOption::TrustedHost(value),
        "--hash" => PipOption::Hash(hash(&value)?),
        other => PipOption::WithoutEffect(other.to_owned()),
    })
}

/// The digits of `sha256:HEX`.
pub(crate) fn hash(value: &str) -> Result<String, String> {
    let Some((kind, hex)) = value.split_once(':') else {
        return Err(format!("`--hash={value}` is not written as sha256:HEX"));
    };
    if kind != "sha256" {
        return Err(format!("hashes must be sha256, found {kind}"));
    }
    if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err("a sha256 hash has 64 hexadecimal digits".to_owned());
    }
    Ok(hex.to_lowercase())
}

/// Words as a shell would split them, which is how pip reads options.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(mark) if character == mark => quote = None,
            Some(_) => word.get_or_insert_default().push(character),
            None if matches!(character, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_pip_reads_them() {
        let hex = "ab".repeat(32);
        let table = [
            ("-r more.txt".to_owned(), vec![PipOption::Requirements("more.txt".to_owned())]),
            ("-rmore.txt".to_owned(), vec![PipOption::Requirements("more.txt".to_owned())]),
            ("--requirement='a b.txt'".to_owned(), vec![PipOption::Requirements("a b.txt".to_owned())]),
            (
                "-c c.txt of ours".to_owned(),
                vec![
                    PipOption::Constraints("c.txt".to_owned()),
                    PipOption::WithoutEffect("of".to_owned()),
                    PipOption::WithoutEffect("ours".to_owned()),
                ],
            ),
            (
                "-i https://i.example/simple --extra-index https://e.example --trusted-host i.example"
                    .to_owned(),
                vec![
                    PipOption::Index("https://i.example/simple".to_owned()),
                    PipOption::ExtraIndex("https://e.example".to_owned()),
                    PipOption::TrustedHost("i.example".to_owned()),
                ],
            ),
            (
                "--no-binary a,b --only-binary=:all: --pre --prefer-binary --no-index".to_owned(),
                vec![
                    PipOption::NoBinary(vec!["a".to_owned(), "b".to_owned()]),
                    PipOption::OnlyBinary(vec![":all:".to_owned()]),
                    PipOption::Pre,
                    PipOption::PreferBinary,
                    PipOption::NoIndex,
                ],
            ),
            (format!("--hash=sha256:{}", hex.to_uppercase()), vec![PipOption::Hash(hex)]),
        ];
        for (text, options) in table {
            assert_eq!(read(&text), Ok(options), "{text}");
        }
    }

    #[test]
    fn invalid_options_say_why() {
        let table = [
            ("--editible x", "unknown option `--editible`; did you mean `--editable`?"),
            ("--no-deps", "unknown option `--no-deps`"),
            ("-q", "unknown option `-q`"),
            ("-é", "unknown option `-é`"),
            ("-r", "`--requirement` needs a value"),
            ("--index-url=", "`--index-url` needs a value"),
            ("--pre=1", "`--pre` does not take a value"),
            ("-r 'a", "a quotation mark is not closed"),
            ("--hash=md5:00", "hashes must be sha256, found md5"),
            ("--hash=00", "`--hash=00` is not written as sha256:HEX"),
            ("--hash=sha256:00", "a sha256 hash has 64 hexadecimal digits"),
        ];
        for (text, message) in table {
            assert_eq!(read(text), Err(message.to_owned()), "{text}");
        }
    }
}
