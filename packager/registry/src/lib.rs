//! Speaks the OCI distribution protocol: credentials, tokens, pull, push, mount.
//!
//! Floor 1 of mlpack. A [`Client`] turns a reference into an [`mlpack_oci::Image`] whose layers are
//! fetched only when somebody reads them, and takes an image in, moving only the bytes the target
//! repository lacks. The crate reads neither the environment nor the clock nor the current
//! directory: files, folders, proxies and secrets come in by [`Settings`].

mod address;
mod auth;
mod body;
mod challenge;
mod client;
mod credentials;
mod docker_config;
mod documents;
mod download;
mod endpoint;
mod error;
mod exchange;
mod hint;
mod host_memory;
mod line;
mod manifests;
mod plan;
mod push;
mod refusal;
mod reply;
mod session;
mod settings;
mod tags;
mod tls;
mod token;
mod upload;
mod verb;

pub use client::Client;
pub use credentials::{CredentialStore, Credentials};
pub use error::{Error, Result};
pub use mlpack_http::RetryPolicy;
pub use mlpack_oci::Secret;
pub use plan::{BlobAction, BlobPlan, BlobRole};
pub use push::{BlobOutcome, Pushed, PushedBlob};
pub use reply::Reply;
pub use settings::{Proxies, Settings};
