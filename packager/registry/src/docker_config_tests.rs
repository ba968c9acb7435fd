use super::*;

fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn basic(username: &str, password: &str) -> Credentials {
    Credentials::Basic { username: username.to_owned(), password: Secret::new(password) }
}

#[test]
fn reads_every_form() {
    let (_dir, path) = file(
        r#"{"auths":{
            "a.example":{"auth":"dTpwOnE="},
            "https://b.example/v1/":{"auth":"dTpw"},
            "c.azurecr.io":{"auth":"MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOg==","identitytoken":"refresh"},
            "d.example":{},
            "e.example/team":{"auth":"dGVhbTpw"},
            "e.example":{"auth":"dTpw"},
            "https://index.docker.io/v1/":{"auth":"aHViOnA="}
        }}"#,
    );
    let of = |registry, repository| read(&path, registry, repository).unwrap();
    assert_eq!(of("a.example", "x"), Some(basic("u", "p:q")));
    assert_eq!(of("b.example", "x"), Some(basic("u", "p")));
    assert_eq!(of("c.azurecr.io", "x"), Some(Credentials::IdentityToken(Secret::new("refresh"))));
    assert_eq!(of("d.example", "x"), None);
    assert_eq!(of("e.example", "team/x"), Some(basic("team", "p")));
    assert_eq!(of("e.example", "other/x"), Some(basic("u", "p")));
    assert_eq!(of("docker.io", "library/x"), Some(basic("hub", "p")));
    assert_eq!(of("f.example", "x"), None);
}

#[test]
fn login_and_logout_keep_what_else_is_there() {
    let (_dir, path) = file(r#"{"detachKeys":"ctrl-e","auths":{"a.example":{"auth":"dTpw"}}}"#);
    login(&path, "docker.io", &basic("hub", "p")).unwrap();
    let token = Credentials::IdentityToken(Secret::new("refresh"));
    login(&path, "c.azurecr.io", &token).unwrap();
    assert_eq!(read(&path, "docker.io", "library/x").unwrap(), Some(basic("hub", "p")));
    assert_eq!(read(&path, "c.azurecr.io", "x").unwrap(), Some(token));
    assert!(logout(&path, "docker.io").unwrap());
    assert!(logout(&path, "c.azurecr.io").unwrap());
    assert!(!logout(&path, "c.azurecr.io").unwrap());
    let left: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(left, json!({"detachKeys": "ctrl-e", "auths": {"a.example": {"auth": "dTpw"}}}));
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/config.json");
    login(&path, "a.example", &basic("u", "p")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_broken_file_and_a_missing_helper_are_named() {
    let (_dir, path) = file("{\n oops");
    let error = read(&path, "a.example", "x").unwrap_err().to_string();
    assert_eq!(
        error,
        format!("cannot use the credentials in {}: line 2: it is not JSON", path.display())
    );
    let (_dir, path) = file(r#"{"credsStore":"mlpack-none"}"#);
    let error = read(&path, "a.example", "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "credential helper `docker-credential-mlpack-none` failed for a.example: it cannot be run, or its answer cannot be read"
    );
    assert_eq!(
        error.hint().unwrap(),
        "install `docker-credential-mlpack-none`, or remove it from the config file"
    );
}

#[test]
fn registries_are_the_same_however_written() {
    assert!(same_registry("https://index.docker.io/v1/", "docker.io"));
    assert!(same_registry("https://A.example/", "a.example"));
    assert!(!same_registry("a.example:5000", "a.example"));
}

#[test]
fn logins_at_once_are_all_kept_and_a_link_stays_one() {
    let dir = tempfile::tempdir().unwrap();
    let (link, real) = (dir.path().join("docker/config.json"), dir.path().join("real.json"));
    fs::create_dir(dir.path().join("docker")).unwrap();
    fs::write(&real, "{\"detachKeys\": \"ctrl-q\"}").unwrap();
    std::os::unix::fs::symlink("../real.json", &link).unwrap();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let link = &link;
            scope.spawn(move || {
                let credentials = Credentials::Basic {
                    username: "user".to_owned(),
                    password: Secret::new("secret"),
                };
                login(link, &format!("registry-{number}.example.com"), &credentials).unwrap();
            });
        }
    });
    assert!(link.is_symlink());
    let config: Value = serde_json::from_slice(&fs::read(&real).unwrap()).unwrap();
    assert_eq!(config["auths"].as_object().unwrap().len(), 16);
    assert_eq!(config["detachKeys"], "ctrl-q");
}
