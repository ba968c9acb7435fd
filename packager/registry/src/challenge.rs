//! What a registry requires when it answers 401.

use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// A challenge this client can answer (RFC 7235; distribution's token authentication).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer(Bearer),
}

/// Where to get a token and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) realm: Url,
    pub(crate) service: Option<String>,
    /// Scopes the registry requires.
    pub(crate) scopes: Vec<String>,
    /// `insufficient_scope`, `invalid_token`.
    pub(crate) error: Option<String>,
}

impl Challenge {
    /// Returns the best challenge of an answer: Bearer before Basic.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut basic = None;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = value.to_str() else { continue };
            for challenge in http_auth::parser::ChallengeParser::new(text).flatten() {
                if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    let get = |name: &str| {
                        let found =
                            challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                        found.map(|(_, value)| value.to_unescaped())
                    };
                    let Some(realm) = get("realm").and_then(|realm| Url::parse(&realm).ok()) else {
                        continue;
                    };
                    let scopes = get("scope").unwrap_or_default();
                    return Some(Self::Bearer(Bearer {
                        realm,
                        service: get("service").filter(|service| !service.is_empty()),
                        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
                        error: get("error"),
                    }));
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    basic = Some(Self::Basic);
                }
            }
        }
        basic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn reads_bearer_with_commas_in_the_scope() {
        let found = of(&[
            r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push repository:c:pull",error="insufficient_scope""#,
        ]);
        assert_eq!(
            found,
            Some(Challenge::Bearer(Bearer {
                realm: "https://auth.example/token".parse().unwrap(),
                service: Some("reg".to_owned()),
                scopes: vec!["repository:a/b:pull,push".to_owned(), "repository:c:pull".to_owned()],
                error: Some("insufficient_scope".to_owned()),
            }))
        );
    }

    #[test]
    fn bearer_wins_over_basic_and_nonsense_is_ignored() {
        assert_eq!(of(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        assert_eq!(of(&["Negotiate", "Basic realm=\"x\""]), Some(Challenge::Basic));
        assert!(matches!(
            of(&["Basic realm=\"x\"", "Bearer realm=\"https://a/t\""]),
            Some(Challenge::Bearer(_))
        ));
        assert_eq!(of(&["Bearer realm=\"no address\""]), None);
        assert_eq!(of(&[]), None);
    }
}
