use super::*;
use crate::{Fit, PythonVersion};

fn read(text: &str) -> Result<CondaFile> {
    CondaFile::parse(text, Path::new("env.yml"))
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

const DOCUMENT: &str = "name: project_environment\ndependencies:\n  - python=3.6.2\n\n  - pip:\n    - azureml-defaults\n    - scikit-learn\n    - inference-schema[numpy-support]\n";

#[test]
fn the_documents_own_file_is_read() {
    let file = read(DOCUMENT).unwrap();
    assert_eq!(file.name.as_deref(), Some("project_environment"));
    assert!(file.channels.is_empty() && file.notes.is_empty());
    let python = file.python_spec().unwrap();
    assert_eq!(python.text, "python=3.6.2");
    assert_eq!(python.satisfied_by(PythonVersion::new(3, 6, 15)), Fit::SameMinor);
    assert_eq!(file.conda_packages().count(), 0);
    let pip: Vec<_> = file.pip.iter().map(|line| (line.name().unwrap(), line.line)).collect();
    assert_eq!(pip, [("azureml-defaults", 6), ("scikit-learn", 7), ("inference-schema", 8)]);
}

#[test]
fn every_key_is_read() {
    let file = read(
        "name: a\nchannels: [conda-forge, defaults]\nvariables:\n  OMP_NUM_THREADS: 1\nprefix: /home/a\ndependencies:\n- python\n- pip=9\n- conda-forge::NumPy=1.16\n- scipy\n- pip:\n  - numpy\n  - -r more.txt\n",
    )
    .unwrap();
    assert_eq!(file.channels, ["conda-forge", "defaults"]);
    assert_eq!(file.variables, BTreeMap::from([("OMP_NUM_THREADS".to_owned(), "1".to_owned())]));
    let conda: Vec<_> = file.conda_packages().map(|d| (&*d.spec.name, d.line)).collect();
    assert_eq!(conda, [("numpy", 9), ("scipy", 10)]);
    assert_eq!(file.notes.len(), 2, "{:?}", file.notes);
}

#[test]
fn faults_name_file_line_and_the_way_out() {
    let error = read("dependancies:\n- python\n").unwrap_err();
    assert_eq!(error.to_string(), "env.yml:1:1: unknown key `dependancies`");
    assert_eq!(error.hint().unwrap(), "did you mean `dependencies`?");
    assert_eq!(
        message("- python\n"),
        "env.yml:1:1: expected a mapping of keys to values, found a list"
    );
    assert_eq!(
        message("dependencies:\n- python\n\t- pip\n"),
        "env.yml:3:1: a tab is used to indent"
    );
    assert_eq!(
        message("dependencies:\n- python\npip:\n- a\n"),
        "env.yml:3:1: `pip:` must be nested under `dependencies:`"
    );
    assert_eq!(
        message("dependencies:\n- pip:\n    a\n"),
        "env.yml:3:5: `pip` must be a list, each item on its own line after `- `, found text"
    );
    assert!(
        CondaFile::parse("dependencies:\n- python\n- pip:\n", "env.yml".as_ref())
            .unwrap()
            .pip
            .is_empty()
    );
    assert_eq!(
        message("dependencies:\n- pip:\n- a\n"),
        "env.yml:2:3: `pip` must be a list of lines, indented below `- pip:`, found nothing"
    );
    assert_eq!(
        message("dependencies:\n- python\n- pip:\n  - x\n- a:\n  - b\n"),
        "env.yml:5:3: `dependencies` must be package lines and one `pip:` list, found a mapping"
    );
    assert_eq!(
        message("dependencies:\n- pip:\n  - a=1\n"),
        "env.yml:3: invalid pip requirement `a=1`: pip pins with `==`; a single `=` is conda's way"
    );
    assert_eq!(
        message("dependencies:\n- python=x\n"),
        "env.yml:2:3: invalid conda package `python=x`: `x.*` is not a Python version"
    );
    assert_eq!(
        message("dependencies:\n- python=x\n- pip:\n  - a=1\n  - b==1\n  - c=2\n"),
        "env.yml:2:3: invalid conda package `python=x`: `x.*` is not a Python version\n\
         env.yml:4: invalid pip requirement `a=1`: pip pins with `==`; a single `=` is conda's way\n\
         env.yml:6: invalid pip requirement `c=2`: pip pins with `==`; a single `=` is conda's way"
    );
    let mapping = read("dependencies:\n- conda: [python=3.8, six]\n  pip: [idna]\n").unwrap();
    assert_eq!((mapping.dependencies.len(), mapping.pip.len()), (2, 1));
    assert!(read("dependencies:\n- {}\n").is_err());
    assert_eq!(read("dependencies:\n- pip: ['six==1.16.0;']\n").unwrap().pip.len(), 1);
    assert_eq!(message(""), "env.yml:1:1: expected a mapping of keys to values, found nothing");
}

#[test]
fn a_part_of_a_document_keeps_its_lines() {
    let text = "{\n  \"python\": {\n    \"dependencies\": [\n      \"python=3.11\",\n      {\"pip\": [\"a\",\n        \"b=1\"]}\n    ]\n  }\n}";
    let mut whole = Document::parse(Path::new("ic.json"), text, Format::Json).unwrap();
    let Value::Map(entries) = whole.root.value else { panic!("not a mapping") };
    whole.root = entries[0].node.clone();
    assert_eq!(
        CondaFile::read(&whole).unwrap_err().to_string(),
        "ic.json:6: invalid pip requirement `b=1`: pip pins with `==`; a single `=` is conda's way"
    );
}
