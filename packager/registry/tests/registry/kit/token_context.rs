//! The real registry with the token server of the tests.

use std::sync::Arc;

use mlpack_oci::Reference;
use mlpack_registry::{Client, Credentials};

use super::{Registry, Signer, TokenServer, User, client, login, settings};

/// A registry with token authentication, its token server, and folders for clients.
pub(crate) struct TokenContext {
    pub(crate) tokens: TokenServer,
    pub(crate) registry: Registry,
    pub(crate) dir: tempfile::TempDir,
}

impl TokenContext {
    pub(crate) async fn start(azure: bool) -> Self {
        let signer = Arc::new(Signer::new());
        let right = |name: &str, rights: &str| (name.to_owned(), rights.to_owned());
        let user = |rights| User { password: "secret".to_owned(), rights };
        let users = [
            ("writer", user(vec![right("*", "pull,push")])),
            ("reader", user(vec![right("*", "pull")])),
            ("team", user(vec![right("team/app", "pull,push")])),
            ("", User { password: String::new(), rights: vec![right("public", "pull")] }),
        ];
        let tokens = TokenServer::start(signer.clone(), &users, azure).await;
        let registry = Registry::token(&tokens, &signer);
        Self { tokens, registry, dir: tempfile::tempdir().unwrap() }
    }

    /// Returns a client that shares no state with any other.
    pub(crate) fn client(&self, credentials: Credentials) -> Client {
        let mut settings = settings(self.dir.path());
        settings.credentials = login(&self.registry.host, credentials);
        settings.state_dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        client(settings)
    }

    pub(crate) fn reference(&self, name: &str) -> Reference {
        format!("{}/{name}:v1", self.registry.host).parse().unwrap()
    }
}
