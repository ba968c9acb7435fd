//! Many inputs through `run()`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{command, python, signal, worker};

const ONLINE: &str = "
import json
import os

def init():
    pass

def run(data):
    with open('asked', 'a') as log:
        log.write(data.strip() + '\\n')
    if data.strip() == 'bad':
        raise ValueError(data)
    if data.strip() == 'die':
        os._exit(9)
    return len(data)
";

const MINI_BATCH: &str = "
import os

def init():
    pass

def run(mini_batch):
    return [os.path.basename(path) for path in mini_batch if not path.endswith('bad')]
";

fn arguments(more: &[&str]) -> Vec<String> {
    let (python, worker) = (python(), worker());
    let end = ["--", python.to_str().unwrap(), "-B", worker.to_str().unwrap()];
    ["batch"].iter().chain(more).chain(&end).map(|word| (*word).to_owned()).collect()
}

fn batch(dir: &Path, more: &[&str], settings: &[(&str, &str)]) -> Output {
    let arguments = arguments(more);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(dir, &words, settings).current_dir(dir).output().unwrap()
}

fn folder(script: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("score.py"), script).unwrap();
    dir
}

fn results(dir: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("out").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the command printed at its end.
fn summary(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let at = text.rfind("\n{\n").map_or(0, |at| at + 1);
    let mut summary: Value = serde_json::from_str(&text[at..]).unwrap_or_else(|_| panic!("{text}"));
    summary.as_object_mut().unwrap().retain(|name, _| ["items", "failed"].contains(&name.as_str()));
    summary
}

#[test]
fn every_line_has_a_result_in_the_order_of_the_list() {
    let dir = folder(ONLINE);
    let lines: Vec<String> = (0..95).map(|number| "x".repeat(number % 7 + 1)).collect();
    let text = format!("{}\n\nbad\ndie\nlast", lines.join("\n"));
    fs::write(dir.path().join("lines"), text).unwrap();
    let more = ["--lines", "lines", "--output", "out", "--mini-batch-size", "4"];
    let output = batch(dir.path(), &more, &[("WORKER_COUNT", "3")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(summary(&output), json!({ "items": 98, "failed": 2 }));
    let found = results(dir.path(), "predictions.jsonl");
    for (number, line) in lines.iter().enumerate() {
        let item = (number + 1).to_string();
        assert_eq!(found[number], json!({ "item": item, "result": line.len() }));
    }
    let status = "run() answered with status 500: {\"message\": \"run() raised ValueError; the log has the traceback\"}";
    assert_eq!(found[95], json!({ "item": "97", "error": status }));
    assert_eq!(found[96], json!({ "item": "98", "error": "the worker ended with exit code 9" }));
    assert_eq!(found[97], json!({ "item": "99", "result": 4 }));
    assert!(!dir.path().join("out/.mlpack-batch").exists());
    // The same command again has nothing to do.
    let asked = fs::read(dir.path().join("asked")).unwrap();
    assert_eq!(summary(&batch(dir.path(), &more, &[])), json!({ "items": 98, "failed": 2 }));
    assert_eq!(fs::read(dir.path().join("asked")).unwrap(), asked);
}

#[test]
fn files_go_through_run_mini_batch_in_groups() {
    let dir = folder(MINI_BATCH);
    let names: Vec<String> = (0..7).map(|number| format!("in/{number}")).collect();
    fs::write(dir.path().join("list"), format!("{}\nin/bad\n", names.join("\n"))).unwrap();
    let more = ["--files", "list", "--output", "out", "--mini-batch-size", "3"];
    let output = batch(dir.path(), &more, &[]);
    assert_eq!(summary(&output), json!({ "items": 8, "failed": 1 }));
    let expected: Vec<Value> = (0..7).map(|n| json!({ "result": n.to_string() })).collect();
    assert_eq!(results(dir.path(), "predictions.jsonl"), expected);
}

#[test]
fn killed_again_and_again_each_item_has_one_result() {
    let dir = folder(
        &ONLINE.replace("return len(data)", "import time; time.sleep(0.002)\n    return data"),
    );
    let input = dir.path().join("in");
    fs::create_dir(&input).unwrap();
    let paths: Vec<String> = (0..1000).map(|number| format!("in/{number}")).collect();
    for path in &paths {
        fs::write(dir.path().join(path), path).unwrap();
    }
    fs::write(dir.path().join("list"), paths.join("\n")).unwrap();
    let arguments = arguments(&["--files", "list", "--output", "out"]);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workers = [("WORKER_COUNT", "2")];
    for round in 0..10_u64 {
        let mut batch = command(dir.path(), &words, &workers);
        let mut batch = batch
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(150 + round * 37 % 200));
        signal("KILL", batch.id());
        batch.wait().unwrap();
    }
    let output = command(dir.path(), &words, &workers).current_dir(dir.path()).output().unwrap();
    assert_eq!(summary(&output), json!({ "items": 1000, "failed": 0 }));
    let expected: Vec<Value> =
        paths.iter().map(|path| json!({ "item": path, "result": path })).collect();
    assert_eq!(results(dir.path(), "predictions.jsonl"), expected);
}

#[test]
fn shards_share_the_list() {
    let dir = folder(ONLINE);
    let lines: Vec<String> = (0..50).map(|number| format!("line {number}")).collect();
    fs::write(dir.path().join("lines"), lines.join("\n")).unwrap();
    let more = ["--lines", "lines", "--output", "out", "--shards", "3", "--mini-batch-size", "5"];
    let mut found = BTreeMap::new();
    for index in ["0", "1", "2"] {
        let output = batch(dir.path(), &more, &[("JOB_COMPLETION_INDEX", index)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for line in results(dir.path(), &format!("predictions-{index}.jsonl")) {
            let item: u32 = line["item"].as_str().unwrap().parse().unwrap();
            assert!(found.insert(item, line["result"].clone()).is_none());
        }
    }
    assert_eq!(found.len(), 50);
}

#[test]
fn a_second_batch_on_the_same_results_is_refused() {
    let dir = folder(
        "import time\ndef init():\n    open('started', 'w').write('1')\n    time.sleep(1000)\ndef run(data):\n    pass\n",
    );
    fs::write(dir.path().join("lines"), "a\n").unwrap();
    let more = ["--lines", "lines", "--output", "out"];
    let arguments = arguments(&more);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut first = command(dir.path(), &words, &[]).current_dir(dir.path()).spawn().unwrap();
    while !dir.path().join("started").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = batch(dir.path(), &more, &[]);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let expected =
        "mlpack-serve: another batch writes to out; wait for its end or choose another folder\n";
    assert_eq!(String::from_utf8_lossy(&second.stderr), expected);
}

#[test]
fn what_cannot_be_done_is_reported() {
    let dir = folder(ONLINE);
    fs::write(dir.path().join("lines"), "bad\nbad\nbad\ngood\n").unwrap();
    let fails = |more: &[&str], settings: &[(&str, &str)], code: i32, expected: &str| {
        let output = batch(dir.path(), more, settings);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        let last = errors.lines().last().unwrap_or_default();
        assert_eq!(last, format!("mlpack-serve: {expected}"));
    };
    let lines = ["--lines", "lines", "--output", "out"];
    fails(&["--output", "out"], &[], 2, "expected `--files LIST` or `--lines FILE`");
    fails(&["--lines", "lines"], &[], 2, "expected `--output DIR`");
    fails(
        &[&lines[..], &["--shards", "2"]].concat(),
        &[],
        2,
        "--shards needs JOB_COMPLETION_INDEX",
    );
    fails(
        &[&lines[..], &["--shards", "2"]].concat(),
        &[("JOB_COMPLETION_INDEX", "2")],
        2,
        "invalid JOB_COMPLETION_INDEX `2`: expected a number below 2",
    );
    fails(
        &[&lines[..], &["--mini-batch-size", "0"]].concat(),
        &[],
        2,
        "invalid --mini-batch-size `0`: expected a whole number above 0",
    );
    fails(
        &["--lines", "absent", "--output", "out"],
        &[],
        1,
        "cannot read absent: No such file or directory (os error 2)",
    );
    fails(
        &[&lines[..], &["--error-threshold", "1", "--mini-batch-size", "1"]].concat(),
        &[],
        1,
        "2 items failed, more than the 1 that may; the output is not complete",
    );
    fails(
        &lines,
        &[],
        2,
        "out has results of another list or group size; choose another folder or delete it",
    );
    fs::write(dir.path().join("score.py"), "import not_there\n").unwrap();
    let output = batch(dir.path(), &["--lines", "lines", "--output", "new"], &[]);
    assert_eq!(output.status.code(), Some(3));
}
