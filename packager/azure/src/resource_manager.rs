//! Resources by their paths.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::cloud::Cloud;
use crate::http::{Answer, Http};
use crate::operation::{Operation, OperationState};
use crate::token::Token;
use crate::{Error, Result, SignIn};

/// The most pages of one list.
const MAX_PAGES: usize = 1000;

/// A subscription of Azure, as one identity sees it.
#[derive(Debug)]
pub struct ResourceManager {
    http: Http,
    cloud: Cloud,
    sign_in: SignIn,
    token: Mutex<Token>,
    subscription: String,
}

impl ResourceManager {
    /// Signs in. Without a subscription, that of the signed-in command line is used.
    ///
    /// # Errors
    /// [`Error::Cloud`], [`Error::NotSignedIn`], [`Error::SignIn`] or [`Error::NoSubscription`].
    pub async fn connect(sign_in: SignIn, subscription: Option<String>) -> Result<Self> {
        let http = Http::new()?;
        let (name, authority) = (sign_in.cloud.as_deref(), sign_in.authority.as_deref());
        let cloud = Cloud::find(name, authority, &http).await?;
        let token = sign_in.token(&cloud, &http).await?;
        let subscription = subscription.or_else(|| token.subscription.clone());
        let subscription = subscription.ok_or(Error::NoSubscription)?;
        Ok(Self { http, cloud, sign_in, token: Mutex::new(token), subscription })
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// Returns a resource; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Refused`], or as for any request.
    pub async fn get(&self, path: &str, version: &str) -> Result<Option<Value>> {
        let answer = self.request(Method::GET, path, version, None).await;
        match answer {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if error.code() == Some("ResourceNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns all resources of a list, from every page.
    ///
    /// # Errors
    /// As [`ResourceManager::get`].
    pub async fn list(&self, path: &str, version: &str) -> Result<Vec<Value>> {
        let mut url = self.url(path, version)?;
        let action = action(&Method::GET, path);
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut page = self.send(&action, Method::GET, &url, None).await?.body;
            if let Value::Array(items) = page["value"].take() {
                found.extend(items);
            }
            match page["nextLink"].as_str() {
                Some(next) if !next.is_empty() => url = self.own(&action, next)?,
                _ => break,
            }
        }
        Ok(found)
    }

    /// Creates or replaces a resource. The operation goes on after this returns.
    ///
    /// # Errors
    /// As [`ResourceManager::get`].
    pub async fn put(&self, path: &str, version: &str, body: &Value) -> Result<Operation> {
        let answer = self.request(Method::PUT, path, version, Some(body)).await?;
        self.accepted(&Method::PUT, path, version, &answer)
    }

    /// Changes fields of a resource.
    ///
    /// # Errors
    /// As [`ResourceManager::get`].
    pub async fn patch(&self, path: &str, version: &str, body: &Value) -> Result<Value> {
        Ok(self.request(Method::PATCH, path, version, Some(body)).await?.body)
    }

    /// Asks a resource to act.
    ///
    /// # Errors
    /// As [`ResourceManager::get`].
    pub async fn post(&self, path: &str, version: &str, body: &Value) -> Result<Value> {
        Ok(self.request(Method::POST, path, version, Some(body)).await?.body)
    }

    /// Deletes a resource; one that is not there is no error. The operation goes on after this returns.
    ///
    /// # Errors
    /// As [`ResourceManager::get`].
    pub async fn delete(&self, path: &str, version: &str) -> Result<Operation> {
        let answer = self.request(Method::DELETE, path, version, None).await?;
        self.accepted(&Method::DELETE, path, version, &answer)
    }

    fn accepted(
        &self,
        method: &Method,
        path: &str,
        version: &str,
        answer: &Answer,
    ) -> Result<Operation> {
        let action = action(method, path);
        let own = |text: &str| self.own(&action, text);
        Operation::accepted(action.clone(), self.url(path, version)?, answer, own)
    }

    /// Asks how far an operation is.
    ///
    /// # Errors
    /// [`Error::Failed`], or as for any request.
    pub async fn poll(&self, operation: &mut Operation) -> Result<OperationState> {
        let Some(url) = operation.place() else { return Ok(OperationState::Done) };
        let answer = self.send(&operation.action, Method::GET, &url, None).await;
        operation.read(answer)
    }

    /// Waits until an operation has ended.
    ///
    /// # Errors
    /// As [`ResourceManager::poll`], and [`Error::TimedOut`].
    pub async fn wait(&self, mut operation: Operation, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while let OperationState::Running(wait) = self.poll(&mut operation).await? {
            if Instant::now() + wait > deadline {
                return Err(Error::TimedOut { action: operation.action, limit });
            }
            sleep(wait).await;
        }
        Ok(())
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let url = self.url(path, version)?;
        self.send(&action(&method, path), method, &url, body).await
    }

    async fn send(
        &self,
        action: &str,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let token = self.token().await?;
        let request = |client: &Client| -> RequestBuilder {
            let request =
                client.request(method.clone(), url.clone()).bearer_auth(token.secret.reveal());
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        self.http.send(action, request).await
    }

    async fn token(&self) -> Result<Token> {
        let mut token = self.token.lock().await;
        if token.until <= Instant::now() {
            *token = self.sign_in.token(&self.cloud, &self.http).await?;
        }
        Ok(token.clone())
    }

    /// Returns the address of a path, which may have a query.
    fn url(&self, path: &str, version: &str) -> Result<Url> {
        let bad = |error: url::ParseError| Error::Answer {
            action: path.to_owned(),
            reason: error.to_string(),
        };
        let mut url =
            self.cloud.resource_manager.join(path.trim_start_matches('/')).map_err(bad)?;
        url.query_pairs_mut().append_pair("api-version", version);
        Ok(url)
    }

    /// Parses an address that an answer points to, which must be the resource manager's: the token is sent there.
    fn own(&self, action: &str, text: &str) -> Result<Url> {
        let bad = |reason: &str| Error::Answer {
            action: action.to_owned(),
            reason: format!("{reason} {text}"),
        };
        let url = Url::parse(text).map_err(|_| bad("it points to"))?;
        match url.origin() == self.cloud.resource_manager.origin() {
            true => Ok(url),
            false => Err(bad("it points to another host:")),
        }
    }
}

/// Returns what a request does, as in `put containerGroups/digits`.
fn action(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    // After the provider; before it, a resource group is named by its own path.
    let start = path.rfind("/providers/").map_or(0, |at| at + "/providers/".len());
    let rest = &path[start..];
    let rest = rest.split_once('/').filter(|_| start > 0).map_or(rest, |(_, rest)| rest);
    format!("{} {}", method.as_str().to_ascii_lowercase(), rest.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_name_the_resource() {
        let of = |path: &str| action(&Method::GET, path);
        let group = "/subscriptions/s/resourceGroups/g";
        let provider = "providers/Microsoft.ContainerInstance";
        assert_eq!(of(&format!("{group}/{provider}/containerGroups/a")), "get containerGroups/a");
        assert_eq!(
            of(&format!("{group}/{provider}/containerGroups/a/containers/a/logs?tail=1")),
            "get containerGroups/a/containers/a/logs"
        );
        assert_eq!(of(group), "get subscriptions/s/resourceGroups/g");
    }
}
