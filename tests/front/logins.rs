//! Where logins are found, and which of several counts.

use std::fs;

use snapbox::str;

use crate::kit::{TestContext, answering, base, registry};
use crate::need;

/// A file in the form of Docker's with one login.
fn file(host: &str, user_and_password: &str) -> String {
    let known = [("user:secret", "dXNlcjpzZWNyZXQ="), ("docker:wrong", "ZG9ja2VyOndyb25n")];
    let auth = known.iter().find(|(plain, _)| *plain == user_and_password).unwrap().1;
    format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
}

/// Each place is looked at before the one that came before it here; a wrong login there is not
/// mended by a right one further down.
#[test]
fn order_of_credential_sources() {
    let base = base("debian12-py311");
    let registry = need!(registry(true));
    let mut context = need!(TestContext::offline());
    let remote = format!("{}/bases/python:v1", registry.host);
    let user = ["--username", "user", "--password-stdin"];
    context.mlpack_with(&[&["copy", &base, &remote], &user[..]].concat(), "secret\n").ok();
    let package = [context.project(&remote), vec!["--dry-run".to_owned()]].concat();
    let refused = |answer: &crate::kit::Answer, user: &str| {
        let told = format!("rejected the credentials of user `{user}`");
        assert!(answer.code == 1 && answer.stderr.contains(&told), "{}", answer.stderr);
        assert!(!answer.stderr.contains("wrong"), "{}", answer.stderr);
    };
    assert!(context.mlpack(&package).stderr.contains("authentication required"));

    let auth = context.root().join("auth.json");
    fs::write(&auth, file(&registry.host, "user:secret")).unwrap();
    context.set("REGISTRY_AUTH_FILE", &auth);
    context.mlpack(&package).ok();

    let docker = context.root().join("docker");
    fs::create_dir(&docker).unwrap();
    fs::write(docker.join("config.json"), file(&registry.host, "docker:wrong")).unwrap();
    context.set("DOCKER_CONFIG", &docker);
    refused(&context.mlpack(&package), "docker");

    context.set("MLPACK_REGISTRY_USERNAME", "environment");
    context.set("MLPACK_REGISTRY_PASSWORD", "wrong");
    refused(&context.mlpack(&package), "environment");

    let configuration = |registry: &str| {
        format!(
            r#"{{"entryScript": "score.py", "runtime": "python", "condaFile": "environment.yml",
                "baseImageRegistry": {registry}}}"#
        )
    };
    let login = r#""username": "configuration", "password": "wrong""#;
    let object = format!(r#"{{"address": "{}", {login}}}"#, registry.host);
    context.write("inferenceconfig.json", configuration(&object));
    refused(&context.mlpack(&package), "configuration");

    let flags = ["--username", "flag", "--password-stdin"].map(str::to_owned);
    refused(&context.mlpack_with(&[package.clone(), flags.to_vec()].concat(), "wrong\n"), "flag");

    // An address alone is anonymous, whatever else is known.
    context.write("inferenceconfig.json", configuration(&format!("\"{}\"", registry.host)));
    assert!(context.mlpack(&package).stderr.contains("authentication required"));
}

/// What `az account get-access-token` gives is exchanged at the registry itself, as Azure's wants.
#[test]
fn a_token_of_azure_active_directory_is_exchanged() {
    let (host, seen) = answering(|asked| {
        let host = asked.headers.split("host: ").nth(1).unwrap().lines().next().unwrap();
        let (status, header, body) = match asked.line.split('?').next().unwrap() {
            "POST /oauth2/exchange" if asked.body.contains("&access_token=directory-token") => {
                ("200 OK", String::new(), r#"{"refresh_token": "r"}"#)
            }
            "POST /oauth2/token" if asked.body.contains("&refresh_token=r") => {
                ("200 OK", String::new(), r#"{"access_token": "t"}"#)
            }
            _ if asked.headers.contains("authorization: bearer t") => {
                ("404 Not Found", String::new(), r#"{"errors": [{"code": "MANIFEST_UNKNOWN"}]}"#)
            }
            _ => {
                let realm = format!("realm=\"http://{host}/oauth2/token\",service=\"{host}\"");
                ("401 Unauthorized", format!("WWW-Authenticate: Bearer {realm}\r\n"), "")
            }
        };
        format!(
            "HTTP/1.1 {status}\r\n{header}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let mut context = TestContext::bare().own_cache();
    context.name(&host, "[HOST]");
    context.set("MLPACK_REGISTRY_AZURE_TOKEN", "directory-token");
    context.mlpack(&["inspect", &format!("{host}/team/name:v1")]).is(str![[r#"
--- stderr
error: no image `v1` in `[HOST]/team/name`: status 404 MANIFEST_UNKNOWN
hint: check the tag or digest; `skopeo list-tags docker://[HOST]/team/name` lists the tags
--- exit code 1

"#]]);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "GET /v2/team/name/manifests/v1",
            "POST /oauth2/exchange",
            "POST /oauth2/token",
            "GET /v2/team/name/manifests/v1"
        ]
    );
}

/// The base's registry has a separate login, which Docker's file contains; the one of the flags is
/// for the output's registry and must not be sent to the other.
#[test]
fn flags_log_in_to_the_registry_of_the_output_only() {
    let base = base("debian12-py311");
    let (closed, open) = (need!(registry(true)), need!(registry(false)));
    let context = need!(TestContext::offline());
    let remote = format!("{}/bases/python:v1", closed.host);
    let user = ["--username", "user", "--password-stdin"];
    context.mlpack_with(&[&["copy", &base, &remote], &user[..]].concat(), "secret\n").ok();
    let login = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#, closed.host);
    fs::create_dir(context.root().join("home/.docker")).unwrap();
    fs::write(context.root().join("home/.docker/config.json"), login).unwrap();
    let output = format!("{}/team/name:v1", open.host);
    let other = ["--username", "other", "--password-stdin"].map(str::to_owned);
    let output = ["--output".to_owned(), output];
    let args = [&context.project(&remote)[..], &output, &other].concat();
    context.mlpack_with(&args, "another secret\n").ok();
}
