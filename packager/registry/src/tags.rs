//! The tags of a repository.

use mlpack_oci::{MAX_MANIFEST_SIZE, Reference};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::auth::Scope;
use crate::exchange::Call;
use crate::{Client, Result};

#[derive(Deserialize)]
struct List {
    tags: Option<Vec<String>>,
}

impl Client {
    /// The tags of a repository, in the registry's order.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>> {
        let exchange = self.exchange(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let what = "list the tags";
        let mut url = exchange.endpoint().url(&format!("{}/tags/list", reference.repository()));
        let mut tags = Vec::new();
        // Long lists come in pages (distribution-spec, "Listing Tags"); 1000 pages are no list.
        for _ in 0..1000 {
            let response = exchange
                .retry(|| exchange.get(Call::new(Method::GET, url.clone(), &scope, what)))
                .await?;
            if !response.status().is_success() {
                return Err(exchange.refusal(response, &scope, what).await);
            }
            let next = next_page(response.headers()).map(|link| url.join(&link));
            let body = exchange.body(response, "tag list", MAX_MANIFEST_SIZE).await?;
            let list: List = serde_json::from_slice(&body)
                .map_err(|error| exchange.protocol(what, &error.to_string()))?;
            tags.extend(list.tags.unwrap_or_default());
            match next {
                Some(Ok(next)) if next != url && exchange.endpoint().owns(&next) => url = next,
                _ => break,
            }
        }
        Ok(tags)
    }
}

/// The address in `Link: </v2/...>; rel="next"` (RFC 5988).
fn next_page(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("link")?.to_str().ok()?;
    let (address, rest) = text.strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_next_link_is_followed() {
        let of = |text: &str| {
            next_page(&[("link".parse().unwrap(), text.parse().unwrap())].into_iter().collect())
        };
        let next = of("</v2/a/tags/list?last=b&n=2>; rel=\"next\"");
        assert_eq!(next.as_deref(), Some("/v2/a/tags/list?last=b&n=2"));
        assert_eq!(of("</v2/a>; rel=\"prev\""), None);
        assert_eq!(of("nothing"), None);
    }
}
