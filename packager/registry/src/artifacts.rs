//! Artifacts that are no images, and lists: of a repository's tags and of a registry's repositories
//! (distribution-spec, "Content Discovery").

use std::sync::Arc;

use mlpack_oci::{Artifact, Digest, Reference};
use reqwest::header::LINK;
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use crate::Client;
use crate::download::RegistryBlobs;
use crate::error::{ContentError, Error, Result};
use crate::scope::Scope;
use crate::transport::{Call, Transport};

/// The largest page of a list that is read, in bytes.
const MAX_PAGE: u64 = 8 << 20;

/// Pages of a list; more than any registry has, less than a registry that always names a next one.
const MAX_PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Client {
    /// Reads an artifact: manifest and config now, layers on demand. `None` if there is none of that tag or digest.
    ///
    /// # Errors
    /// The registry's refusal, a digest that does not match, or a document that is no manifest.
    pub async fn artifact(&self, reference: &Reference) -> Result<Option<Artifact>> {
        let transport = self.transport(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let place = reference.to_string();
        let manifest = match self.manifest_of(&transport, &scope, reference).await {
            Err(Error::Content(error)) if is_missing(&error) => return Ok(None),
            other => other?,
        };
        let config = self.config(&transport, &scope, &place, &manifest).await?;
        let blobs = RegistryBlobs::new(self.clone(), reference);
        Ok(Some(Artifact::new(place, manifest, config, Arc::new(blobs))?))
    }

    /// Returns the tags of a repository; none if there is no such repository.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn tags(&self, registry: &str, repository: &str) -> Result<Vec<String>> {
        let transport = self.transport(registry).await?;
        let scope = Scope::pull(repository);
        let first = format!("{repository}/tags/list?n=1000");
        let pages = self.pages(&transport, &scope, &first, "list the tags").await?;
        Ok(pages.into_iter().filter_map(|page| page.tags).flatten().collect())
    }

    /// Returns the repositories of a registry. Not every registry has this list, and some show it to few.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn repositories(&self, registry: &str) -> Result<Vec<String>> {
        let transport = self.transport(registry).await?;
        let first = "_catalog?n=1000";
        let pages =
            self.pages(&transport, &Scope::catalog(), first, "list the repositories").await?;
        Ok(pages.into_iter().filter_map(|page| page.repositories).flatten().collect())
    }

    /// Deletes a manifest and every tag of it. Returns whether the registry has done so: many do not let clients delete.
    ///
    /// # Errors
    /// If the registry cannot be reached.
    pub async fn delete(&self, registry: &str, repository: &str, digest: Digest) -> Result<bool> {
        let transport = self.transport(registry).await?;
        let scope = Scope::delete(repository);
        let url = transport.endpoint().url(&format!("{repository}/manifests/{digest}"));
        let action = "delete a manifest";
        let sent = transport
            .send_with_retry(|| Call::new(Method::DELETE, url.clone(), &scope, action))
            .await;
        match sent {
            Ok(response) => Ok(response.status().is_success()),
            Err(Error::Auth(_) | Error::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn pages(
        &self,
        transport: &Transport,
        scope: &Scope,
        first: &str,
        action: &'static str,
    ) -> Result<Vec<Page>> {
        let mut pages = Vec::new();
        // Joined to the root of the API, so that the query stays a query.
        let root = transport.endpoint().url("");
        let mut url =
            root.join(first).map_err(|error| transport.protocol(action, &error.to_string()))?;
        while pages.len() < MAX_PAGES {
            let call = || Call::new(Method::GET, url.clone(), scope, action);
            let response = transport.send_with_retry(call).await?;
            match response.status() {
                StatusCode::NOT_FOUND if pages.is_empty() && scope.action == "pull" => break,
                status if !status.is_success() => {
                    return Err(transport.refusal(response, scope, action).await);
                }
                _ => {}
            }
            let next = response.headers().get(LINK).and_then(|link| link.to_str().ok());
            let next = next.and_then(next_page).map(|link| url.join(link));
            let body = transport.body(response, "list", MAX_PAGE).await?;
            let page = serde_json::from_slice(&body);
            pages.push(page.map_err(|error| transport.protocol(action, &error.to_string()))?);
            match next {
                // Logins are for this host.
                Some(Ok(next)) if next.origin() == url.origin() && next != url => url = next,
                _ => break,
            }
        }
        Ok(pages)
    }
}

/// Returns the address in `<address>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then_some(address)
}

fn is_missing(error: &ContentError) -> bool {
    matches!(error, ContentError::ImageMissing { .. } | ContentError::RepositoryMissing { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_in_the_link_header() {
        let link = "</v2/a/tags/list?last=9&n=1000>; rel=\"next\"";
        assert_eq!(next_page(link), Some("/v2/a/tags/list?last=9&n=1000"));
        assert_eq!(next_page("</v2/>; rel=\"prev\""), None);
        assert_eq!(next_page("no address"), None);
    }
}
