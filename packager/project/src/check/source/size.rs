//! Everything in a source directory is packaged (docs/azureml-2019.md#9.12).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "source.size";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Larger source directories mostly contain data or a forgotten environment.
const LARGE: u64 = 100_000_000;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.project.source_directory.is_none() {
        return Vec::new();
    }
    let listing = subject.source_files();
    let size = listing.size();
    if size <= LARGE {
        return Vec::new();
    }
    let largest = listing.files.iter().max_by_key(|file| file.size()).map_or("", |file| &file.path);
    vec![
        Finding::warning(
            ID,
            format!("the source directory has {} MB, all of which is packaged; the largest file is {largest}", size / 1_000_000),
            "move data out; pass models with --model so each gets its own layer",
        )
        .placed(subject.project.place_of("sourceDirectory")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn large_directories() {
        let found = |size| {
            let case = Case::new(&[("src/score.py", ""), ("src/data.csv", "")]);
            std::fs::File::options()
                .write(true)
                .open(case.root().join("src/data.csv"))
                .unwrap()
                .set_len(size)
                .unwrap();
            case.source("src").run(run)
        };
        assert_eq!(
            found(LARGE + 1),
            [finding(
                ID,
                Warning,
                None,
                "the source directory has 100 MB, all of which is packaged; the largest file is src/data.csv",
                "move data out; pass models with --model so each gets its own layer",
            )]
        );
        assert_eq!(found(LARGE), []);
    }
}
