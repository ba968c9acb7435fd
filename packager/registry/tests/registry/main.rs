//! The client against the real `docker-registry`, alone and behind a proxy that misbehaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod kit;

mod azure;
mod connections;
mod credential_helper;
mod images;
mod manifests;
mod memory;
mod quirks;
mod resume;
mod security;
mod tokens;
