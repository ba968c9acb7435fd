//! Handing over to another front door without losing a request.
//!
//! A file names the successor, as `HOST:PORT`. From then on, connections that arrive are relayed to it byte by byte, while
//! those that exist are answered here: each answer asks the client to connect again. So the process that a port is
//! published for stays, and what is behind it is replaced; the file may name another successor at any time.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::log;
use crate::net::{Listener, Stream};

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long a connection is tried: a container that the engine restarts is back within seconds.
const CONNECT: Duration = Duration::from_secs(10);

/// How long clients with a connection have to make a request, whose answer tells them to connect again.
pub(crate) const LINGER: Duration = Duration::from_secs(3);

/// The front door that takes over.
pub(crate) struct Successor {
    name: watch::Receiver<Option<String>>,
}

impl Successor {
    /// Watches a file; without one there is no successor.
    pub(crate) fn watch(file: Option<PathBuf>) -> Self {
        let (sender, name) = watch::channel(file.as_deref().and_then(read));
        if let Some(file) = file {
            tokio::spawn(async move {
                loop {
                    sleep(INTERVAL).await;
                    let now = read(&file);
                    // If the file is missing or incomplete, the previous successor stays.
                    if now.is_some() && now != *sender.borrow() {
                        sender.send_replace(now);
                    }
                }
            });
        }
        Self { name }
    }

    /// Whether there is a successor.
    pub(crate) fn exists(&self) -> bool {
        self.name.borrow().is_some()
    }

    /// Waits until there is a successor.
    pub(crate) async fn appears(&self) {
        let mut name = self.name.clone();
        if name.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Relays connections to the successor of the moment until dropped.
    pub(crate) async fn relay(&self, listener: &Listener) {
        let known = Arc::new(std::sync::Mutex::new(None));
        let mut announced = None;
        loop {
            let (stream, _) = listener.accept().await;
            let Some(name) = self.name.borrow().clone() else { continue };
            if announced.as_ref() != Some(&name) {
                log::info(&format!("relaying connections to {name}"));
                announced = Some(name.clone());
            }
            let known = known.clone();
            tokio::spawn(async move {
                match connect(&name, &known).await {
                    Ok(successor) => copy(stream, successor).await,
                    Err(error) => log::warning(&format!("cannot connect to {name}: {error}")),
                }
            });
        }
    }
}

/// The address that a name had last.
type Known = std::sync::Mutex<Option<(String, SocketAddr)>>;

/// Connects to a name, whose address is looked up again if the known one does not answer.
async fn connect(name: &str, known: &Known) -> io::Result<TcpStream> {
    let deadline = Instant::now() + CONNECT;
    loop {
        let cached = known.lock().ok().and_then(|known| known.clone());
        let cached = cached.filter(|(of, _)| of == name).map(|(_, address)| address);
        let address = match cached {
            Some(address) => Ok(address),
            None => resolve(name).await,
        };
        let connected = match address {
            Ok(address) => TcpStream::connect(address).await.map(|stream| (stream, address)),
            Err(error) => Err(error),
        };
        match connected {
            Ok((stream, address)) => {
                if let Ok(mut known) = known.lock() {
                    *known = Some((name.to_owned(), address));
                }
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => {
                if let Ok(mut known) = known.lock() {
                    *known = None;
                }
                if cached.is_none() {
                    sleep(INTERVAL).await;
                }
            }
        }
    }
}

/// Looks up `HOST:PORT`. The resolver is made each time: /etc/resolv.conf changes when a network is connected.
async fn resolve(name: &str) -> io::Result<SocketAddr> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let parts = name.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts.ok_or_else(|| io::Error::other("expected HOST:PORT"))?;
    let builder = TokioResolver::builder_tokio().map_err(io::Error::other)?;
    let found = builder.build().lookup_ip(host).await.map_err(io::Error::other)?;
    let first = found.iter().next().ok_or_else(|| io::Error::other("the name has no address"))?;
    Ok((first, port).into())
}

async fn copy(mut client: Box<dyn Stream>, mut successor: TcpStream) {
    // Broken connections are not logged.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut successor).await;
}

fn read(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    // The line end shows that it is complete.
    text.strip_suffix('\n').filter(|name| !name.is_empty()).map(str::to_owned)
}
