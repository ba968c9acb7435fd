//! Each file of the corpora, once, as an ordinary test; and what runs of the fuzzer found on this machine, if there were any.

#![allow(clippy::unwrap_used, reason = "tests stop where something is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mlpack_fuzz::{TARGETS, target};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_target_has_a_corpus_and_a_program() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&corpora()), known);
    let programs = names(&corpora().with_file_name("targets"));
    let programs: BTreeSet<_> = programs.iter().map(|name| name.replace(".rs", "")).collect();
    assert_eq!(programs, known);
}

/// One test for each target, so that they run beside each other and a failure names its kind.
macro_rules! corpora {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let dir = corpora().join(stringify!($name));
            assert!(names(&dir).len() >= 3, "{}", dir.display());
            let grown = corpora().with_file_name("grown").join(stringify!($name));
            for dir in [dir, grown].into_iter().filter(|dir| dir.is_dir()) {
                for file in names(&dir) {
                    let file = dir.join(file);
                    // What a panic's message does not say.
                    println!("{}", file.display());
                    target(stringify!($name))(&fs::read(file).unwrap());
                }
            }
        }
    )*};
}

corpora! { archive conda_archive conda_file configuration document layer manifest merge model pip_list script wheel }
