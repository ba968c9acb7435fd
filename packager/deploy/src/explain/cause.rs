//! A cause and what to do about it.

/// Why a service failed or refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, without a full stop.
    pub cause: String,
    /// What the user can do about it, without a full stop.
    pub hint: String,
}

impl Explanation {
    pub(super) fn new(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: hint.into() }
    }
}
