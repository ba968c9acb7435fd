//! Proxies, registries without TLS and certificates: flags and variables that set the network.

use snapbox::str;

use crate::kit::{TestContext, answering};

const NOTHING: &str = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// A context with no network but what a test gives it.
fn context() -> TestContext {
    let mut context = TestContext::bare().own_cache();
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"] {
        context.set(name, "");
    }
    context
}

/// A registry of a name that exists nowhere, so that only a proxy can reach it.
#[test]
fn plain_http_needs_insecure_registry_and_uses_the_proxy() {
    let (proxy, seen) = answering(|_| NOTHING.to_owned());
    let mut context = context();
    context.set("HTTP_PROXY", format!("http://{proxy}"));
    let inspect = ["inspect", "registry.invalid:5000/team/name:v1"];
    let unnamed = context.mlpack(&inspect);
    assert!(unnamed.stderr.contains("cannot resolve"), "{}", unnamed.stderr);
    assert!(seen.lock().unwrap().is_empty(), "it was spoken to without TLS");

    let named = [&inspect[..], &["--insecure-registry", "registry.invalid:5000"]].concat();
    context.mlpack(&named).is(str![[r#"
--- stderr
error: no image `v1` in `registry.invalid:5000/team/name`: status 404
hint: check the tag or digest; `skopeo list-tags docker://registry.invalid:5000/team/name` lists the tags
--- exit code 1

"#]]);
    let asked = "GET http://registry.invalid:5000/v2/team/name/manifests/v1";
    assert_eq!(*seen.lock().unwrap(), [asked]);

    context.set("NO_PROXY", ".invalid");
    let direct = context.mlpack(&named);
    assert!(direct.stderr.contains("cannot resolve"), "{}", direct.stderr);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_file_without_certificates_is_reported() {
    let context = context();
    context.write("ca.pem", "nothing");
    context.mlpack(&["inspect", "127.0.0.1:1/a:v1", "--ca-cert", "ca.pem"]).is(str![[r#"
--- stderr
error: cannot load certificates from [TEMP]/work/ca.pem: it contains no PEM certificate
--- exit code 1

"#]]);
}
