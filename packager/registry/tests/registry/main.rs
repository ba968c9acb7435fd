//! The client against the real `docker-registry`, alone and behind a proxy that misbehaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod kit;

mod images;
mod login;
mod manifests;
mod memory;
mod quirks;
mod resume;
mod security;
mod surroundings;
