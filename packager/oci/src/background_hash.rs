//! SHA-256 on a separate thread, so that hashing and writing a large blob overlap.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// Bytes handed to the thread at a time.
const BLOCK: usize = 1 << 20;

/// Blocks that may wait for the thread; bounds the memory.
const IN_FLIGHT: usize = 4;

/// Hashes bytes on another thread, in order.
pub(crate) struct BackgroundHash {
    block: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    worker: JoinHandle<Digest>,
    size: u64,
}

impl BackgroundHash {
    /// Starts the thread.
    pub(crate) fn new() -> io::Result<Self> {
        let (full, blocks) = sync_channel::<Vec<u8>>(IN_FLIGHT);
        let (done, empty) = channel();
        let worker = Builder::new().spawn(move || {
            let mut hash = Sha256::new();
            for mut block in blocks {
                hash.update(&block);
                block.clear();
                // The writer may be gone already; then the block is not needed again.
                let _ = done.send(block);
            }
            Digest::from_hash(hash)
        })?;
        Ok(Self { block: Vec::new(), full, empty, worker, size: 0 })
    }

    /// Appends bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let n = bytes.len().min(BLOCK - self.block.len());
            self.block.extend_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            if self.block.len() == BLOCK {
                let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
                let block = std::mem::replace(&mut self.block, next);
                self.full.send(block).map_err(|_| gone())?;
            }
        }
        Ok(())
    }

    /// The digest and the number of bytes.
    pub(crate) fn finish(self) -> io::Result<(Digest, u64)> {
        let Self { block, full, worker, size, .. } = self;
        full.send(block).map_err(|_| gone())?;
        drop(full);
        Ok((worker.join().map_err(|_| gone())?, size))
    }
}

fn gone() -> io::Error {
    io::Error::other("the hashing thread is gone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_hashing_at_once_gives() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 17).map(|n| (n % 251) as u8).collect();
        let mut hash = BackgroundHash::new().unwrap();
        for part in bytes.chunks(100_003) {
            hash.update(part).unwrap();
        }
        assert_eq!(hash.finish().unwrap(), (Digest::of(&bytes), bytes.len() as u64));
        assert_eq!(BackgroundHash::new().unwrap().finish().unwrap(), (Digest::of(b""), 0));
    }
}
