//! Real registries, a token server, a misbehaving proxy and images to move.

mod action;
mod busy;
mod certificates;
mod images;
mod proxy;
mod registry;
mod response;
mod token_context;
mod token_server;

pub(crate) use action::{Action, Seen};
pub(crate) use certificates::{Authority, Signer};
pub(crate) use images::{foreign_image, image, read_all};
pub(crate) use proxy::Proxy;
pub(crate) use registry::Registry;
pub(crate) use token_context::TokenContext;
pub(crate) use token_server::{TokenServer, User};

use std::time::Duration;

use mlpack_registry::{Client, CredentialStore, Credentials, RetryPolicy, Secret, Settings};

/// Returns whether a program is installed. Without it the test is skipped, which is a failure if
/// `MLPACK_TEST_REQUIRE` is set.
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "the switch of the tests")]
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join(program).is_file()) {
        return true;
    }
    assert!(
        std::env::var_os("MLPACK_TEST_REQUIRE").is_none_or(|value| value != "1"),
        "{program} is not installed"
    );
    println!("skipped: {program} is not installed");
    false
}

/// Returns settings with short waits.
pub(crate) fn settings(dir: &std::path::Path) -> Settings {
    let mut settings = Settings::new(dir.join("state"));
    settings.retry = RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_secs(3),
    };
    settings.idle_timeout = Duration::from_secs(10);
    settings
}

pub(crate) fn client(settings: Settings) -> Client {
    Client::new(settings, tokio::runtime::Handle::current()).unwrap()
}

pub(crate) fn basic(username: &str, password: &str) -> Credentials {
    Credentials::Basic { username: username.to_owned(), password: Secret::new(password) }
}

pub(crate) fn login(registry: &str, credentials: Credentials) -> CredentialStore {
    CredentialStore::default().with(registry, credentials)
}
