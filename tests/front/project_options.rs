//! Options of a project in all their forms: equal options give equal images.

use serde_json::json;
use snapbox::str;

use crate::kit::{TestContext, base};
use crate::need;

fn package(context: &TestContext, args: &[&str]) -> String {
    let rest = ["-m", "model=model.bin", "--policy", "current", "--output", "oci:out"];
    context.mlpack(&[&["package"], args, &rest].concat()).digest()
}

#[test]
fn every_form_of_the_configuration_gives_the_same_image() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    context.project(&base);
    let flat = json!({
        "entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml",
        "baseImage": base,
    });
    context.write("flat.json", flat.to_string());
    let yaml = format!(
        "entryScript: score.py\nruntime: python\ncondaFile: environment.yml\nbaseImage: {base}\n"
    );
    context.write("flat.yml", yaml);
    let environment = json!({
        "entryScript": "score.py",
        "environment": {
            "docker": { "enabled": true, "baseImage": base, "arguments": [] },
            "python": {
                "userManagedDependencies": false,
                "condaDependencies": { "name": "sums", "dependencies": [{ "pip": ["core==1.0"] }] },
            },
        },
    });
    context.write("environment.json", environment.to_string());
    let first = package(&context, &["--inference-config", "flat.json"]);
    assert_eq!(package(&context, &["-ic", "flat.yml"]), first, "YAML");
    assert_eq!(package(&context, &["-ic", "environment.json"]), first, "environment form");
    let flags = ["-es", "score.py", "-rt", "python", "-cf", "environment.yml", "-bi", &base];
    assert_eq!(package(&context, &flags), first, "flags");
    // A flag wins over the file.
    let wrong = flat.to_string().replace("score.py", "other.py");
    context.write("wrong.json", wrong);
    assert_eq!(
        package(&context, &["-ic", "wrong.json", "-es", "score.py"]),
        first,
        "flag over file"
    );
}

#[test]
fn lines_of_a_dockerfile_become_configuration_and_a_layer() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    context.write("data/words.txt", "hello");
    context.write(
        "steps",
        "ENV GREETING=hello\nLABEL team=\"a b\"\nEXPOSE 9000\nCOPY data /srv/data\nUSER 1234\n",
    );
    args.extend(["--ds", "steps", "--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).ok();
    let seen = context.mlpack(&["inspect", "oci:out", "--format", "json"]).json();
    assert!(seen["env"].as_array().unwrap().contains(&json!("GREETING=hello")), "{seen}");
    assert_eq!(seen["labels"]["team"], "a b");
    assert!(seen["ports"].as_array().unwrap().contains(&json!("9000/tcp")), "{seen}");
    assert_eq!(seen["user"], "1234");
    let files = context.mlpack(&["inspect", "oci:out", "--files"]);
    assert!(
        files.ok().lines().any(|line| line.ends_with(" /srv/data/words.txt")),
        "{}",
        files.stdout
    );
}

#[test]
fn the_spark_runtime_without_spark_is_reported() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let mut args = context.project(&base);
    args.extend(["--rt", "spark-py", "--output", "oci:out"].map(str::to_owned));
    let answer = context.mlpack(&args);
    assert!(!context.path("out").exists());
    answer.is(str![[r#"
--- stderr
error[config.spark]: the runtime is spark-py, but neither the base image nor the conda file has Spark
  hint: add `pyspark` to the conda file, use a base image with Spark, or use the runtime `python`
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}
