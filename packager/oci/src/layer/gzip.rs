//! Gzip in parallel: each block of 1 MiB becomes a separate member (RFC 1952, 2.2 allows several), so
//! the bytes do not depend on the number of threads.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use libdeflater::{CompressionLvl, Compressor};

/// Uncompressed bytes per member. Part of the format: another size gives other bytes.
const MEMBER: usize = 1 << 20;

/// Level 1 of libdeflate: smaller than zlib's level 1 at twice its speed. Part of the format.
const LEVEL: i32 = 1;

type Job = (Vec<u8>, SyncSender<Vec<u8>>);

/// Output that is not written yet, in order.
enum Pending {
    /// A member that a thread is compressing.
    Member(Receiver<Vec<u8>>),
    /// Members in a file.
    Copy(Section),
    /// A deflate stream in a file, with the checksum and size of its member.
    Deflated(Section, u32, u32),
    /// The end of a part.
    End,
}

/// A span of a file.
pub(super) struct Section {
    pub(super) file: Arc<Path>,
    /// In bytes, as the length.
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Section {
    fn copy(&self, out: &mut impl Write) -> io::Result<()> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let copied = io::copy(&mut file.take(self.length), out)?;
        if copied == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The header of a member without name, time or system (RFC 1952, 2.3), as the compressor writes it.
const MEMBER_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// Compresses written bytes into gzip members on `threads` threads, in order.
pub(super) struct ParallelGzip<W> {
    out: W,
    block: Vec<u8>,
    jobs: Option<SyncSender<Job>>,
    pending: VecDeque<Pending>,
    /// Members that are being compressed.
    members: usize,
    workers: Vec<JoinHandle<()>>,
    /// Compressed bytes of the part that is being written, and of those before.
    part: u64,
    parts: Vec<u64>,
}

impl<W: Write> ParallelGzip<W> {
    /// Starts `threads` threads, or as many of them as the system gives; it must give one.
    pub(super) fn new(out: W, threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let (jobs, queue) = sync_channel::<Job>(threads);
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = Vec::new();
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            match Builder::new().spawn(move || work(&queue)) {
                Ok(worker) => workers.push(worker),
                Err(error) if number == 0 => return Err(error),
                Err(_) => break,
            }
        }
        let block = Vec::with_capacity(MEMBER);
        Ok(Self {
            out,
            block,
            jobs: Some(jobs),
            pending: VecDeque::new(),
            members: 0,
            workers,
            part: 0,
            parts: Vec::new(),
        })
    }

    /// Ends a part: what follows starts with a new member.
    pub(super) fn end_part(&mut self) -> io::Result<()> {
        self.submit()?;
        self.pending.push_back(Pending::End);
        Ok(())
    }

    /// Copies a part that is compressed already.
    pub(super) fn copy_part(&mut self, members: Section) -> io::Result<()> {
        self.pending.push_back(Pending::Copy(members));
        self.end_part()
    }

    /// Copies a deflate stream as a member. `crc32` and `size` are of the decompressed bytes.
    pub(super) fn copy_deflated(
        &mut self,
        deflated: Section,
        crc32: u32,
        size: u32,
    ) -> io::Result<()> {
        self.submit()?;
        self.pending.push_back(Pending::Deflated(deflated, crc32, size));
        Ok(())
    }

    /// Compresses the rest and returns the inner writer and the compressed length of each part.
    pub(super) fn finish(mut self) -> io::Result<(W, Vec<u64>)> {
        self.submit()?;
        self.jobs = None;
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        for worker in self.workers {
            worker.join().map_err(|_| io::Error::other("a compression thread failed"))?;
        }
        Ok((self.out, self.parts))
    }

    fn submit(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(MEMBER));
        let (reply, result) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(|| io::Error::other("writing after the end"))?;
        jobs.send((block, reply)).map_err(|_| io::Error::other("compression threads are gone"))?;
        self.pending.push_back(Pending::Member(result));
        self.members += 1;
        // Enough in flight to keep every thread busy, few enough to keep memory flat.
        while self.members > 2 * self.workers.len() {
            self.write_oldest()?;
        }
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        match self.pending.pop_front() {
            Some(Pending::Member(result)) => {
                self.members -= 1;
                let member =
                    result.recv().map_err(|_| io::Error::other("a compression thread failed"))?;
                self.part += member.len() as u64;
                self.out.write_all(&member)
            }
            Some(Pending::Copy(section)) => {
                self.part += section.length;
                section.copy(&mut self.out)
            }
            Some(Pending::Deflated(section, crc32, size)) => {
                self.part += MEMBER_HEADER.len() as u64 + section.length + 8;
                self.out.write_all(&MEMBER_HEADER)?;
                section.copy(&mut self.out)?;
                self.out.write_all(&crc32.to_le_bytes())?;
                self.out.write_all(&size.to_le_bytes())
            }
            Some(Pending::End) => {
                self.parts.push(std::mem::take(&mut self.part));
                Ok(())
            }
            None => Ok(()),
        }
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
        // The bound is never too small; if it were, the missing reply would be the writer's error.
        let Ok(n) = compressor.gzip_compress(&block, &mut member) else { return };
        member.truncate(n);
        let _ = reply.send(member);
    }
}

/// Returns the share of `sample` that deflate saves, from 0 (nothing) to 1.
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
        let mut gzip = ParallelGzip::new(Vec::new(), threads).unwrap();
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap().0
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_threads() {
        let text: Vec<u8> = (0u32..1 << 20).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let one = compress(&text, 1);
        assert_eq!(one, compress(&text, 2));
        assert_eq!(one, compress(&text, 7));
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(&one[..]).read_to_end(&mut back).unwrap();
        assert!(back == text);
        // Header without time, name or system (docs/pitfalls.md#16).
        assert_eq!(one[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(one[4..8], [0; 4]);
        assert_eq!(one[9], 0xff);
    }
}
