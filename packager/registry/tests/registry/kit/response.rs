//! Answers of the proxy.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use futures_util::StreamExt;

use super::Action;

/// Returns the registry's answer as the action changes it.
pub(super) async fn dress(response: reqwest::Response, action: Action) -> Response<Body> {
    if let Action::Late(wait) = action {
        tokio::time::sleep(wait).await;
    }
    let status = match action {
        Action::As(status) => StatusCode::from_u16(status).unwrap(),
        _ => response.status(),
    };
    let mut built = Response::builder().status(status);
    for (name, value) in response.headers() {
        let text = value.to_str().unwrap();
        match &action {
            Action::Relative if name == "location" && text.starts_with("http://") => {
                built = built.header(name, &text[text[7..].find('/').unwrap() + 7..]);
            }
            _ => built = built.header(name, value),
        }
    }
    if let Action::With(name, value) = &action {
        built = built.header(*name, value);
    }
    let mut left = match action {
        Action::CutDownload(left) => left,
        _ => u64::MAX,
    };
    let rate = if let Action::Slow(rate) = action { Some(rate) } else { None };
    let stream = response.bytes_stream().then(move |piece| {
        let (piece, end) = match piece {
            Ok(_) if left == 0 => (Err(std::io::Error::other("cut")), 0),
            Ok(piece) => {
                let n = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                (Ok(piece.slice(..n)), left - n as u64)
            }
            Err(error) => (Err(std::io::Error::other(error)), left),
        };
        left = end;
        async move {
            if let (Some(rate), Ok(piece)) = (rate, &piece) {
                let wait = piece.len() as f64 / rate as f64;
                tokio::time::sleep(Duration::from_secs_f64(wait)).await;
            }
            piece
        }
    });
    built.body(Body::from_stream(stream)).unwrap()
}

/// Returns a made-up answer.
pub(super) fn answer(
    status: u16,
    headers: &[(&'static str, String)],
    text: &str,
) -> Response<Body> {
    let mut built = Response::builder().status(status);
    for (name, value) in headers {
        built = built.header(*name, value);
    }
    built.body(Body::from(text.to_owned())).unwrap()
}
