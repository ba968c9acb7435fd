//! The clouds of Azure and their addresses.

use serde_json::Value;
use url::Url;

use crate::http::Http;
use crate::{Error, Result};

/// Version of the endpoint that describes a cloud.
const METADATA_VERSION: &str = "2015-01-01";

/// Names, address of the resource manager, and address of the directory (Azure, "Compare Azure Government and global Azure"
/// and "Azure in China developer guide"). The names are those of `az cloud list`, and short ones.
const CLOUDS: [([&str; 2], &str, &str); 3] = [
    (
        ["azurecloud", "public"],
        "https://management.azure.com/",
        "https://login.microsoftonline.com/",
    ),
    (
        ["azurechinacloud", "china"],
        "https://management.chinacloudapi.cn/",
        "https://login.chinacloudapi.cn/",
    ),
    (
        ["azureusgovernment", "government"],
        "https://management.usgovcloudapi.net/",
        "https://login.microsoftonline.us/",
    ),
];

/// The addresses of a cloud.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    /// Of the resource manager.
    pub(crate) resource_manager: Url,
    /// Of the directory that issues tokens.
    pub(crate) authority: Url,
    /// What a token is for.
    pub(crate) audience: String,
}

impl Cloud {
    /// Finds a cloud by its name; one that has none is asked at the address of its resource manager.
    ///
    /// # Errors
    /// [`Error::Cloud`], or as for any request.
    pub(crate) async fn find(
        name: Option<&str>,
        authority: Option<&str>,
        http: &Http,
    ) -> Result<Self> {
        let name = name.unwrap_or("public");
        let lower = name.to_ascii_lowercase();
        let mut cloud = match Self::known(&lower)? {
            Some(cloud) => cloud,
            None => Self::ask(address(name)?, http).await?,
        };
        if let Some(authority) = authority {
            let has_scheme = authority.contains("://");
            let url =
                if has_scheme { authority.to_owned() } else { format!("https://{authority}") };
            cloud.authority = address(&url)?;
        }
        Ok(cloud)
    }

    fn known(name: &str) -> Result<Option<Self>> {
        let found = CLOUDS.iter().find(|(names, ..)| names.contains(&name));
        let Some((_, resource_manager, login)) = found else { return Ok(None) };
        Ok(Some(Self {
            resource_manager: address(resource_manager)?,
            authority: address(login)?,
            audience: (*resource_manager).to_owned(),
        }))
    }

    async fn ask(resource_manager: Url, http: &Http) -> Result<Self> {
        let mut url =
            resource_manager.join("metadata/endpoints").map_err(|_| bad(&resource_manager))?;
        url.query_pairs_mut().append_pair("api-version", METADATA_VERSION);
        let answer =
            http.send("ask for the addresses of the cloud", |client| client.get(url.clone()));
        let found = answer.await?.body;
        let login = &found["authentication"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match (text(&login["loginEndpoint"]), text(&login["audiences"][0])) {
            (Some(authority), Some(audience)) => {
                Ok(Self { resource_manager, authority: address(&authority)?, audience })
            }
            _ => Err(bad(&resource_manager)),
        }
    }
}

fn bad(found: &Url) -> Error {
    Error::Cloud { found: found.to_string() }
}

/// Parses the address of a service that gets tokens or passwords: only this machine may have one without TLS.
fn address(text: &str) -> Result<Url> {
    let bad = || Error::Cloud { found: text.to_owned() };
    let mut url = Url::parse(text).map_err(|_| bad())?;
    if !is_private(&url) {
        return Err(bad());
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether no one between here and the service can read what is sent.
pub(crate) fn is_private(url: &Url) -> bool {
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_have_names() {
        for (name, host) in [
            ("public", "management.azure.com"),
            ("azureusgovernment", "management.usgovcloudapi.net"),
            ("china", "management.chinacloudapi.cn"),
        ] {
            let cloud = Cloud::known(name).unwrap().unwrap();
            assert_eq!(cloud.resource_manager.host_str(), Some(host));
        }
        assert!(Cloud::known("azure").unwrap().is_none());
    }

    #[test]
    fn only_this_machine_may_be_without_tls() {
        for (text, url) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example/adfs", "https://a.example/adfs/"),
            ("http://127.0.0.1:80", "http://127.0.0.1/"),
        ] {
            assert_eq!(address(text).unwrap().as_str(), url);
        }
        for bad in ["azure", "http://management.example/", "file:///etc"] {
            let error = address(bad).unwrap_err().to_string();
            assert_eq!(error, format!("`{bad}` is no cloud of Azure"));
        }
    }
}
