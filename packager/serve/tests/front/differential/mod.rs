//! The builtin worker behind the front door beside Azure's inference server: the same scripts, the same requests.
//!
//! Every difference is a row of the table in README.md, and every row is seen.

mod cases;
mod differences;
mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::client::{Answer, request, send};
use crate::kit::{Service, skip};
use cases::{Case, cases};
pub(crate) use reference::Environment;
use reference::Reference;

/// The newest server and what its optional parts need.
const NEWEST: [&str; 3] = [
    "azureml-inference-server-http==1.5.1",
    "flask-cors",
    "inference-schema[numpy-support,pandas-support]==1.8",
];

/// Returns the text of a script.
fn script(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/front/differential/scripts");
    std::fs::read_to_string(folder.join(format!("{name}.py"))).unwrap()
}

/// What is compared: the status, each header, the body.
fn fields(case: &Case, answer: &Answer) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::from([("status".to_owned(), answer.status.to_string())]);
    let is_sent =
        case.headers.iter().any(|(name, _)| name.to_ascii_lowercase().ends_with("request-id"));
    for (name, value) in &answer.headers {
        let value = match name.as_str() {
            // Of the connection and the moment.
            "date" | "server" | "connection" | "content-length" | "transfer-encoding" => continue,
            "x-ms-run-fn-exec-ms" => "a number",
            "x-request-id" | "x-ms-request-id" if !is_sent => "an identifier",
            "x-request-id" if value.len() >= 32 && value.len() < 40 => "an identifier",
            _ => value,
        };
        let value = if name == "allow" { &sorted(value) } else { value };
        let place = fields.entry(name.clone()).or_default();
        *place = if place.is_empty() { value.to_owned() } else { format!("{place}, {value}") };
    }
    let body = match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(mut json) => {
            differences::normalize(&mut json);
            json.to_string()
        }
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    fields.insert("body".to_owned(), body);
    fields
}

/// The methods of an `Allow` header, whose order means nothing.
fn sorted(value: &str) -> String {
    let methods: BTreeSet<&str> = value.split(", ").collect();
    methods.into_iter().collect::<Vec<_>>().join(", ")
}

/// Sends all requests to both servers; the names of the differences, and those that have none.
fn compare(version: &str, environment: &Environment) -> (BTreeSet<&'static str>, Vec<String>) {
    let (mut named, mut unnamed) = (BTreeSet::new(), Vec::new());
    let cases = cases();
    let scripts: BTreeSet<&str> = cases.iter().map(|case| case.script).collect();
    for name in scripts {
        let origins = if name == "plain" { "https://a.example,https://b.example" } else { "" };
        let settings = [("AML_CORS_ORIGINS", origins)];
        let ours = Service::with(&environment.python(), &script(name), &settings);
        let theirs = Reference::start(environment, &script(name), &settings);
        ours.wait_until_ready();
        for case in cases.iter().filter(|case| case.script == name) {
            let bytes = request(case.method, case.path, case.headers, &case.body);
            let theirs = fields(case, &send(&theirs.address, &bytes));
            let ours = fields(case, &send(&ours.address, &bytes));
            let keys: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
            for key in keys.into_iter().filter(|key| theirs.get(*key) != ours.get(*key)) {
                let (theirs, ours) = (theirs.get(key), ours.get(key));
                match differences::name(version, case, key, theirs, ours) {
                    Some(name) => _ = named.insert(name),
                    None => unnamed.push(format!(
                        "{} {} {} {:?} {:.60?}\n  {key}\n    theirs {theirs:.300?}\n    ours   {ours:.300?}",
                        case.script, case.method, case.path, case.headers,
                        String::from_utf8_lossy(&case.body),
                    )),
                }
            }
        }
    }
    (named, unnamed)
}

fn check(version: &str, minor: u32, packages: &[&str]) {
    let environment = match Environment::make("reference", minor, packages) {
        Ok(environment) => environment,
        Err(reason) => return skip(&reason),
    };
    let (named, unnamed) = compare(version, &environment);
    assert!(unnamed.is_empty(), "{}", unnamed.join("\n"));
    assert_eq!(named, differences::documented(version), "differences in the README");
}

#[test]
fn differences_from_the_newest_server_are_documented() {
    check("1.5.1", 11, &NEWEST);
}

#[test]
fn differences_from_the_server_of_python_3_6_are_documented() {
    let packages = [
        "azureml-inference-server-http==0.7.7",
        "inference-schema[numpy-support,pandas-support]==1.4.2.1",
    ];
    check("0.7.7", 6, &packages);
}

#[test]
fn the_newest_server_works_behind_the_front_door() {
    let environment = match Environment::make("reference", 11, &NEWEST) {
        Ok(environment) => environment,
        Err(reason) => return skip(&reason),
    };
    let dir = tempfile::tempdir().unwrap();
    let entry = dir.path().join("score.py").display().to_string();
    std::fs::write(&entry, script("plain")).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (address, port) = (free.to_string(), free.port().to_string());
    let program = environment.program().display().to_string();
    let server = [&program, "--entry_script", &entry, "--port", &port];
    let arguments = [&["proxy", "--to", &address, "--"], &server[..]].concat();
    let mut service = Service::run(dir, &arguments, &[("MLPACK_PRIMARY_KEY", "key")]);
    service.wait_until_ready();
    assert_eq!(service.score("1").status, 401);
    let key = [("Authorization", "Bearer key"), ("x-request-id", "7")];
    let answer = service.send("POST", "/score", &key, b"text");
    assert_eq!((answer.status, &answer.json()["data"]), (200, &"text".into()));
    assert!(answer.header("x-ms-server-version").starts_with("azmlinfsrv/"));
    assert_eq!(answer.header("x-request-id"), "7");
    assert_eq!(service.metric("mlpack_run_duration_seconds_count "), Some(1.0));
    service.signal("TERM");
    assert_eq!(service.end().code(), Some(0));
}
