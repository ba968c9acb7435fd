//! Models that are registered from a URL or an archive.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use snapbox::str;

use crate::kit::{Answer, TestContext, answering};
use crate::models::context;

const MODEL: &[u8] = b"weights of a model";

/// Reads a request up to its empty line, in lower case.
fn request(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines();
    let mut request = String::new();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            break;
        }
        request += &format!("{}\n", line.to_ascii_lowercase());
    }
    request
}

/// A server whose connections break after 7 bytes. It goes on where it was asked to, if it has a tag for that.
fn breaking(tag: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let asked = request(&stream);
            let from = asked.lines().find_map(|line| {
                line.strip_prefix("range: bytes=")?.trim_end_matches('-').parse::<usize>().ok()
            });
            let rest = &MODEL[from.unwrap_or(0)..];
            let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
            let tag = tag.map(|tag| format!("ETag: {tag}\r\n")).unwrap_or_default();
            let head = format!("HTTP/1.1 {status}\r\n{tag}Content-Length: {}\r\n\r\n", rest.len());
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&rest[..rest.len().min(7)]);
        }
    });
    host
}

pub(crate) fn register(context: &TestContext, source: &[&str]) -> Answer {
    context.mlpack(&[&["model", "register", "-n", "m"], source].concat())
}

#[test]
fn a_url_is_downloaded() {
    let mut context = context();
    let (host, _) = answering(|asked| match asked.line.as_str() {
        "GET /models/my%20model.onnx?signature=hush" => {
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nweights".to_owned()
        }
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    });
    context.name(&host, "[HOST]");
    let url = |path: &str| format!("http://{host}{path}");
    register(&context, &["-p", &url("/models/my%20model.onnx?signature=hush")]).is(str![[r#"
id       m:1
file     my model.onnx (7 B)
created  [NOW]

"#]]);
    register(&context, &["-p", &url("/none.onnx?signature=hush")]).is(str![[r#"
--- stderr
error: there is nothing at http://[HOST]/none.onnx
hint: correct the URL
--- exit code 1

"#]]);
    register(&context, &["-p", &format!("http://me:hush@{host}/?signature=hush")]).is(str![[r#"
--- stderr
error: cannot download http://[HOST]/: its path does not end with the name of a file
hint: name a file, as in https://example.com/models/model.onnx
--- exit code 2

"#]]);
    register(&context, &["-p", "https://"]).is(str![[r#"
--- stderr
error: `--model-path` is not a URL: empty host
hint: name a file, as in https://example.com/models/model.onnx
--- exit code 2

"#]]);
    context.mlpack(&["model", "download", "-i", "m:1", "-t", "got"]).ok();
    assert_eq!(fs::read_to_string(context.path("got/my model.onnx")).unwrap(), "weights");
    assert_eq!(context.mlpack(&["model", "list", "--query", "length(@)"]).ok(), "1");
}

#[test]
fn a_download_that_breaks_goes_on_where_it_broke() {
    let context = context();
    let url = format!("http://{}/model.bin", breaking(Some("\"1\"")));
    register(&context, &["-p", &url]).ok();
    context.mlpack(&["model", "download", "-i", "m:1", "-t", "got"]).ok();
    assert_eq!(fs::read(context.path("got/model.bin")).unwrap(), MODEL);
}

#[test]
fn a_download_that_never_ends_registers_nothing() {
    let mut context = context().own_cache();
    let host = breaking(None);
    context.name(&host, "[HOST]");
    register(&context, &["-p", &format!("http://{host}/model.bin")]).is(str![[r#"
--- stderr
error: cannot download http://[HOST]/model.bin: end of file before message length reached
hint: run the command again; nothing was registered
--- exit code 1

"#]]);
    assert!(!context.path(".mlpack").exists());
    let left = fs::read_dir(context.root().join("cache/stage")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_archive_is_a_file_unless_it_is_to_be_unpacked() {
    let context = context();
    context.write("model/a.txt", "1");
    context.write("model/sub/b.txt", "2");
    let tar = ["--create", "--gzip", "--file", "digits.tar.gz", "model"];
    context.answer(context.program("tar", &tar), "").ok();
    let entry = |source: &[&str]| {
        let args = [source, &["--query", "[entry, files[].path]"]].concat();
        register(&context, &args)
    };
    entry(&["-p", "digits.tar.gz"]).is(str![[r#"
[
  "digits.tar.gz",
  [
    "digits.tar.gz"
  ]
]

"#]]);
    entry(&["-p", "digits.tar.gz", "--unpack"]).is(str![[r#"
[
  "model",
  [
    "model",
    "model/a.txt",
    "model/sub",
    "model/sub/b.txt"
  ]
]

"#]]);
    entry(&["-p", "model/a.txt", "--unpack"]).is(str![[r#"
--- stderr
error: model/a.txt is not a .tar.gz archive
hint: omit `--unpack` to register the file as it is
--- exit code 2

"#]]);
    context.write("bad.tgz", "no archive");
    entry(&["-p", "bad.tgz", "--unpack"]).is(str![[r#"
--- stderr
error: cannot unpack [TEMP]/work/bad.tgz: invalid gzip header
--- exit code 1

"#]]);
}
