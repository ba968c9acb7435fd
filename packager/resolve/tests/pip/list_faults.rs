//! Lists that cannot be read: one message each, with file, line and hint.

use crate::kit::{Project, target};

async fn fault(project: &Project, pip: &[&str]) -> (String, String) {
    let error = project.resolve(pip).await.unwrap_err();
    (project.short(&error.to_string()), project.short(&error.hint().unwrap_or_default()))
}

fn pair(message: &str, hint: &str) -> (String, String) {
    (message.to_owned(), hint.to_owned())
}

#[tokio::test]
async fn files_that_include_each_other() {
    let project = Project::new();
    project.file("a.txt", "six\n-r sub/b.txt\n");
    project.file("sub/b.txt", "\n\n-r ../a.txt\n");
    project.file("self.txt", "-c self.txt\n");
    assert_eq!(
        fault(&project, &["-r a.txt"]).await,
        pair(
            "DIR/sub/b.txt:3: `-r ../a.txt`: ../a.txt includes itself through this line",
            "remove the line"
        )
    );
    assert_eq!(
        fault(&project, &["-r self.txt"]).await,
        pair(
            "DIR/self.txt:1: `-c self.txt`: self.txt includes itself through this line",
            "remove the line"
        )
    );
}

#[tokio::test]
async fn faults_have_the_file_and_line_of_their_text() {
    let project = Project::new();
    project.file("a.txt", "six\n\nsix=1.0  # conda's way\n");
    project.file("b.txt", "six \\\n  --hash=md5:00\n");
    project.file("c.txt", "--find-link x\n");
    project.file("limits.txt", "six @ https://me:secret@h.example/six-1-py3-none-any.whl\n");
    let table = [
        (
            "-r a.txt",
            "DIR/a.txt:3: invalid pip requirement `six=1.0`: pip pins with `==`; a single `=` is conda's way",
        ),
        (
            "-r b.txt",
            "DIR/b.txt:1: invalid pip requirement `six   --hash=md5:00`: hashes must be sha256, found md5",
        ),
        (
            "-r none.txt",
            "DIR/env.yml:3: `-r none.txt`: cannot read DIR/none.txt: No such file or directory (os error 2)",
        ),
        (
            "-c limits.txt",
            "DIR/limits.txt:1: `six @ https://h.example/six-1-py3-none-any.whl`: a constraint cannot say where a package comes from",
        ),
        ("-f nowhere", "DIR/env.yml:3: `-f nowhere`: no such folder `nowhere`"),
        (
            "-i not-an-address",
            "DIR/env.yml:3: `-i not-an-address`: `not-an-address` is not an address: relative URL without a base",
        ),
        (
            "--no-deps",
            "DIR/env.yml:3: invalid pip requirement `--no-deps`: unknown option `--no-deps`",
        ),
        (
            "--extra-index-url https://${TOKEN}@h.example/simple",
            "DIR/env.yml:3: `--extra-index-url https://h.example/simple`: the environment variable TOKEN is not set",
        ),
        ("./none", "DIR/env.yml:3: `./none`: no such file or folder"),
        (
            "svn+https://h.example/a#egg=a",
            "DIR/env.yml:3: `svn+https://h.example/a#egg=a`: only git repositories can be read, not `svn+`",
        ),
    ];
    for (line, message) in table {
        assert_eq!(fault(&project, &[line]).await.0, message);
    }
}

#[tokio::test]
async fn a_wheel_for_another_platform_is_refused_by_its_name() {
    let mut project = Project::new();
    project.target = target((3, 6, 15), 23);
    let machine = project.target.architecture.machine();
    let newer = format!("cp36-cp36m-manylinux_2_28_{machine}");
    project.wheel_for("wheels", "alpha", "1.0", &newer, &[]);
    let line = format!("wheels/alpha-1.0-{newer}.whl");
    let described = project.target.describe();
    assert_eq!(
        fault(&project, &[&line]).await,
        (
            format!(
                "DIR/env.yml:3: `{line}`: incompatible wheel: it is for glibc 2.28 and newer, the image has glibc 2.23"
            ),
            format!("name a wheel of alpha for {described}, or its source archive")
        )
    );
    let table = [
        (
            "alpha @ https://h.example/alpha-1.0-cp37-cp37m-win_amd64.whl",
            format!("it is for win_amd64, the image is linux {machine} with glibc"),
        ),
        (
            "https://h.example/alpha-1.0-cp38-cp38-any.whl",
            "it is for cp38 (cp38), the image has Python 3.6.15".to_owned(),
        ),
    ];
    for (line, reason) in table {
        assert_eq!(
            fault(&project, &[line]).await.0,
            format!("DIR/env.yml:3: `{line}`: incompatible wheel: {reason}")
        );
    }
}
