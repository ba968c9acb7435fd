//! Spans and their context (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).

use std::time::{Duration, SystemTime};

use hyper::HeaderMap;

use crate::answer::new_id;

/// The header that carries a context.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The identity of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    /// 32 hexadecimal digits.
    pub(super) trace: String,
    /// 16 hexadecimal digits.
    pub(super) span: String,
    /// The caller's span, if it sent one.
    pub(super) parent: Option<String>,
}

impl Context {
    /// Begins a span. None if the caller says that its trace is not recorded.
    pub(super) fn begin(headers: &HeaderMap) -> Option<Self> {
        let sent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        let random = new_id();
        let span = random[..16].to_owned();
        Some(match sent.and_then(parse) {
            Some((_, _, false)) => return None,
            Some((trace, parent, true)) => {
                Self { trace: trace.to_owned(), span, parent: Some(parent.to_owned()) }
            }
            None => Self { trace: new_id(), span, parent: None },
        })
    }

    /// The header's value for what this span calls.
    pub(crate) fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.span)
    }
}

/// Reads trace, span and whether it is sampled. A later version may have more fields (section 3.2.4).
fn parse(text: &str) -> Option<(&str, &str, bool)> {
    let mut fields = text.trim().split('-');
    let (version, trace, span, flags) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_id = |text: &str, length: usize| is_hex(text, length) && text.bytes().any(|b| b != b'0');
    let good = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || fields.next().is_none())
        && is_id(trace, 32)
        && is_id(span, 16)
        && is_hex(flags, 2);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    good.then_some((trace, span, sampled))
}

/// A request that has been answered.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) context: Context,
    pub(crate) begun: SystemTime,
    pub(crate) total: Duration,
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    /// The request's identifier, as in the log.
    pub(crate) id: String,
    /// Time in `run`, in milliseconds.
    pub(crate) run_ms: f64,
    /// Why it was refused or failed.
    pub(crate) reason: Option<String>,
}

impl Span {
    /// The span's name (semantic conventions, "HTTP server").
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn begin(value: &str) -> Option<Context> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, value.parse().unwrap());
        Context::begin(&headers)
    }

    #[test]
    fn a_span_is_a_child_of_the_callers() {
        let context = begin(SENT).unwrap();
        assert_eq!(context.trace, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.parent.as_deref(), Some("b7ad6b7169203331"));
        assert_ne!(context.span, "b7ad6b7169203331");
        assert_eq!(parse(&context.traceparent()), Some((&*context.trace, &*context.span, true)));
    }

    #[test]
    fn what_is_not_sampled_is_not_recorded_and_what_is_invalid_begins_a_trace() {
        assert_eq!(begin(&SENT.replace("-01", "-00")), None);
        for invalid in [
            "",
            "00",
            &SENT.replace("0af", "0AF"),
            &SENT.replace("00-0", "ff-0"),
            &format!("{SENT}-x"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(begin(invalid).unwrap().parent, None, "{invalid}");
        }
        // A later version may have more.
        let later = format!("{}-x", SENT.replace("00-0", "01-0"));
        assert!(begin(&later).unwrap().parent.is_some());
    }
}
