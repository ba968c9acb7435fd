//! The `Authorization` header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

use crate::Secret;

/// Returns `Basic` with user and password (RFC 7617).
pub(crate) fn basic(username: &str, password: &Secret) -> HeaderValue {
    hidden(&format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

/// Returns `Bearer` with a token (RFC 6750).
pub(crate) fn bearer(token: &Secret) -> HeaderValue {
    hidden(&format!("Bearer {}", token.reveal()))
}

/// Returns a header whose `Debug` shows nothing. Text that no header can hold becomes an empty one,
/// which the registry refuses.
fn hidden(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hide_themselves() {
        let header = basic("user", &Secret::new("pass"));
        assert_eq!(header.to_str().unwrap(), "Basic dXNlcjpwYXNz");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
