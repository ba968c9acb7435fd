//! The inputs in all their forms: what is asked for counts, not how it is written.

use serde_json::json;
use snapbox::str;

use crate::kit::{World, base};
use crate::need;

fn package(world: &World, args: &[&str]) -> String {
    let rest = ["-m", "model=model.bin", "--policy", "current", "--output", "oci:out"];
    world.mlpack(&[&["package"], args, &rest].concat()).digest()
}

#[test]
fn every_form_of_the_configuration_gives_the_same_image() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    world.project(&base);
    let flat = json!({
        "entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml",
        "baseImage": base,
    });
    world.write("flat.json", flat.to_string());
    let yaml = format!(
        "entryScript: score.py\nruntime: python\ncondaFile: environment.yml\nbaseImage: {base}\n"
    );
    world.write("flat.yml", yaml);
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
    world.write("environment.json", environment.to_string());
    let first = package(&world, &["--inference-config", "flat.json"]);
    assert_eq!(package(&world, &["-ic", "flat.yml"]), first, "YAML");
    assert_eq!(package(&world, &["-ic", "environment.json"]), first, "environment form");
    let flags = ["-es", "score.py", "-rt", "python", "-cf", "environment.yml", "-bi", &base];
    assert_eq!(package(&world, &flags), first, "flags");
    // A flag wins over the file.
    let wrong = flat.to_string().replace("score.py", "other.py");
    world.write("wrong.json", wrong);
    assert_eq!(package(&world, &["-ic", "wrong.json", "-es", "score.py"]), first, "flag over file");
}

#[test]
fn lines_of_a_dockerfile_become_configuration_and_a_layer() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    world.write("data/words.txt", "hello");
    world.write(
        "steps",
        "ENV GREETING=hello\nLABEL team=\"a b\"\nEXPOSE 9000\nCOPY data /srv/data\nUSER 1234\n",
    );
    args.extend(["--ds", "steps", "--output", "oci:out"].map(str::to_owned));
    world.mlpack(&args).ok();
    let seen = world.mlpack(&["inspect", "oci:out", "--format", "json"]).json();
    assert!(seen["env"].as_array().unwrap().contains(&json!("GREETING=hello")), "{seen}");
    assert_eq!(seen["labels"]["team"], "a b");
    assert!(seen["ports"].as_array().unwrap().contains(&json!("9000/tcp")), "{seen}");
    assert_eq!(seen["user"], "1234");
    let files = world.mlpack(&["inspect", "oci:out", "--files"]);
    assert!(
        files.ok().lines().any(|line| line.ends_with(" /srv/data/words.txt")),
        "{}",
        files.stdout
    );
}

#[test]
fn spark_without_spark_is_told() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let mut args = world.project(&base);
    args.extend(["--rt", "spark-py", "--output", "oci:out"].map(str::to_owned));
    let answer = world.mlpack(&args);
    assert!(!world.path("out").exists());
    answer.is(str![[r#"
--- stderr
error[config.spark]: the runtime is spark-py, but neither the base image nor the conda file has Spark
  remedy: add `pyspark` to the conda file, name a base image with Spark, or use the runtime `python`
error: the project has 1 error
hint: follow the remedies above and run the command again; nothing was written
--- exit code 3

"#]]);
}
