//! `mlpack batch run` in the Docker engine.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use snapbox::str;

use crate::kit::{TestContext, docker, runnable_base};
use crate::need;

const SCRIPT: &str = "\
import os
import time

def init():
    pass

def run(data):
    time.sleep(float(os.environ.get('DELAY', '0')))
    return {'double': 2 * int(data)}
";

/// Folders of the temporary directory are seen by the engine only if it runs here.
#[test]
fn files_and_lines_go_through_an_image() {
    let docker = need!(docker("batch"));
    let base = need!(runnable_base("debian12-py311"));
    let mut context = need!(TestContext::offline()).running().inheriting(&["DOCKER_HOST"]);
    context.name_pattern(r"seconds  [0-9.]+", "seconds  [TIME]");
    // The log of the front door is in the order in which its threads write.
    context.name_pattern(r#"(?m)^  \| \{"time".*\n"#, "");
    let mut args = context.project(&base);
    context.write("score.py", SCRIPT);
    let image = format!("docker:{}", docker.name);
    args.extend(["--output".to_owned(), image.clone()]);
    context.mlpack(&args).ok();
    for number in 0..40 {
        context.write(&format!("data/{number:02}.txt"), number.to_string());
    }
    context.write("data/40.txt", "forty");
    let batch = |input: [&str; 2], output: &str, more: &[&str]| {
        let line = ["batch", "run", "--image", &image, input[0], input[1], "--output", output];
        context.mlpack(&[&line[..], more].concat())
    };
    let files = ["--input", "data"];
    batch(files, "results", &["--workers", "2"]).is(str![[r#"
items    41
failed   1
seconds  [TIME]
output   [TEMP]/work/results/predictions.jsonl

"#]]);
    let item = |number: usize| context.path(format!("data/{number:02}.txt")).display().to_string();
    let rows = |output: &str| -> Vec<Value> {
        let text = fs::read_to_string(context.path(output).join("predictions.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mut expected: Vec<Value> = (0..40)
        .map(|number| json!({ "item": item(number), "result": { "double": 2 * number } }))
        .collect();
    let all = rows("results");
    assert_eq!(all[..40], expected);
    assert_eq!(all[40]["item"], item(40));
    assert!(all[40]["error"].as_str().unwrap().contains("run() raised ValueError"), "{}", all[40]);
    let log = fs::read_to_string(context.path("results/batch.log")).unwrap();
    assert!(log.contains("invalid literal for int() with base 10: 'forty'"), "{log}");
    // What is done is not done again, and what another batch did is not mixed with it.
    batch(files, "results", &["--workers", "2"]).is(str![[r#"
items    41
failed   1
seconds  [TIME]
output   [TEMP]/work/results/predictions.jsonl

"#]]);
    batch(["--input", "data/1*.txt"], "results", &[]).is(str![[r#"
--- stderr
error: [TEMP]/work/results has results of other inputs or another group size
hint: choose another folder, or delete it
--- exit code 1

"#]]);
    batch(files, "strict", &["--error-threshold", "0"]).is(str![[r#"
--- stderr
error: the batch failed: 1 items failed, more than the 0 that may; the output is not complete
end of its log:
  | Traceback (most recent call last):
  |   File "/var/azureml-app/score.py", line 9, in run
  |     return {'double': 2 * int(data)}
  |                           ^^^^^^^^^
  | ValueError: invalid literal for int() with base 10: 'forty'
  | mlpack-serve: 1 items failed, more than the 0 that may; the output is not complete
hint: the same command goes on with the items that are left; `--error-threshold -1` lets any number fail
--- exit code 4

"#]]);
    batch(files, "/usr/share/results", &[]).is(str![[r#"
--- stderr
error: /usr/share/results has the same path as /usr of the image
hint: move the files to another folder, as below /home or /data
--- exit code 1

"#]]);
    assert!(!Path::new("/usr/share/results").exists());
    batch(["--input", "nothing"], "unmade", &[]).is(str![[r#"
--- stderr
error: there is no file or folder `nothing`
hint: name a folder, a pattern in quotes as in 'data/*.json', or a file with one path a line
--- exit code 1

"#]]);
    assert!(!context.path("unmade").exists());
    context.write("lines.jsonl", "1\n\n2\n");
    batch(["--lines", "lines.jsonl"], "of-lines", &[]).ok();
    assert_eq!(
        rows("of-lines"),
        [
            json!({ "item": "1", "result": { "double": 2 } }),
            json!({ "item": "3", "result": { "double": 4 } })
        ]
    );
    // Killed, then ended by a signal, then to its end: every item once.
    let slow =
        ["batch", "run", "--image", &image, "--input", "data/?[0-9].txt", "--output", "again"];
    let slow = [&slow[..], &["--mini-batch-size", "1", "--env", "DELAY=0.25"]].concat();
    let groups = || fs::read_dir(context.path("again/.mlpack-batch")).into_iter().flatten().count();
    for (signal, at_least) in [("KILL", 3), ("INT", 10)] {
        let mut child = context.command(&slow);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while groups() < at_least {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), if signal == "INT" { Some(130) } else { None });
        if signal == "KILL" {
            // The container goes on: other inputs are refused, and change nothing about it.
            let other = batch(["--input", "data/1*.txt"], "again", &[]);
            let busy = "runs another batch with this output folder";
            assert!(other.stderr.contains(busy), "{}", other.stderr);
        }
    }
    context.mlpack(&slow).ok();
    expected.push(rows("results")[40].clone());
    assert_eq!(rows("again"), expected);
    assert_eq!(
        docker.run(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={}", docker.name)]),
        ""
    );
}
