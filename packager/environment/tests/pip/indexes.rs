//! An index with a password, named by the list.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_environment::{ArtifactOrigin, fetch_packages};
use mlpack_oci::Silent;

use crate::kit::{Project, versions};

/// Serves a folder of wheels as an index to who knows the password; gives its port.
fn serve(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream.unwrap(), &folder));
        }
    });
    port
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut known) = (String::new(), false);
    let password = format!("Basic {}", STANDARD.encode("me:s3cret"));
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        known |= line.trim_end().ends_with(&password);
        line.clear();
    }
    let wanted = path.trim_matches('/').rsplit('/').next().unwrap_or_default();
    let (status, body) = if !known {
        ("401 Unauthorized", Vec::new())
    } else if path.starts_with("/files/") {
        ("200 OK", std::fs::read(folder.join(wanted)).unwrap())
    } else {
        let mut page = String::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with(&format!("{wanted}-")) {
                let hash =
                    mlpack_oci::Digest::of(&std::fs::read(folder.join(&name)).unwrap()).hex();
                page += &format!("<a href=\"/files/{name}#sha256={hash}\">{name}</a>\n");
            }
        }
        let status = if page.is_empty() { "404 Not Found" } else { "200 OK" };
        (status, page.into_bytes())
    };
    let kind = if path.starts_with("/files/") { "application/octet-stream" } else { "text/html" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

#[tokio::test]
async fn a_password_opens_the_index_and_is_never_shown() {
    let mut project = Project::new();
    project.wheel("served", "private", "1.0", &[]);
    let port = serve(project.path("served"));
    project.settings.variables = [("TOKEN".to_owned(), "s3cret".to_owned())].into_iter().collect();
    let index = format!("--index-url http://me:${{TOKEN}}@127.0.0.1:{port}/simple");
    let Some(found) = project.resolved(&[&index, "private"]).await else { return };
    assert_eq!(versions(&found.environment), ["private==1.0"]);
    let file = format!("http://127.0.0.1:{port}/files/private-1.0-py3-none-any.whl");
    assert_eq!(found.environment.packages[0].artifact.origin, ArtifactOrigin::Url(file.clone()));
    let fresh = tempfile::tempdir().unwrap();
    let mut settings = found.settings.clone();
    settings.cache = fresh.path().to_owned();
    fetch_packages(&found.environment, None, &settings, &Silent).await.unwrap();
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");

    let direct = format!(
        "private @ http://me:${{TOKEN}}@127.0.0.1:{port}/files/private-1.0-py3-none-any.whl"
    );
    let found = project.resolved(&["--no-index", &direct]).await.unwrap();
    assert_eq!(found.environment.packages[0].artifact.origin, ArtifactOrigin::Url(file));
    let again = tempfile::tempdir().unwrap();
    let settings =
        mlpack_environment::Settings { cache: again.path().to_owned(), ..found.settings.clone() };
    fetch_packages(&found.environment, None, &settings, &Silent).await.unwrap();
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");

    let (message, _) = project.refused(&[&index, "nothing-there"]).await.unwrap();
    assert_eq!(message, "there is no package `nothing-there` in the index");
    let wrong = format!("--index-url http://me:wr0ng@127.0.0.1:{port}/simple");
    let (message, hint) = project.refused(&[&wrong, "private"]).await.unwrap();
    assert!(!message.contains("wr0ng") && !hint.contains("wr0ng"), "{message}\n{hint}");
}
