//! Keys and certificates.

use std::path::Path;
use std::process::Command;

use crate::kit::Service;

const SCRIPT: &str = "
def init():
    pass

def run(data, request_headers):
    return 'Authorization' in request_headers
";

#[test]
fn keys_are_required_and_refusals_say_no_more_than_needed() {
    let keys = [("MLPACK_PRIMARY_KEY", "first"), ("MLPACK_SECONDARY_KEY", "second")];
    let service = Service::ready(SCRIPT, &keys);
    let with = |value: &str| service.send("POST", "/score", &[("Authorization", value)], b"1");
    for key in ["Bearer first", "bearer second"] {
        let answer = with(key);
        assert_eq!((answer.status, answer.text().as_str()), (200, "false"));
    }
    let missing = service.send("POST", "/score", &[("x-request-id", "7")], b"1");
    assert_eq!(missing.status, 401);
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    let body =
        "{\"message\":\"a key is required: send `Authorization: Bearer KEY`\",\"requestId\":\"7\"}";
    assert_eq!(missing.text(), body);
    let wrong = with("Bearer third");
    assert_eq!((wrong.status, &wrong.json()["message"]), (403, &"the key is not valid".into()));
    assert_eq!(service.get("/swagger.json").status, 401);
    assert_eq!(service.get("/unknown").status, 401);
    assert_eq!(service.get("/").status, 200);
    for text in [service.log.text(), service.errors.text()] {
        assert!(!text.contains("first") && !text.contains("third"), "{text}");
    }
}

#[test]
fn a_file_of_keys_is_read_again_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys");
    std::fs::write(&file, "old\n").unwrap();
    let service = Service::ready(SCRIPT, &[("MLPACK_KEYS_FILE", file.to_str().unwrap())]);
    let status = |key: &str| {
        let value = format!("Bearer {key}");
        service.send("POST", "/score", &[("Authorization", &value)], b"1").status
    };
    assert_eq!((status("old"), status("new")), (200, 403));
    std::fs::write(&file, "old\nnew\n").unwrap();
    service.log.wait_for(|line| line.contains("read the changed keys"));
    assert_eq!((status("old"), status("new")), (200, 200));
    std::fs::write(&file, "").unwrap();
    service.log.wait_for(|line| line.contains("the changed keys cannot be used"));
    assert_eq!((status("old"), status("new")), (200, 200));
}

/// Writes a certificate for `localhost` that only itself vouches for.
fn certificate(dir: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("certificate.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

/// Scores over TLS with the certificate authorities in a file. Prints the answer.
const SCORE: &str = "
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
connection = http.client.HTTPSConnection('localhost', int(sys.argv[2]), context=context, timeout=60)
connection.request('POST', '/score', b'1')
print(connection.getresponse().read().decode())
";

/// Scores over TLS, trusting only the certificate `pem`; the answer, or what Python says about it.
fn score(service: &Service, dir: &Path, pem: &str) -> Result<String, String> {
    let trusted = dir.join("trusted.pem");
    std::fs::write(&trusted, pem).unwrap();
    let port = service.address.rsplit(':').next().unwrap();
    let mut python = Command::new("python3");
    let output = python.args(["-c", SCORE]).arg(&trusted).arg(port).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn a_certificate_is_replaced_while_the_service_runs() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let old = certificate(dir.path());
    let (chain, key) = (path("certificate.pem"), path("key.pem"));
    let files = [("MLPACK_TLS_CERTIFICATE", chain.as_str()), ("MLPACK_TLS_KEY", &key)];
    let service = Service::ready(SCRIPT, &files);
    assert_eq!(score(&service, dir.path(), &old).unwrap(), "false\n");
    let new = certificate(dir.path());
    service.log.wait_for(|line| line.contains("read the changed certificate"));
    assert_eq!(score(&service, dir.path(), &new).unwrap(), "false\n");
    let refused = score(&service, dir.path(), &old).unwrap_err();
    assert!(refused.contains("CERTIFICATE_VERIFY_FAILED"), "{refused}");
}
