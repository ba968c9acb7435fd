//! Gzip in parallel: each block of 1 MiB becomes a member of its own (RFC 1952, 2.2 allows several
//! in a row), so the bytes do not depend on the number of threads.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use libdeflater::{CompressionLvl, Compressor};

/// Uncompressed bytes per member. Part of the format: another size gives other bytes.
const MEMBER: usize = 1 << 20;

/// Level 1 of libdeflate: smaller than zlib's level 1 at twice its speed. Part of the format.
const LEVEL: i32 = 1;

type Job = (Vec<u8>, SyncSender<Vec<u8>>);

/// Compresses what is written into gzip members on `threads` threads, in order.
pub(super) struct ParallelGzip<W> {
    out: W,
    block: Vec<u8>,
    jobs: Option<SyncSender<Job>>,
    pending: VecDeque<Receiver<Vec<u8>>>,
    workers: Vec<JoinHandle<()>>,
}

impl<W: Write> ParallelGzip<W> {
    pub(super) fn new(out: W, threads: usize) -> Self {
        let threads = threads.max(1);
        let (jobs, queue) = sync_channel::<Job>(threads);
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || work(&queue))
            })
            .collect();
        let block = Vec::with_capacity(MEMBER);
        Self { out, block, jobs: Some(jobs), pending: VecDeque::new(), workers }
    }

    /// Compresses what is left and returns the inner writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.submit()?;
        }
        self.jobs = None;
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        for worker in self.workers {
            worker.join().map_err(|_| io::Error::other("a compression thread failed"))?;
        }
        Ok(self.out)
    }

    fn submit(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(MEMBER));
        let (reply, result) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(|| io::Error::other("writing after the end"))?;
        jobs.send((block, reply)).map_err(|_| io::Error::other("compression threads are gone"))?;
        self.pending.push_back(result);
        // Enough in flight to keep every thread busy, few enough to keep memory flat.
        while self.pending.len() > 2 * self.workers.len() {
            self.write_oldest()?;
        }
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        let Some(result) = self.pending.pop_front() else { return Ok(()) };
        let member = result.recv().map_err(|_| io::Error::other("a compression thread failed"))?;
        self.out.write_all(&member)
    }
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(MEMBER - self.block.len());
        self.block.extend_from_slice(&buf[..n]);
        if self.block.len() == MEMBER {
            self.submit()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    let Ok(level) = CompressionLvl::new(LEVEL) else { return };
    let mut compressor = Compressor::new(level);
    loop {
        let Ok(job) = queue.lock().map(|queue| queue.recv()) else { return };
        let Ok((block, reply)) = job else { return };
        let mut member = vec![0; compressor.gzip_compress_bound(block.len())];
        // The bound is never too small; were it, the reply's absence becomes the writer's error.
        let Ok(n) = compressor.gzip_compress(&block, &mut member) else { return };
        member.truncate(n);
        let _ = reply.send(member);
    }
}

/// The share of `sample` that deflate takes away, from 0 (nothing) to 1.
pub(super) fn saving(sample: &[u8]) -> f64 {
    let Ok(level) = CompressionLvl::new(LEVEL) else { return 0.0 };
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.deflate_compress_bound(sample.len())];
    match compressor.deflate_compress(sample, &mut out) {
        Ok(n) if !sample.is_empty() => 1.0 - (n as f64 / sample.len() as f64),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn compress(bytes: &[u8], threads: usize) -> Vec<u8> {
        let mut gzip = ParallelGzip::new(Vec::new(), threads);
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let text: Vec<u8> = (0u32..1 << 20).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let one = compress(&text, 1);
        assert_eq!(one, compress(&text, 2));
        assert_eq!(one, compress(&text, 7));
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(&one[..]).read_to_end(&mut back).unwrap();
        assert!(back == text);
        // Header without time, name or system (trap 16).
        assert_eq!(one[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(one[4..8], [0; 4]);
        assert_eq!(one[9], 0xff);
    }
}
