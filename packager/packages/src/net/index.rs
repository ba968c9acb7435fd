//! Pages of a package index: which files there are of a package, in either form (PEP 503, PEP 691).

use std::str::FromStr as _;

use pep440_rs::Version;
use serde::Deserialize;
use url::Url;

use crate::Result;
use crate::net::client::Client;
use crate::settings::DEFAULT_INDEX;
use mlpack_requirements::Indexes;
use mlpack_requirements::WheelName;

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// A file of a package on an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name.
    pub filename: String,
    /// Its address.
    pub url: Url,
}

/// The files of a package by its normalised name, on the first index.
pub async fn files(client: &Client, indexes: &Indexes, name: &str) -> Result<Vec<IndexFile>> {
    let index = indexes.index.as_ref().map_or(DEFAULT_INDEX, |index| index.secret());
    let page = format!("{}/{name}/", index.trim_end_matches('/'));
    let (bytes, place) = client.page(&page, ACCEPT).await?;
    Ok(read(&bytes, &place))
}

/// The metadata of a wheel, without the wheel (PEP 658).
///
/// # Errors
/// If the index does not have it.
pub async fn metadata(client: &Client, file: &IndexFile) -> Result<String> {
    let mut url = file.url.clone();
    url.set_path(&format!("{}.metadata", file.url.path()));
    let (bytes, _) = client.page(url.as_str(), "*/*").await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the publisher compiled wheels of a release, for whatever platform. A wheel for any
/// platform, of another Python, shows that the sources need no compiler.
pub fn has_compiled_wheels(files: &[IndexFile], version: &str) -> bool {
    let parse = |text: &str| Version::from_str(text).ok();
    let wanted = parse(version);
    files.iter().filter_map(|file| WheelName::parse(&file.filename)).any(|wheel| {
        !wheel.is_pure()
            && (wheel.version == version || (wanted.is_some() && parse(&wheel.version) == wanted))
    })
}

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
struct PageFile {
    filename: String,
    url: String,
}

fn read(bytes: &[u8], place: &Url) -> Vec<IndexFile> {
    let file =
        |filename: String, link: &str| Some(IndexFile { filename, url: place.join(link).ok()? });
    if let Ok(page) = serde_json::from_slice::<Page>(bytes) {
        return page.files.into_iter().filter_map(|item| file(item.filename, &item.url)).collect();
    }
    let text = String::from_utf8_lossy(bytes);
    text.split("href=")
        .skip(1)
        .filter_map(|rest| {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let link = rest[1..].split(quote).next()?.replace("&amp;", "&");
            let filename = link.split(['#', '?']).next()?.rsplit('/').next()?.to_owned();
            file(filename, &link)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_on_both_forms_of_page() {
        let place = Url::parse("https://i.example/simple/a/").unwrap();
        let json = br#"{"files": [{"filename": "b.whl", "url": "/x"}, {"filename": "a.whl", "url": "../../f/a.whl"}]}"#;
        let html = br#"<a href="/f/b.whl#sha256=0">b</a><a data-x='' href='../../f/a.whl?x=1&amp;y#sha256=1'>a.whl</a>"#;
        let file = |filename: &str, url: &str| IndexFile {
            filename: filename.to_owned(),
            url: Url::parse(&format!("https://i.example/{url}")).unwrap(),
        };
        assert_eq!(read(json, &place), [file("b.whl", "x"), file("a.whl", "f/a.whl")]);
        assert_eq!(
            read(html, &place),
            [file("b.whl", "f/b.whl#sha256=0"), file("a.whl", "f/a.whl?x=1&y#sha256=1")]
        );
        assert_eq!(read(b"<html>nothing</html>", &place), []);
    }

    #[test]
    fn a_wheel_of_another_python_shows_no_compiler() {
        let names = [
            "a-3.0-py2-none-any.whl",
            "a-2.0-cp313-cp313-win_amd64.whl",
            "a-2.0.tar.gz",
            "a-1.0.tar.gz",
        ];
        let files = names.map(|filename| IndexFile {
            filename: filename.to_owned(),
            url: Url::parse("https://i.example/").unwrap(),
        });
        let compiled = |version| has_compiled_wheels(&files, version);
        assert_eq!(["3.0", "2.0", "1.0"].map(compiled), [false, true, false]);
    }
}
