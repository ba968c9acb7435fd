//! Lines of a front door's output (packager/serve/README.md, "Log"), for someone who watches.

use serde_json::Value;

use crate::output;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogLine {
    /// What user code printed.
    Printed,
    /// A worker is ready.
    Ready,
    /// Something to show.
    Shown(String),
    /// An event that says nothing new.
    Quiet,
}

/// Reads a line.
pub(crate) fn log_line(line: &str) -> LogLine {
    let Ok(Value::Object(event)) = serde_json::from_str(line) else { return LogLine::Printed };
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let (Some(_), Some(level)) = (text("time"), text("level")) else { return LogLine::Printed };
    if let (Some(method), Some(route)) = (text("method"), text("route")) {
        let status = event.get("status").and_then(Value::as_u64).unwrap_or(0);
        let total = event.get("total_ms").and_then(Value::as_f64).unwrap_or(0.0);
        let shown =
            if status < 400 { status.to_string() } else { output::red(&status.to_string()) };
        let reason = text("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
        return LogLine::Shown(format!("{method} {route} {shown} in {total:.1} ms{reason}"));
    }
    let message = text("message").unwrap_or_default();
    let time = message.split_once(" reloaded in ").map(|(_, time)| time);
    match (level, time) {
        (_, Some(time)) => LogLine::Shown(format!("Reloaded in {time}")),
        ("info", None) if message.contains(" is ready ") => LogLine::Ready,
        ("info", None) => LogLine::Quiet,
        (_, None) => LogLine::Shown(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_reloads_are_shown_and_prints_are_left_alone() {
        let line = |rest: &str| log_line(&format!(r#"{{"time":"t",{rest}}}"#));
        assert_eq!(
            line(r#""level":"info","method":"POST","route":"/score","status":200,"total_ms":1.24"#),
            LogLine::Shown("POST /score 200 in 1.2 ms".to_owned())
        );
        assert_eq!(
            line(r#""level":"info","message":"worker 0 reloaded in 12 ms""#),
            LogLine::Shown("Reloaded in 12 ms".to_owned())
        );
        assert_eq!(
            line(r#""level":"info","message":"worker 0 is ready (process 7)""#),
            LogLine::Ready
        );
        assert_eq!(line(r#""level":"info","message":"stopped""#), LogLine::Quiet);
        assert_eq!(log_line(r#"{"answer": 42}"#), LogLine::Printed);
        assert_eq!(log_line("hello"), LogLine::Printed);
    }
}
