//! Implements the OCI distribution protocol: credentials, tokens, pull, push, mount.
//!
//! Tier 1 of mlpack. A [`Client`] turns a reference into an [`mlpack_oci::Image`] whose layers are
//! fetched on demand, and pushes an image, sending only the bytes the target repository lacks. The
//! crate reads neither the environment nor the clock nor the current directory: files, folders,
//! proxies, secrets and the clock come from [`Settings`].

mod address;
mod answer;
mod artifacts;
mod auth;
mod authorization;
mod body;
mod challenge;
mod client;
mod connection;
mod credential_helper;
mod credential_store;
mod credentials;
mod docker_config;
mod download;
mod endpoint;
mod error;
mod host_memory;
mod manifest_cache;
mod manifests;
mod plan;
mod push;
mod refusal;
mod reply;
mod scope;
mod session_store;
mod settings;
mod tls;
mod token;
mod transport;
mod upload;
mod upload_session;
mod upload_strategy;
mod vendor;

pub use client::Client;
pub use credential_store::CredentialStore;
pub use credentials::Credentials;
pub use error::{AuthError, ConnectionError, ContentError, Error, Result};
pub use mlpack_http::{Clock, RetryPolicy};
pub use mlpack_oci::Secret;
pub use plan::{BlobAction, BlobPlan, BlobRole};
pub use push::{BlobOutcome, Pushed, PushedBlob};
pub use reply::Reply;
pub use settings::{Proxies, Settings};
