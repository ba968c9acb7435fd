//! What a status and the headers of an answer say about another attempt.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// Returns whether a later attempt may succeed after a status: time-out, too early, rate limit,
/// failure of the server.
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Parses `Retry-After`, which is in seconds or a date. A date is compared with the answer's
/// `Date`, so that this machine's clock does not matter (RFC 9110 section 10.2.3).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let now = date(headers.get("date")?.to_str().ok()?)?;
    let then = date(text)?;
    let seconds = then.timestamp().as_second() - now.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            retry_after(
                &pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect(),
            )
        };
        assert_eq!(of(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(
            of(&[
                ("retry-after", "Sun, 06 Nov 1994 08:49:50 GMT"),
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ]),
            Some(Duration::from_secs(13))
        );
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_refusal_is_not_transient() {
        assert!([408, 425, 429, 500, 502, 503, 504].into_iter().all(is_transient));
        assert!(![200, 301, 400, 401, 403, 404, 409, 501].into_iter().any(is_transient));
    }
}
