//! Data that the script fetches before the first request: the service does not start without a network,
//! and starts slowly with one.

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.downloads";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let found = subject.loaded().flat_map(|script| {
        script.downloads.iter().map(|download| {
            Finding::warning(
                ID,
                format!(
                    "{}() fetches data each time the service starts, which fails without a network",
                    download.function
                ),
                "fetch it once, and pass the files as a model (-m) or put them into the source directory",
            )
            .at(&script.path, download.line)
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn downloads_of_the_script_and_of_its_modules() {
        let case = Case::new(&[
            ("src/score.py", "import near\ndef init(): pass\ndef run(data): return data\n"),
            ("src/near.py", "import nltk\nnltk.download('stopwords')\n"),
        ]);
        assert_eq!(
            case.source("src").run(run),
            [finding(
                ID,
                Warning,
                Some(("src/near.py", 2)),
                "nltk.download() fetches data each time the service starts, which fails without a network",
                "fetch it once, and pass the files as a model (-m) or put them into the source directory",
            )]
        );
    }
}
