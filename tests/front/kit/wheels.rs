//! A folder of small wheels in place of a package index, and a writer of wheels.
//!
//! The server in it is a stand-in of forty lines, so that a service starts in a moment; the tests
//! of the samples take the real one from PyPI.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::lock::{lock, shared};

const SERVER: &str = r#"import argparse, http.server, importlib.util, json, sys, traceback

parser = argparse.ArgumentParser()
parser.add_argument("--entry_script")
parser.add_argument("--port", type=int)
given = parser.parse_args()
spec = importlib.util.spec_from_file_location("entry", given.entry_script)
entry = importlib.util.module_from_spec(spec)
try:
    spec.loader.exec_module(entry)
    entry.init()
except Exception:
    traceback.print_exc()
    sys.exit(3)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b"Healthy")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self.answer(200, json.dumps(entry.run(body)).encode())
        except Exception as error:
            print("Encountered Exception: %s" % error, flush=True)
            self.answer(500, str(error).encode())


print("stand-in server", flush=True)
http.server.HTTPServer(("", given.port), Handler).serve_forever()
"#;

/// The folder, made by the first who asks.
pub(crate) fn wheels() -> PathBuf {
    let dir = shared().join("wheels");
    let _lock = lock("wheels");
    fs::create_dir_all(&dir).unwrap();
    let package = "azureml_inference_server_http";
    for version in ["0.7.7", "1.4.0"] {
        let files = [("__init__.py", ""), ("__main__.py", SERVER)];
        write(&dir, package, version, &[], &files);
    }
    write(&dir, "core", "1.0", &[], &[("__init__.py", "")]);
    write(&dir, "core", "2.0", &[], &[("__init__.py", "")]);
    write(&dir, "left", "1.0", &["core<2"], &[("__init__.py", "")]);
    write(&dir, "right", "1.0", &["core>=2"], &[("__init__.py", "")]);
    dir
}

/// Writes a pure wheel, unless it is there.
fn write(dir: &Path, name: &str, version: &str, requires: &[&str], files: &[(&str, &str)]) {
    let bytes = wheel(name, version, requires, files, false);
    let path = dir.join(format!("{name}-{version}-py3-none-any.whl"));
    if !fs::read(&path).is_ok_and(|there| there == bytes) {
        fs::write(path, bytes).unwrap();
    }
}

/// A pure wheel of some requirements, or of other fields of its metadata, the same bytes every time. Members are stored, so that they do not depend on a
/// compressor, or `deflated`.
pub(crate) fn wheel(
    name: &str,
    version: &str,
    requires: &[&str],
    files: &[(&str, &str)],
    deflated: bool,
) -> Vec<u8> {
    let field = |line: &&str| match line.contains(": ") {
        true => format!("{line}\n"),
        false => format!("Requires-Dist: {line}\n"),
    };
    let requires: String = requires.iter().map(field).collect();
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}");
    let about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let info = format!("{name}-{version}.dist-info");
    let mut members: Vec<(String, String)> =
        files.iter().map(|(file, text)| (format!("{name}/{file}"), (*text).to_owned())).collect();
    members.push((format!("{info}/METADATA"), metadata));
    members.push((format!("{info}/WHEEL"), about.to_owned()));
    let record: String = members
        .iter()
        .map(|(path, text)| {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
            format!("{path},sha256={hash},{}\n", text.len())
        })
        .collect();
    members.push((format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n")));
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    // The default time is the clock's.
    let options = SimpleFileOptions::default()
        .last_modified_time(zip::DateTime::DEFAULT)
        .compression_method(method);
    for (path, text) in members {
        zip.start_file(path, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
