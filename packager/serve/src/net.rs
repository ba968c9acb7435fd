//! Addresses and listening sockets.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// All addresses of the host.
    Port(u16),
    /// One address.
    Tcp(SocketAddr),
    /// A Unix socket; the path is replaced if it exists.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(()) } else { Ok(Self::Unix(path.into())) };
        }
        if let Ok(port) = text.parse() {
            return Ok(Self::Port(port));
        }
        text.parse().map(Self::Tcp).map_err(|_| ())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A byte stream of a client.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// Connects to an address; a bare port is one of this host.
///
/// # Errors
/// The system's reason.
pub(crate) async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    let stream = match address {
        Address::Port(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?,
        Address::Tcp(address) => TcpStream::connect(address).await?,
        Address::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
    };
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// The system's reason, such as an address in use.
    pub(crate) async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            // A dual-stack socket where the host has IPv6, else IPv4.
            Address::Port(port) => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
                Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).await.map(Self::Tcp),
            },
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => UnixListener::bind(path).map(Self::Unix),
            },
        }
    }

    /// Waits for a connection and returns its stream and the client's address as text. Ignores errors of a single
    /// connection; if no file descriptor is left, waits until some are closed.
    pub(crate) async fn accept(&self) -> (Box<dyn Stream>, String) {
        loop {
            let accepted = match self {
                Self::Tcp(listener) => listener.accept().await.map(|(stream, address)| {
                    let _ = stream.set_nodelay(true);
                    (Box::new(stream) as Box<dyn Stream>, address.ip().to_canonical().to_string())
                }),
                Self::Unix(listener) => listener
                    .accept()
                    .await
                    .map(|(stream, _)| (Box::new(stream) as Box<dyn Stream>, String::new())),
            };
            match accepted {
                Ok(accepted) => return accepted,
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Accepts no more connections and removes the file of a Unix socket.
    pub(crate) fn close(self) {
        if let Self::Unix(listener) = &self
            && let Ok(address) = listener.local_addr()
            && let Some(path) = address.as_pathname()
        {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Returns the address in use as text.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string())
            }
            Self::Unix(listener) => {
                let path = listener.local_addr().ok().and_then(|address| {
                    address.as_pathname().map(|path| path.display().to_string())
                });
                format!("unix:{}", path.unwrap_or_default())
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_ports_sockets_or_paths() {
        assert_eq!("5001".parse(), Ok(Address::Port(5001)));
        assert_eq!("127.0.0.1:80".parse(), Ok(Address::Tcp(([127, 0, 0, 1], 80).into())));
        assert_eq!("unix:/run/s".parse(), Ok(Address::Unix("/run/s".into())));
        assert_eq!("unix:".parse::<Address>(), Err(()));
        assert_eq!("localhost".parse::<Address>(), Err(()));
    }
}
