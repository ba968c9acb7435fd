//! Keys and TLS of local services.

use std::process::Command;

use rcgen::CertifiedKey;
use snapbox::str;

use super::services::{Deployment, context_and_project};
use crate::kit::{TestContext, base};
use crate::need;

const SAMPLE: &str = r#"{"data": [1, 2]}"#;

/// The client of Azure's document, with the standard library: the status and the body of an answer. `verify` is a
/// certificate file.
const CLIENT: &str = "
import ssl, sys, urllib.request
uri, key, verify = sys.argv[1:]
headers = {'Content-Type': 'application/json'}
if key:
    headers['Authorization'] = 'Bearer ' + key
request = urllib.request.Request(uri, b'{\"data\": [1, 2]}', headers)
context = ssl.create_default_context(cafile=verify) if verify else None
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
try:
    answer = opener.open(request)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())
";

pub(super) fn ask(uri: &str, key: &str, verify: &str) -> String {
    let output = Command::new("python3").args(["-c", CLIENT, uri, key, verify]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn uri(context: &TestContext, name: &str) -> String {
    let shown = context.mlpack(&["service", "show", "-n", name, "--format", "json"]).json();
    shown["scoringUri"].as_str().unwrap().to_owned()
}

#[test]
fn keys_of_the_configuration_are_needed_and_can_be_replaced() {
    let Deployment { context, docker, .. } = need!(context_and_project("keys"));
    let name = docker.name.as_str();
    context.write(
        "dc.json",
        r#"{"computeType": "local", "authEnabled": true, "keys": {"primaryKey": "first-key"}}"#,
    );
    context.mlpack(&["deploy", "oci:out", "-n", name, "-dc", "dc.json"]).is(str![[r#"
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
scoring URI  http://127.0.0.1:[PORT]/score
swagger URI  http://127.0.0.1:[PORT]/swagger.json
keys         `mlpack service get-keys -n [SERVICE]`

"#]]);
    let keys = |args: &[&str]| {
        let args = [&["service"], args, &["-n", name, "--format", "json"]].concat();
        let keys = context.mlpack(&args).json();
        ["primaryKey", "secondaryKey"].map(|key| keys[key].as_str().unwrap().to_owned())
    };
    let [primary, secondary] = keys(&["get-keys"]);
    assert_eq!((primary.as_str(), secondary.len()), ("first-key", 32));
    let uri = uri(&context, name);
    let answers = |key: &str| ask(&uri, key, "")[..3].to_owned();
    let all = || ["", "wrong", "first-key", "second-key", &secondary].map(answers);
    assert_eq!(all(), ["401", "403", "200", "403", "200"]);
    let run = || context.mlpack(&["service", "run", "-n", name, "-d", SAMPLE]).ok().to_owned();
    assert_eq!(run(), r#"{"sum": 3}"#);
    let set = ["regen-key", "--key", "Primary", "--set-key", "second-key"];
    assert_eq!(keys(&set), ["second-key", &secondary]);
    assert_eq!(all(), ["401", "403", "403", "200", "200"]);
    assert_eq!(run(), r#"{"sum": 3}"#);
    let [_, generated] = keys(&["regen-key", "--key", "secondary"]);
    assert_eq!((answers(&secondary), answers(&generated)), ("403".to_owned(), "200".to_owned()));
    // They outlive a restart, and neither the engine's description nor the log has them.
    docker.run(&["restart", name]);
    let seen = docker.run(&["inspect", name]) + &docker.run(&["logs", name]);
    for key in ["first-key", "second-key", &secondary, &generated] {
        assert!(!seen.contains(key), "{key}");
    }
    assert_eq!(keys(&["get-keys"]), ["second-key", &generated]);
    context
        .mlpack(&["service", "regen-key", "-n", name, "--key", "primary", "--set-key", "two words"])
        .is(str![[r#"
--- stderr
error: a key of the service is not one word of printable ASCII
hint: use letters and digits, as in the keys that mlpack generates
--- exit code 1

"#]]);
}

#[test]
fn a_service_without_keys_says_so() {
    let Deployment { context, docker, .. } = need!(context_and_project("nokeys"));
    context.mlpack(&["deploy", "oci:out", "-n", &docker.name]).ok();
    context.mlpack(&["service", "get-keys", "-n", &docker.name]).is(str![[r#"
--- stderr
error: service `[SERVICE]` has no keys
hint: set `authEnabled` to true in the deployment config and deploy it again with `--overwrite`
--- exit code 1

"#]]);
    assert_eq!(&ask(&uri(&context, &docker.name), "any", "")[..3], "200");
}

#[test]
fn tls_with_the_certificate_of_the_configuration() {
    let Deployment { context, docker, .. } = need!(context_and_project("tls"));
    let name = docker.name.as_str();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    context.write("cert.pem", cert.pem());
    context.write("key.pem", signing_key.serialize_pem());
    context.write(
        "dc.yml",
        "computeType: local\nauthEnabled: true\nkeys: {primaryKey: k1}\nsslEnabled: true\nsslCertificate: cert.pem\nsslKey: key.pem\n",
    );
    context.mlpack(&["deploy", "oci:out", "-n", name, "-dc", "dc.yml"]).is(str![[r#"
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
scoring URI  https://127.0.0.1:[PORT]/score
swagger URI  https://127.0.0.1:[PORT]/swagger.json
keys         `mlpack service get-keys -n [SERVICE]`

"#]]);
    let uri = uri(&context, name);
    let verify = context.path("cert.pem");
    assert_eq!(ask(&uri, "k1", verify.to_str().unwrap()), r#"200 {"sum": 3}"#);
    assert_eq!(&ask(&uri, "", verify.to_str().unwrap())[..3], "401");
    let run = context.mlpack(&["service", "run", "-n", name, "-d", SAMPLE]);
    assert_eq!(run.ok(), r#"{"sum": 3}"#);
}

#[test]
fn certificates_that_cannot_be_used_are_refused_before_anything_is_started() {
    let Deployment { context, docker, .. } = need!(context_and_project("badtls"));
    let pair = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (first, second) = (pair(), pair());
    context.write("cert.pem", first.cert.pem());
    context.write("key.pem", second.signing_key.serialize_pem());
    context.write("text.pem", "hello");
    context.write(
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let mut said = String::new();
    for (certificate, key) in [
        ("cert.pem", "key.pem"),
        ("cert.pem", "locked.pem"),
        ("cert.pem", "absent.pem"),
        ("text.pem", "key.pem"),
        ("cert.pem", ""),
    ] {
        context.write(
            "dc.json",
            format!(
                r#"{{"computeType": "local", "sslEnabled": true, "sslCertificate": "{certificate}", "sslKey": "{key}"}}"#
            ),
        );
        let answer = context.mlpack(&["deploy", "oci:out", "-n", &docker.name, "-dc", "dc.json"]);
        assert_eq!(answer.code, 1);
        said += &answer.stderr;
    }
    context.normalized(&said).is(str![[r#"
error: cannot use key.pem: it is not the key of cert.pem
hint: set sslCertificate and sslKey to PEM files of one certificate and its unencrypted key
error: cannot use locked.pem: the private key is encrypted; the service cannot ask for its password
hint: set sslCertificate and sslKey to PEM files of one certificate and its unencrypted key
error: cannot use absent.pem: No such file or directory (os error 2)
hint: set sslCertificate and sslKey to PEM files of one certificate and its unencrypted key
error: cannot use text.pem: there is no certificate in it (PEM)
hint: set sslCertificate and sslKey to PEM files of one certificate and its unencrypted key
error: [TEMP]/work/dc.json:1:26: `sslEnabled` needs `sslCertificate` and `sslKey`

"#]]);
    let filter = format!("name={}", docker.name);
    assert_eq!(docker.run(&["ps", "--all", "--quiet", "--filter", &filter]), "");
}

#[test]
fn an_image_without_the_front_door_is_refused_if_it_is_needed() {
    let Deployment { context, docker, .. } = need!(context_and_project("olddoor"));
    context.write("dc.json", r#"{"computeType": "local", "authEnabled": true}"#);
    let base = base("debian12-py311");
    context.mlpack(&["deploy", &base, "-n", &docker.name, "-dc", "dc.json"]).is(str![[r#"
--- stderr
error: docker:[SERVICE]@[DIGEST] was built without the front door, which keys, TLS and limits need
hint: build it again with `mlpack package`, or omit these keys of the deployment config
--- exit code 1

"#]]);
}
