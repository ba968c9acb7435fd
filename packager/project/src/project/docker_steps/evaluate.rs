//! Evaluates instructions on top of a base image.

use std::path::Path;

use super::copy;
use super::error::StepFault;
use super::instruction::Instruction;
use super::words::{Variables, expand};
use crate::project::PackedFile;

/// The state of the base image that the lines start from.
pub struct BaseState<'a> {
    /// Environment variables of the base image.
    pub environment: Variables,
    /// Its working directory; `/` if it has none.
    pub workdir: String,
    /// Returns whether an absolute path is a folder in the base image, into which files are copied.
    pub is_folder: &'a dyn Fn(&str) -> bool,
}

/// One change to the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Sets an environment variable.
    Env {
        /// Its name.
        name: String,
        /// Its value, variables replaced.
        value: String,
    },
    /// Sets a label.
    Label {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Declares a port.
    Expose {
        /// From 1.
        port: u16,
        /// `tcp`, `udp` or `sctp`.
        protocol: &'static str,
    },
    /// Sets the working directory; the folder has to exist in the image.
    Workdir {
        /// Absolute.
        path: String,
    },
    /// Sets the user, by name or number, maybe with a group.
    User {
        /// `NAME[:GROUP]`
        user: String,
    },
    /// Adds an entry; its path is relative to the image's root.
    Copy {
        /// The entry.
        file: PackedFile,
    },
}

pub(super) struct Evaluation<'a> {
    base: &'a BaseState<'a>,
    context: &'a Path,
    variables: Variables,
    workdir: String,
    pub(super) steps: Vec<Step>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(base: &'a BaseState<'a>, context: &'a Path) -> Self {
        let workdir = absolute("/", &base.workdir);
        Self { base, context, variables: base.environment.clone(), workdir, steps: Vec::new() }
    }

    pub(super) fn follow(&mut self, instruction: &Instruction) -> Result<(), StepFault> {
        let malformed = |name| move |reason| StepFault::Malformed { name, reason };
        match instruction {
            Instruction::Env(pairs) => {
                // All values of one line use the variables from before it.
                let before = self.variables.clone();
                for (name, value) in pairs {
                    let name = expand(name, &before).map_err(malformed("ENV"))?;
                    let value = expand(value, &before).map_err(malformed("ENV"))?;
                    self.variables.insert(name.clone(), value.clone());
                    self.steps.push(Step::Env { name, value });
                }
            }
            Instruction::Label(pairs) => {
                for (name, value) in pairs {
                    let name = expand(name, &self.variables).map_err(malformed("LABEL"))?;
                    let value = expand(value, &self.variables).map_err(malformed("LABEL"))?;
                    self.steps.push(Step::Label { name, value });
                }
            }
            Instruction::Expose(ports) => {
                for word in ports {
                    let word = expand(word, &self.variables).map_err(malformed("EXPOSE"))?;
                    self.expose(&word).map_err(malformed("EXPOSE"))?;
                }
            }
            Instruction::Workdir(path) => {
                let path = expand(path, &self.variables).map_err(malformed("WORKDIR"))?;
                self.workdir = absolute(&self.workdir, &path);
                self.steps.push(Step::Workdir { path: self.workdir.clone() });
            }
            Instruction::User(user) => {
                let user = expand(user, &self.variables).map_err(malformed("USER"))?;
                if user.is_empty() || user.contains(char::is_whitespace) {
                    return Err(malformed("USER")(format!("`{user}` is not a user")));
                }
                self.steps.push(Step::User { user });
            }
            Instruction::Copy(copy) => {
                let mut copy = copy.clone();
                for text in copy.sources.iter_mut().chain([&mut copy.destination]) {
                    *text = expand(text, &self.variables).map_err(malformed(copy.name))?;
                }
                let files = copy::files(&copy, self.context, |destination| {
                    let path = absolute(&self.workdir, destination);
                    let own = self.steps.iter().any(|step| is_folder_of(step, &path));
                    let folder = own || (self.base.is_folder)(&path);
                    (path, folder)
                })?;
                self.steps.extend(files.into_iter().map(|file| Step::Copy { file }));
            }
        }
        Ok(())
    }

    fn expose(&mut self, word: &str) -> Result<(), String> {
        let bad = || format!("`{word}` is not a port");
        let (ports, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
        let protocol = match protocol.to_ascii_lowercase().as_str() {
            "tcp" => "tcp",
            "udp" => "udp",
            "sctp" => "sctp",
            _ => return Err(bad()),
        };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(bad);
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(bad());
        }
        self.steps.extend((first..=last).map(|port| Step::Expose { port, protocol }));
        Ok(())
    }
}

/// Returns whether an earlier step made `path` a folder.
fn is_folder_of(step: &Step, path: &str) -> bool {
    match step {
        Step::Workdir { path: workdir } => Path::new(workdir).starts_with(path),
        Step::Copy { file } => {
            let whole = format!("/{}", file.path);
            let whole = Path::new(&whole);
            let folder = matches!(file.kind, crate::project::PackedKind::Directory);
            whole.starts_with(path) && (folder || whole != Path::new(path))
        }
        _ => false,
    }
}

/// An absolute path without `.`, `..`, doubled or trailing slashes.
fn absolute(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::DockerSteps;
    use super::*;
    use crate::project::PackedKind;

    fn evaluate(text: &str, context: &Path) -> Result<Vec<Step>, Vec<String>> {
        let environment = [("PATH".to_owned(), "/bin".to_owned())].into();
        let is_folder = |path: &str| path == "/opt";
        let base = BaseState { environment, workdir: String::new(), is_folder: &is_folder };
        DockerSteps::parse(Path::new("steps"), text)
            .evaluate(&base, context)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn env(name: &str, value: &str) -> Step {
        Step::Env { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn configuration_steps_see_earlier_ones() {
        let text = "ENV A=1 B=$A\nENV PATH=/x:$PATH C ='$A'\nENV D=$A$B\nLABEL \"a b\"=\"$A\"\nEXPOSE 80 90-91/UDP\nWORKDIR app\nWORKDIR ../srv/./$A\nUSER ${A}:${A}\n";
        let error = evaluate(text, Path::new("/")).unwrap_err();
        assert_eq!(error, ["steps:2: ENV: `C` is not NAME=VALUE"]);
        let steps = evaluate(&text.replace("C =", "C="), Path::new("/")).unwrap();
        assert_eq!(
            steps,
            [
                env("A", "1"),
                env("B", ""),
                env("PATH", "/x:/bin"),
                env("C", "$A"),
                env("D", "1"),
                Step::Label { name: "a b".to_owned(), value: "1".to_owned() },
                Step::Expose { port: 80, protocol: "tcp" },
                Step::Expose { port: 90, protocol: "udp" },
                Step::Expose { port: 91, protocol: "udp" },
                Step::Workdir { path: "/app".to_owned() },
                Step::Workdir { path: "/srv/1".to_owned() },
                Step::User { user: "1:1".to_owned() },
            ]
        );
    }

    #[test]
    fn files_are_copied_where_docker_would() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("conf/in")).unwrap();
        for file in ["a.txt", "b.txt", "conf/c", "conf/in/d"] {
            fs::write(root.join(file), "x").unwrap();
        }
        let copied = |text: &str| -> Vec<(String, String)> {
            evaluate(text, &root)
                .unwrap()
                .into_iter()
                .filter_map(|step| match step {
                    Step::Copy { file } if file.kind != PackedKind::Directory => {
                        let host = file.host.strip_prefix(&root).unwrap().display().to_string();
                        Some((file.path, host))
                    }
                    _ => None,
                })
                .collect()
        };
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        for (text, expected) in [
            ("COPY a.txt /x", &[("x", "a.txt")][..]),
            ("COPY a.txt /x/", &[("x/a.txt", "a.txt")]),
            ("COPY a.txt /opt", &[("opt/a.txt", "a.txt")]),
            ("WORKDIR /w\nCOPY a.txt .", &[("w/a.txt", "a.txt")]),
            ("WORKDIR /w\nCOPY a.txt /w", &[("w/a.txt", "a.txt")]),
            ("WORKDIR /w\nCOPY *.txt ./d/", &[("w/d/a.txt", "a.txt"), ("w/d/b.txt", "b.txt")]),
            ("COPY conf /etc/conf", &[("etc/conf/c", "conf/c"), ("etc/conf/in/d", "conf/in/d")]),
            ("ADD [\"conf/in\", \"/x y\"]", &[("x y/d", "conf/in/d")]),
            ("COPY conf/?n/[d-f] /x", &[("x", "conf/in/d")]),
            ("COPY /a.txt ./b.txt /x/", &[("x/a.txt", "a.txt"), ("x/b.txt", "b.txt")]),
            ("COPY ./in/../conf/c /", &[("c", "conf/c")]),
        ] {
            assert_eq!(copied(text), pairs(expected), "{text}");
        }
        let steps = evaluate("COPY --chmod=755 a.txt /x", &root).unwrap();
        let kind = PackedKind::File { size: 1, executable: true };
        let file = PackedFile { path: "x".to_owned(), host: root.join("a.txt"), kind };
        assert_eq!(steps, [Step::Copy { file }]);
    }

    #[test]
    fn what_cannot_be_copied_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::write(root.join("a.txt"), "x").unwrap();
        fs::write(root.join("z.tar.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
        let text = "RUN x\nCOPY none /x\nADD z.tar.gz /x\nCOPY a.txt z.tar.gz /x\nCOPY ../a /x\nCOPY *.txt *.gz /y\n";
        let shown = root.display();
        assert_eq!(
            evaluate(text, &root).unwrap_err(),
            [
                "steps:1: RUN is not supported: mlpack runs no program and builds no other image"
                    .to_owned(),
                format!("steps:2: COPY: nothing matches `none` in {shown}"),
                "steps:3: ADD would unpack the archive `z.tar.gz`".to_owned(),
                "steps:4: COPY: with several sources the destination must end with `/`".to_owned(),
                format!("steps:5: COPY: nothing matches `../a` in {shown}"),
                "steps:6: COPY: with several sources the destination must end with `/`".to_owned(),
            ]
        );
    }
}
