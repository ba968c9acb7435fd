//! Objects of a cluster: read, apply, delete.

use std::fmt;
use std::time::Duration;

use http::{Method, Request};
use kube::Client;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::{Error, Kind, Result};

/// Time limit until the API server accepts a connection.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Time limit of a request. The API server's own is 60 s (kube-apiserver `--request-timeout`), for lists of thousands.
const LIMIT: Duration = Duration::from_secs(30);

/// Objects in one page of a list, as kubectl asks for them.
const PAGE: usize = 500;

/// The field manager of everything that is applied.
pub const MANAGER: &str = "mlpack";

/// The field manager of what is only kept as it is.
const KEEPER: &str = "mlpack-kept";

/// A cluster and a namespace in it. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: Client,
    namespace: String,
    server: String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("server", &self.server)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    pub(crate) fn new(client: Client, namespace: String, server: String) -> Self {
        Self { client, namespace, server }
    }

    /// Returns the cluster with another namespace.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The namespace of everything that is asked for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns an object; `None` if there is none of that name, or if the cluster does not have the kind.
    ///
    /// # Errors
    /// As every request: [`Error::Unreachable`], [`Error::Certificate`], [`Error::Hangs`], [`Error::Login`],
    /// [`Error::Unauthorized`], [`Error::Forbidden`] or [`Error::Refused`].
    pub async fn get(&self, kind: &Kind, name: &str) -> Result<Option<Value>> {
        let path = format!("{}/{name}", kind.path(Some(&self.namespace)));
        self.send(kind, name, "get", Method::GET, &path, None).await
    }

    /// Returns all objects with these labels, in this namespace.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn list(&self, kind: &Kind, selector: &str) -> Result<Vec<Value>> {
        let path = kind.path(Some(&self.namespace));
        self.pages(kind, &path, &format!("&labelSelector={}", encode(selector))).await
    }

    /// Returns the events about an object, oldest first.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn events(&self, object: &str) -> Result<Vec<Value>> {
        const EVENT: Kind =
            Kind { api_version: "v1", name: "Event", plural: "events", namespaced: true };
        let filter = format!("&fieldSelector={}", encode(&format!("involvedObject.name={object}")));
        self.pages(&EVENT, &EVENT.path(Some(&self.namespace)), &filter).await
    }

    async fn pages(&self, kind: &Kind, path: &str, filter: &str) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut from = String::new();
        loop {
            let page = format!("{path}?limit={PAGE}{filter}{from}");
            let Some(mut list) = self.send(kind, "", "list", Method::GET, &page, None).await?
            else {
                return Ok(found);
            };
            if let Value::Array(items) = list["items"].take() {
                // The items of a list do not repeat its kind.
                found.extend(items.into_iter().map(|mut item| {
                    item["apiVersion"] = kind.api_version.into();
                    item["kind"] = kind.name.into();
                    item
                }));
            }
            match list["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => from = format!("&continue={}", encode(token)),
                _ => return Ok(found),
            }
        }
    }

    /// Creates an object or changes it to what is described (Kubernetes, "Server-Side Apply"). Returns what it is then;
    /// with `dry_run`, what it would be. Takes fields from others only with `force`.
    ///
    /// # Errors
    /// As [`Cluster::get`], and [`Error::Conflict`].
    pub async fn apply(&self, object: &Value, dry_run: bool, force: bool) -> Result<Value> {
        let force = if force { "&force=true" } else { "" };
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        self.apply_as(object, &format!("{MANAGER}&fieldValidation=Strict{dry_run}{force}")).await
    }

    /// Keeps fields of the specification of an object as they are, though who described them no longer does.
    ///
    /// # Errors
    /// As [`Cluster::apply`].
    pub async fn keep(&self, object: &Value, spec: Value) -> Result<()> {
        let fields = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": { "name": object["metadata"]["name"] },
            "spec": spec,
        });
        self.apply_as(&fields, KEEPER).await.map(drop)
    }

    async fn apply_as(&self, object: &Value, manager: &str) -> Result<Value> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let unknown = || Error::Refused {
            action: format!("apply {}/{name}", object["kind"].as_str().unwrap_or_default()),
            message: "mlpack does not know the kind".to_owned(),
            status: 0,
        };
        let kind = Kind::of(object).ok_or_else(unknown)?;
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&self.namespace);
        let path = format!("{}/{name}?fieldManager={manager}", kind.path(Some(namespace)));
        let body = Some(("application/apply-patch+yaml", object));
        let applied = self.send(kind, name, "patch", Method::PATCH, &path, body).await?;
        Ok(applied.unwrap_or_default())
    }

    /// Changes some fields of an object (RFC 7396); `None` if it does not exist.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn merge(&self, kind: &Kind, name: &str, patch: &Value) -> Result<Option<Value>> {
        let path = format!("{}/{name}?fieldManager={MANAGER}", kind.path(Some(&self.namespace)));
        let body = Some(("application/merge-patch+json", patch));
        match self.send(kind, name, "patch", Method::PATCH, &path, body).await {
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            sent => sent,
        }
    }

    /// Deletes an object that was read, and what it owns. One that has gone, or that another one has replaced, is left.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn delete(&self, object: &Value) -> Result<()> {
        let Some(kind) = Kind::of(object) else { return Ok(()) };
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": { "uid": object["metadata"]["uid"] },
        });
        let path = format!("{}/{name}", kind.path(Some(&self.namespace)));
        let body = Some(("application/json", &options));
        match self.send(kind, name, "delete", Method::DELETE, &path, body).await {
            Err(Error::Refused { status: 409, .. }) => Ok(()),
            sent => sent.map(drop),
        }
    }

    /// Sends a request. `None` is the answer 404, except to a change, which needs a namespace and a known kind.
    async fn send(
        &self,
        kind: &Kind,
        name: &str,
        verb: &'static str,
        method: Method,
        path: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<Option<Value>> {
        let mut request = Request::builder().method(method).uri(path);
        let mut bytes = Vec::new();
        if let Some((content_type, body)) = body {
            request = request.header(http::header::CONTENT_TYPE, content_type);
            bytes = body.to_string().into_bytes();
        }
        let answer = self.request(kind, name, verb, request.body(bytes)).await?;
        answer
            .map(|text| {
                serde_json::from_str(&text).map_err(|error| Error::Unreachable {
                    server: self.server.clone(),
                    reason: format!("it answered what is not JSON: {error}"),
                })
            })
            .transpose()
    }

    /// As [`Cluster::send`], and returns the answer's text.
    pub(crate) async fn request(
        &self,
        kind: &Kind,
        name: &str,
        verb: &'static str,
        request: http::Result<Request<Vec<u8>>>,
    ) -> Result<Option<String>> {
        let failure = self.failure(kind, name, verb);
        let request = request.map_err(|error| failure.error(kube::Error::HttpError(error)))?;
        match timeout(LIMIT, self.client.request_text(request)).await {
            Ok(Ok(text)) => Ok(Some(text)),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 && verb != "patch" => Ok(None),
            Ok(Err(error)) => Err(failure.error(error)),
            Err(_) => Err(Error::Hangs {
                server: self.server.clone(),
                action: failure.action(),
                limit: LIMIT,
            }),
        }
    }

    pub(crate) fn failure<'a>(
        &'a self,
        kind: &'a Kind,
        name: &'a str,
        verb: &'static str,
    ) -> Failure<'a> {
        let namespace = kind.namespaced.then_some(&*self.namespace);
        Failure { server: &self.server, verb, kind, namespace, name }
    }
}

/// Escapes what has a meaning in a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
