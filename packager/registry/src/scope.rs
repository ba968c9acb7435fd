//! What a request needs to be authorized for.

/// The repositories and rights a request needs a token for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    /// For messages: `pull`, `push`, `access`, `list`.
    pub(crate) action: &'static str,
    /// Repositories to mount from; they need the right to pull in the same token.
    pub(crate) sources: Vec<String>,
}

impl Scope {
    pub(crate) fn pull(repository: &str) -> Self {
        Self { repository: repository.to_owned(), action: "pull", sources: Vec::new() }
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self { repository: repository.to_owned(), action: "push", sources: Vec::new() }
    }

    /// Returns the scope of the registry as a whole, for login.
    pub(crate) fn registry() -> Self {
        Self { repository: String::new(), action: "access", sources: Vec::new() }
    }

    /// Returns the scope of deleting. Registries differ in whether a right to push is one to delete.
    pub(crate) fn delete(repository: &str) -> Self {
        Self { repository: repository.to_owned(), action: "delete", sources: Vec::new() }
    }

    /// Returns the scope of the list of repositories.
    pub(crate) fn catalog() -> Self {
        Self { repository: String::new(), action: "list", sources: Vec::new() }
    }

    pub(crate) fn and_pull_from(mut self, source: &str) -> Self {
        self.sources.push(source.to_owned());
        self
    }

    /// Returns the scopes of the token protocol; the push scope is first, as some servers require.
    pub(crate) fn texts(&self) -> Vec<String> {
        if self.repository.is_empty() {
            let catalog = (self.action == "list").then(|| "registry:catalog:*".to_owned());
            return catalog.into_iter().collect();
        }
        let actions = match self.action {
            "push" => "pull,push",
            "delete" => "delete",
            _ => "pull",
        };
        let mut texts = vec![format!("repository:{}:{actions}", self.repository)];
        texts.extend(self.sources.iter().map(|source| format!("repository:{source}:pull")));
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_push_scope_comes_first() {
        let scope = Scope::push("a/b").and_pull_from("base").and_pull_from("other");
        assert_eq!(
            scope.texts(),
            ["repository:a/b:pull,push", "repository:base:pull", "repository:other:pull"]
        );
        assert_eq!(Scope::pull("a").texts(), ["repository:a:pull"]);
        assert_eq!(Scope::registry().texts(), Vec::<String>::new());
        assert_eq!(Scope::catalog().texts(), ["registry:catalog:*"]);
    }
}
