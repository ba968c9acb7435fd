//! Blobs read from a registry: streamed, resumed after a broken connection, bounded in memory.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use mlpack_http::Retryable;
use mlpack_oci::spec::{Descriptor, MediaType};
use mlpack_oci::{BlobReader, Blobs, Digest, Origin, Reference};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc;

use crate::Client;
use crate::connection::place;
use crate::error::{ConnectionError, ContentError, Error, Result};
use crate::scope::Scope;
use crate::transport::{Call, Transport};

/// Pieces that may wait to be read; one is at most what the connection reads at once, some 100 KiB.
const PIECES: usize = 16;

/// For messages: what the requests are for.
const READ: &str = "read a blob";

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
    /// Must be called, and the blob read, on a thread that may block.
    fn open_at(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobReader, mlpack_oci::Error> {
        let digest = Digest::try_from(descriptor.digest())
            .map_err(|error| mlpack_oci::Error::Source(Box::new(error)))?;
        if is_foreign(descriptor) {
            return Err(Error::from(ContentError::ForeignLayer { digest }).into());
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
        // The first piece shows whether the blob exists.
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

/// Returns whether a layer's licence forbids distributing it; registries only store its descriptor
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
    /// Sends the blob's bytes from `offset` on. A broken connection is resumed where it broke; only
    /// attempts without a single byte count.
    async fn run(&self, offset: u64, to_reader: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
        let transport = self.client.transport(&self.registry).await?;
        let mut position = offset;
        let mut backoff = transport.backoff();
        while position < self.size {
            let before = position;
            let error = match self.stretch(&transport, &mut position, to_reader).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if position > before {
                backoff.reset();
            }
            match backoff.next(error.retry()) {
                Some(wait) => transport.clock().sleep(wait).await,
                None => return Err(error),
            }
        }
        Ok(())
    }

    async fn stretch(
        &self,
        transport: &Transport,
        position: &mut u64,
        to_reader: &mpsc::Sender<Result<Bytes>>,
    ) -> Result<()> {
        let scope = Scope::pull(&self.repository);
        let url = transport.endpoint().url(&format!("{}/blobs/{}", self.repository, self.digest));
        let mut call = Call::new(Method::GET, url, &scope, READ);
        if *position > 0 {
            call = call.header("range", &format!("bytes={position}-"));
        }
        let response = transport.get(call).await?;
        // Bytes a registry sends again because it does not support ranges.
        let mut surplus = match response.status() {
            StatusCode::OK => *position,
            StatusCode::PARTIAL_CONTENT => surplus(transport, &response, *position)?,
            StatusCode::NOT_FOUND => {
                return Err(ContentError::BlobMissing {
                    registry: self.registry.clone(),
                    repository: self.repository.clone(),
                    digest: self.digest,
                }
                .into());
            }
            _ => return Err(transport.refusal(response, &scope, READ).await),
        };
        let host = place(response.url());
        let mut body = transport.body_of(response);
        while *position < self.size {
            let piece = transport.chunk(&mut body, &host, READ).await?;
            let Some(mut piece) = piece else {
                let reason = format!("it ended after {position} of {} bytes", self.size);
                return Err(ConnectionError::Broken { host, reason }.into());
            };
            let skip = surplus.min(piece.len() as u64);
            surplus -= skip;
            piece.advance(usize::try_from(skip).unwrap_or(piece.len()));
            if piece.is_empty() {
                continue;
            }
            *position += piece.len() as u64;
            if to_reader.send(Ok(piece)).await.is_err() {
                // The reader was dropped.
                *position = self.size;
            }
        }
        Ok(())
    }
}

/// Returns how many bytes before the requested position a partial answer starts.
fn surplus(transport: &Transport, response: &Response, position: u64) -> Result<u64> {
    let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start = text
        .and_then(|text| text.strip_prefix("bytes "))
        .and_then(|text| text.split('-').next())
        .and_then(|start| start.parse::<u64>().ok());
    match start {
        Some(start) if start <= position => Ok(position - start),
        // Some servers leave the header out; the range is then the requested one.
        None if text.is_none() => Ok(0),
        _ => Err(transport.protocol(READ, "the range is not the requested one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_layers_have_their_own_media_types() {
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
