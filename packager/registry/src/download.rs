//! Blobs read from a registry: streamed, resumed after a broken connection, bounded in memory.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use mlpack_http::Retryable;
use mlpack_oci::spec::{Descriptor, MediaType};
use mlpack_oci::{BlobReader, Blobs, Digest, Origin, Reference};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc;

use crate::auth::Scope;
use crate::exchange::{Call, Exchange, place};
use crate::{Client, Error, Result};

/// Pieces that may wait to be read; one is at most what the connection reads at once, some 100 KiB.
const PIECES: usize = 16;

/// The blobs of one repository.
pub(crate) struct RegistryBlobs {
    client: Client,
    registry: String,
    repository: String,
}

impl RegistryBlobs {
    pub(crate) fn new(client: Client, reference: &Reference) -> Self {
        let (registry, repository) = (reference.registry(), reference.repository());
        Self { client, registry: registry.to_owned(), repository: repository.to_owned() }
    }
}

impl Blobs for RegistryBlobs {
    /// Must be called, and read, on a thread that may block.
    fn open_at(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobReader, mlpack_oci::Error> {
        let digest = Digest::try_from(descriptor.digest())
            .map_err(|error| mlpack_oci::Error::Source(Box::new(error)))?;
        if is_foreign(descriptor) {
            return Err(Error::ForeignLayer { digest }.into());
        }
        let (to_reader, mut pieces) = mpsc::channel(PIECES);
        let download = Download {
            client: self.client.clone(),
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            digest,
            size: descriptor.size(),
        };
        self.client.inner.runtime.spawn(async move {
            if let Err(error) = download.run(offset, &to_reader).await {
                let _ = to_reader.send(Err(error)).await;
            }
        });
        // The first piece tells whether the blob is there at all.
        match pieces.blocking_recv() {
            Some(Err(error)) => Err(error.into()),
            Some(Ok(piece)) => Ok(Box::new(Reader { piece, pieces })),
            None => Ok(Box::new(Reader { piece: Bytes::new(), pieces })),
        }
    }

    fn origin(&self, _: &Digest) -> Option<Origin> {
        Some(Origin { registry: self.registry.clone(), repository: self.repository.clone() })
    }
}

/// Layers that licence forbids to distribute; registries hold only their descriptors
/// (image-spec layer.md, "Non-Distributable Layers").
pub(crate) fn is_foreign(descriptor: &Descriptor) -> bool {
    match descriptor.media_type() {
        MediaType::ImageLayerNonDistributable
        | MediaType::ImageLayerNonDistributableGzip
        | MediaType::ImageLayerNonDistributableZstd => true,
        other => other.to_string().starts_with("application/vnd.docker.image.rootfs.foreign."),
    }
}

struct Reader {
    piece: Bytes,
    pieces: mpsc::Receiver<Result<Bytes>>,
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !buf.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    return Err(io::Error::other(mlpack_oci::Error::from(error)));
                }
                None => return Ok(0),
            }
        }
        let n = buf.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buf[..n]);
        Ok(n)
    }
}

struct Download {
    client: Client,
    registry: String,
    repository: String,
    digest: Digest,
    size: u64,
}

impl Download {
    /// Sends the blob's bytes from `offset` on. A connection that breaks is taken up again where
    /// it broke; only attempts without a single byte count.
    async fn run(&self, offset: u64, to_reader: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
        let exchange = self.client.exchange(&self.registry).await?;
        let mut position = offset;
        let mut backoff = exchange.backoff();
        while position < self.size {
            let before = position;
            let error = match self.stretch(&exchange, &mut position, to_reader).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if position > before {
                backoff.reset();
            }
            match backoff.next(error.retry()) {
                Some(wait) => exchange.clock().sleep(wait).await,
                None => return Err(error),
            }
        }
        Ok(())
    }

    async fn stretch(
        &self,
        exchange: &Exchange,
        position: &mut u64,
        to_reader: &mpsc::Sender<Result<Bytes>>,
    ) -> Result<()> {
        let scope = Scope::pull(&self.repository);
        let what = "read a blob";
        let url = exchange.endpoint().url(&format!("{}/blobs/{}", self.repository, self.digest));
        let mut call = Call::new(Method::GET, url, &scope, what);
        if *position > 0 {
            call = call.header("range", &format!("bytes={position}-"));
        }
        let mut response = exchange.get(call).await?;
        // Bytes a registry sends again because it knows no ranges.
        let mut surplus = match response.status() {
            StatusCode::OK => *position,
            StatusCode::PARTIAL_CONTENT => surplus(exchange, &response, *position)?,
            StatusCode::NOT_FOUND => {
                return Err(Error::BlobMissing {
                    registry: self.registry.clone(),
                    repository: self.repository.clone(),
                    digest: self.digest,
                });
            }
            _ => return Err(exchange.refusal(response, &scope, what).await),
        };
        let host = place(response.url());
        while *position < self.size {
            let idle = exchange.idle();
            let piece = tokio::time::timeout(idle, response.chunk()).await.map_err(|_| {
                Error::Silent { host: host.clone(), what: what.to_owned(), waited: idle }
            })?;
            let piece = piece.map_err(|error| exchange.connection(Some(&host), error))?;
            let Some(mut piece) = piece else {
                return Err(Error::Connection {
                    host,
                    reason: format!("it ended after {position} of {} bytes", self.size),
                });
            };
            let skip = surplus.min(piece.len() as u64);
            surplus -= skip;
            piece.advance(usize::try_from(skip).unwrap_or(piece.len()));
            if piece.is_empty() {
                continue;
            }
            *position += piece.len() as u64;
            if to_reader.send(Ok(piece)).await.is_err() {
                // Nobody reads any more.
                *position = self.size;
            }
        }
        Ok(())
    }
}

/// How many bytes before the wanted position a partial answer starts.
fn surplus(exchange: &Exchange, response: &Response, position: u64) -> Result<u64> {
    let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start = text
        .and_then(|text| text.strip_prefix("bytes "))
        .and_then(|text| text.split('-').next())
        .and_then(|start| start.parse::<u64>().ok());
    match start {
        Some(start) if start <= position => Ok(position - start),
        // Some servers leave the header out; they then mean what was asked for.
        None if text.is_none() => Ok(0),
        _ => Err(exchange.protocol("read a blob", "the range is not the one asked for")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_layers_are_told_by_their_type() {
        for (name, foreign) in [
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", false),
            ("application/vnd.oci.image.layer.v1.tar", false),
        ] {
            let layer = mlpack_oci::descriptor(MediaType::from(name), Digest::of(b""), 0);
            assert_eq!(is_foreign(&layer), foreign, "{name}");
        }
    }
}
