//! Tracebacks in a log: the exception that was the cause, and the user's own line.

/// What was running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Import,
    Init,
    Run,
}

/// The cause of the last traceback.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Traceback<'l> {
    /// `ValueError: bad shape`, the type without its module.
    pub(super) exception: &'l str,
    /// The same with the lines that follow, since a message may have several.
    pub(super) message: &'l str,
    /// The innermost line of the project, as `score.py:4`, and what was running there.
    pub(super) place: Option<(String, Phase)>,
}

const BEGIN: &str = "Traceback (most recent call last):";
/// What Python writes between two tracebacks of one chain.
const CAUSED: &str = "The above exception was the direct cause of the following exception:";
const DURING: &str = "During handling of the above exception, another exception occurred:";
/// Lines of a message, which NLTK's has fifteen of; what the server logs later follows them.
const MOST: usize = 20;
/// Exceptions in which servers wrap what the script raised.
const WRAPPERS: [&str; 3] = ["UserScriptException", "UserScriptImportException", "HaltServer"];
/// Folders whose files are not the project's.
const OTHERS: [&str; 6] =
    ["/site-packages/", "/dist-packages/", "/lib/python", "<", "/opt/mlpack/", "/usr/"];

impl<'l> Traceback<'l> {
    /// Reads the last chain of tracebacks: of exceptions raised from others, and of wrapped ones, the
    /// innermost.
    pub(super) fn last_in(log: &'l str) -> Option<Self> {
        let mut parts: Vec<&str> = log.split(BEGIN).collect();
        let mut cause = parts.pop().filter(|_| !parts.is_empty())?;
        while let Some(before) = parts.pop().filter(|_| !parts.is_empty()) {
            let before = before.trim_end();
            let wrapped =
                exception(cause).is_some_and(|of| WRAPPERS.iter().any(|w| of.contains(w)));
            let inner = before.ends_with(CAUSED) || before.ends_with(DURING) && wrapped;
            if !inner {
                break;
            }
            cause = before.trim_end_matches(CAUSED).trim_end_matches(DURING);
        }
        let (exception, message) = (exception(cause)?, message(cause)?);
        Some(Self { exception, message, place: place(cause) })
    }
}

/// The lines behind the frames.
fn message(traceback: &str) -> Option<&str> {
    let is_frame = |line: &&str| line.trim_end().is_empty() || line.starts_with([' ', '\t']);
    let frames = traceback.split_inclusive('\n').enumerate();
    let frames = frames.take_while(|(number, line)| *number == 0 || is_frame(line));
    let begin = frames.map(|(_, line)| line.len()).sum::<usize>();
    let message = traceback.get(begin..).filter(|message| !message.is_empty())?;
    let end = message.match_indices('\n').nth(MOST).map_or(message.len(), |(at, _)| at);
    Some(&message[..end])
}

/// The first of them, without the module of its type.
fn exception(traceback: &str) -> Option<&str> {
    let line = message(traceback)?.lines().next()?.trim();
    let kind = line.split(':').next().unwrap_or(line);
    let named = kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
    let module = kind.rfind('.').map_or(0, |at| at + 1);
    let line = if named { &line[module..] } else { line };
    Some(line.trim_end_matches(':'))
}

/// The innermost frame of the project's files; the entry function is looked for in those around it.
fn place(traceback: &str) -> Option<(String, Phase)> {
    let mut found = None;
    let mut phase = Phase::Import;
    for line in traceback.lines() {
        let Some(frame) = line.trim_start().strip_prefix("File \"") else { continue };
        let Some((path, rest)) = frame.split_once("\", line ") else { continue };
        let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
        if OTHERS.iter().any(|other| path.contains(other)) {
            continue;
        }
        match function.trim() {
            "init" => phase = Phase::Init,
            "run" => phase = Phase::Run,
            _ => {}
        }
        let name = path.rsplit("/azureml-app/").next().unwrap_or(path);
        let name = if name.starts_with('/') { name.rsplit('/').next()? } else { name };
        found = Some(format!("{name}:{number}"));
    }
    Some((found?, phase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_chain_is_innermost() {
        let inner = "Traceback (most recent call last):\n  File \"/opt/mlpack/server/worker.py\", line 9, in boot\n    init()\n  File \"/var/azureml-app/score.py\", line 4, in init\n    load()\n  File \"/var/azureml-app/lib/load.py\", line 7, in load\n    joblib.load(x)\n  File \"/opt/mlpack/env/lib/python3.6/site-packages/joblib/n.py\", line 1, in load\njoblib.errors.LoadError: no such thing\n";
        let read = |log: &str| {
            let read = Traceback::last_in(log)?;
            Some((read.exception.to_owned(), read.place))
        };
        let place = Some(("lib/load.py:7".to_owned(), Phase::Init));
        let expected = Some(("LoadError: no such thing".to_owned(), place));
        assert_eq!(read(inner), expected);
        let wrapper = format!(
            "{inner}\n{DURING}\n\n{BEGIN}\n  File \"/usr/lib/x.py\", line 1, in y\nazmlinfsrv.UserScriptException: Caught an unhandled exception\n"
        );
        assert_eq!(read(&wrapper), expected);
        let raised_from = format!(
            "{inner}\n{CAUSED}\n\n{BEGIN}\n  File \"/var/azureml-app/score.py\", line 4, in init\nRuntimeError: x\n"
        );
        assert_eq!(read(&raised_from), expected);
        // Handled, and then another one: that one counts.
        let other = format!(
            "{inner}\n{DURING}\n\n{BEGIN}\n  File \"/var/azureml-app/score.py\", line 1, in <module>\n    import x\nKeyError: 'x'\n"
        );
        let place = Some(("score.py:1".to_owned(), Phase::Import));
        assert_eq!(read(&other), Some(("KeyError: 'x'".to_owned(), place)));
        assert_eq!(read("nothing"), None);
    }
}
