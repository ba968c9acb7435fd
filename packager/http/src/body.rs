//! The body of an answer, as long as it gets anywhere.

use std::time::Duration;

use reqwest::Response;
use tokio::time::Instant;

use crate::cause::{Cause, CauseKind};

/// How long a body is waited for before its pace counts.
const WINDOW: Duration = Duration::from_secs(60);

/// What has to arrive meanwhile, in bytes a second.
const LEAST: f64 = 100.0;

/// A body that is read piece by piece. It ends with an error if almost nothing arrives: a server that sends a byte a
/// second never times out and never ends. Only the time of waiting for it counts.
pub struct Body {
    response: Response,
    window: Duration,
    waited: Duration,
    arrived: u64,
}

impl Body {
    /// Reads the body of an answer.
    pub fn new(response: Response) -> Self {
        Self { response, window: WINDOW, waited: Duration::ZERO, arrived: 0 }
    }

    /// Counts the pace over another time.
    #[must_use]
    pub fn over(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Returns the next piece; nothing at the end.
    ///
    /// # Errors
    /// Why the connection failed, or [`CauseKind::TooSlow`].
    pub async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, Cause> {
        let began = Instant::now();
        let piece = self.response.chunk().await.map_err(Cause::of)?;
        self.waited += began.elapsed();
        self.arrived += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if piece.is_none() || self.waited < self.window {
            return Ok(piece);
        }
        if (self.arrived as f64) < LEAST * self.waited.as_secs_f64() {
            let seconds = self.waited.as_secs();
            let reason = format!("only {} bytes arrived in {seconds} s", self.arrived);
            return Err(Cause { kind: CauseKind::TooSlow, reason });
        }
        (self.waited, self.arrived) = (Duration::ZERO, 0);
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A server whose answer has pieces of so many bytes, so many milliseconds apart, until it is no longer read.
    async fn read(piece: usize, count: usize, pause: u64) -> Result<usize, Cause> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut stream: TcpStream = listener.accept().unwrap().0;
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).find(String::is_empty);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            for _ in 0..count {
                std::thread::sleep(Duration::from_millis(pause));
                if stream.write_all(&vec![b'x'; piece]).is_err() {
                    return;
                }
            }
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let response = reqwest::get(format!("http://{address}/")).await.unwrap();
        let mut body = Body::new(response).over(Duration::from_millis(100));
        let mut read = 0;
        while let Some(piece) = body.chunk().await? {
            read += piece.len();
        }
        Ok(read)
    }

    #[tokio::test]
    async fn a_body_that_gets_nowhere_is_given_up() {
        let cause = read(1, 1_000_000, 50).await.unwrap_err();
        assert_eq!(cause.kind, CauseKind::TooSlow);
        assert!(cause.reason.starts_with("only "), "{}", cause.reason);
        assert_eq!(read(1, 20, 1).await.unwrap(), 20);
        assert_eq!(read(100_000, 300, 1).await.unwrap(), 30_000_000);
    }
}
