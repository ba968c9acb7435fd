//! One instruction, its words not yet expanded.

use super::error::StepFault;
use super::words;
use mlpack_documents::nearest;

/// A supported instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instruction {
    /// Names and values.
    Env(Vec<(String, String)>),
    /// Names and values.
    Label(Vec<(String, String)>),
    /// Ports.
    Expose(Vec<String>),
    Workdir(String),
    User(String),
    Copy(Copy),
}

/// COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    /// `COPY` or `ADD`.
    pub(super) name: &'static str,
    pub(super) sources: Vec<String>,
    pub(super) destination: String,
    /// From `--chmod`: whether files are executable.
    pub(super) executable: Option<bool>,
}

const SUPPORTED: [&str; 7] = ["ENV", "LABEL", "EXPOSE", "WORKDIR", "USER", "COPY", "ADD"];
const UNSUPPORTED: [&str; 11] = [
    "RUN",
    "FROM",
    "ENTRYPOINT",
    "CMD",
    "ARG",
    "SHELL",
    "HEALTHCHECK",
    "VOLUME",
    "STOPSIGNAL",
    "ONBUILD",
    "MAINTAINER",
];

impl Instruction {
    pub(super) fn parse(text: &str) -> Result<Self, StepFault> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let upper = word.to_ascii_uppercase();
        if let Some(name) = UNSUPPORTED.into_iter().find(|name| *name == upper) {
            return Err(StepFault::Refused { name });
        }
        let Some(name) = SUPPORTED.into_iter().find(|name| *name == upper) else {
            let nearest = nearest(word, SUPPORTED.iter().chain(&UNSUPPORTED).copied());
            let nearest = nearest.and_then(|near| SUPPORTED.into_iter().find(|name| *name == near));
            return Err(StepFault::Unknown { name: word.to_owned(), nearest });
        };
        let rest = rest.trim();
        let malformed = |reason: String| StepFault::Malformed { name, reason };
        if rest.is_empty() {
            return Err(malformed("arguments are missing".to_owned()));
        }
        Ok(match name {
            "ENV" => Self::Env(pairs(rest).map_err(malformed)?),
            "LABEL" => Self::Label(pairs(rest).map_err(malformed)?),
            "EXPOSE" => Self::Expose(words::split(rest).map_err(malformed)?),
            "WORKDIR" => Self::Workdir(rest.to_owned()),
            "USER" => Self::User(rest.to_owned()),
            _ => Self::Copy(copy(name, rest)?),
        })
    }
}

/// `NAME=VALUE ...`, or the old form `NAME VALUE` where the value is the rest of the line.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let words = words::split(text)?;
    if !words.first().is_some_and(|first| first.contains('=')) {
        let (name, value) =
            text.split_once(char::is_whitespace).ok_or_else(|| format!("`{text}` has no value"))?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(format!("`{word}` is not NAME=VALUE")),
        })
        .collect()
}

fn copy(name: &'static str, text: &str) -> Result<Copy, StepFault> {
    let malformed = |reason: &str| StepFault::Malformed { name, reason: reason.to_owned() };
    let mut rest = text;
    let mut executable = None;
    while rest.starts_with("--") {
        let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        executable = flag_of(name, flag)?.or(executable);
        rest = after.trim_start();
    }
    let mut paths: Vec<String> = if rest.starts_with('[') {
        serde_json::from_str(rest).map_err(|_| malformed("the list is not JSON"))?
    } else {
        rest.split_whitespace().map(str::to_owned).collect()
    };
    let destination = paths.pop().filter(|_| !paths.is_empty());
    let destination = destination.ok_or_else(|| malformed("needs a source and a destination"))?;
    for source in &paths {
        let remote = ["http://", "https://", "git@", "git://", "ssh://", "<<"];
        if remote.iter().any(|start| source.starts_with(start)) {
            return Err(StepFault::Remote { name, source_text: source.clone() });
        }
    }
    Ok(Copy { name, sources: paths, destination, executable })
}

/// Returns the mode that a flag sets. Owners are always root and modes 0644 or 0755 in a layer.
fn flag_of(name: &'static str, flag: &str) -> Result<Option<bool>, StepFault> {
    let refuse = |instead| Err(StepFault::Flag { name, flag: flag.to_owned(), instead });
    match flag.split_once('=').unwrap_or((flag, "")) {
        ("--chown", "root" | "root:root" | "0" | "0:0") | ("--link", "" | "true" | "false") => {
            Ok(None)
        }
        ("--chown", _) => {
            refuse("remove it: files in the image are owned by root and readable by anyone")
        }
        ("--chmod", "644" | "0644" | "444" | "0444" | "664" | "0664") => Ok(Some(false)),
        (
            "--chmod",
            "755" | "0755" | "555" | "0555" | "775" | "0775" | "777" | "0777" | "+x" | "a+x",
        ) => Ok(Some(true)),
        ("--chmod", _) => refuse("use --chmod=644 or --chmod=755"),
        ("--from", _) => {
            refuse("copy the files from that image to this machine first, then COPY them")
        }
        _ => refuse("remove it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    fn copied(
        name: &'static str,
        sources: &[&str],
        destination: &str,
        executable: Option<bool>,
    ) -> Instruction {
        let sources = sources.iter().map(|source| (*source).to_owned()).collect();
        Instruction::Copy(Copy { name, sources, destination: destination.to_owned(), executable })
    }

    #[test]
    fn instructions_are_read() {
        for (text, expected) in [
            ("env A=1 B=\"x y\"", Instruction::Env(owned(&[("A", "1"), ("B", "\"x y\"")]))),
            ("ENV A  b c=d ", Instruction::Env(owned(&[("A", "b c=d")]))),
            ("LABEL a.b=c", Instruction::Label(owned(&[("a.b", "c")]))),
            ("EXPOSE 80 81/udp", Instruction::Expose(vec!["80".to_owned(), "81/udp".to_owned()])),
            ("WORKDIR  /a b", Instruction::Workdir("/a b".to_owned())),
            ("USER 1000:1000", Instruction::User("1000:1000".to_owned())),
            ("COPY a b /c/", copied("COPY", &["a", "b"], "/c/", None)),
            ("ADD --chmod=755 --chown=0:0 a b", copied("ADD", &["a"], "b", Some(true))),
            ("COPY [\"a b\", \"c\"]", copied("COPY", &["a b"], "c", None)),
        ] {
            assert_eq!(Instruction::parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_instructions_are_refused_with_a_hint() {
        for (text, message, hint) in [
            ("RUN apt-get update", "RUN is not supported", "add Python packages to the conda file"),
            ("CMD x", "CMD is not supported", "remove the line: the image"),
            ("ENVV a=b", "`ENVV` is not a Dockerfile instruction", "did you mean ENV?"),
            ("apt-get update", "`apt-get` is not a Dockerfile", "supported are ENV, LABEL"),
            ("ENV A", "ENV: `A` has no value", "write ENV NAME=VALUE"),
            ("ENV A=1 B", "ENV: `B` is not NAME=VALUE", "write ENV"),
            ("USER", "USER: arguments are missing", "write USER"),
            ("COPY a", "COPY: needs a source and a destination", "write COPY"),
            ("COPY --from=x a b", "COPY: --from=x is not supported", "copy the files from"),
            ("COPY --chown=me a b", "COPY: --chown=me is not supported", "remove it"),
            ("ADD https://x/y z", "ADD: `https://x/y` is not a local file", "download the file"),
            ("COPY <<EOF /a", "COPY: `<<EOF` is not a local file", "download the file"),
        ] {
            let fault = Instruction::parse(text).unwrap_err();
            assert!(fault.to_string().starts_with(message), "{fault}");
            assert!(fault.hint().starts_with(hint), "{}", fault.hint());
        }
    }
}
