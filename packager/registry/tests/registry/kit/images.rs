//! Images to transfer: layers of made-up bytes, which no registry inspects.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use mlpack_oci::spec::{Descriptor, MediaType};
use mlpack_oci::{BlobReader, Blobs, Digest, HashingReader, Image, descriptor};

/// Blobs that are made while they are read: any size, no memory.
#[derive(Default)]
struct Generated {
    blobs: HashMap<Digest, (u64, u64)>,
}

impl Generated {
    fn add(&mut self, seed: u64, size: u64) -> Descriptor {
        let mut reader = HashingReader::new(Made { seed, position: 0 }.take(size));
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let digest = reader.digest();
        self.blobs.insert(digest, (seed, size));
        descriptor(MediaType::ImageLayerGzip, digest, size)
    }
}

impl Blobs for Generated {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> mlpack_oci::Result<BlobReader> {
        let digest = Digest::try_from(descriptor.digest()).unwrap();
        let (seed, size) = *self.blobs.get(&digest).unwrap();
        Ok(Box::new(Made { seed, position: offset }.take(size - offset)))
    }
}

/// Bytes that depend only on seed and position (splitmix64).
struct Made {
    seed: u64,
    position: u64,
}

impl Read for Made {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            let mut word = (self.seed << 40)
                .wrapping_add(self.position / 8 + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (word ^ (word >> 31)).to_le_bytes();
            let from = usize::try_from(self.position % 8).unwrap();
            let n = (8 - from).min(buf.len() - done);
            buf[done..done + n].copy_from_slice(&bytes[from..from + n]);
            done += n;
            self.position += n as u64;
        }
        Ok(done)
    }
}

/// Returns an image with layers of the given sizes.
pub(crate) fn image(seed: u64, sizes: &[u64]) -> Image {
    let mut blobs = Generated::default();
    let layers: Vec<Descriptor> = sizes
        .iter()
        .enumerate()
        .map(|(index, size)| blobs.add(seed + index as u64, *size))
        .collect();
    image_of(seed, &layers, Arc::new(blobs))
}

/// Returns an image whose lowest layer is foreign, with the address to fetch it from, and an ordinary
/// layer of `size` bytes above.
pub(crate) fn foreign_image(seed: u64, size: u64, address: &str) -> Image {
    let mut blobs = Generated::default();
    let mut foreign = blobs.add(seed << 8 | 255, 10);
    foreign.set_media_type(MediaType::ImageLayerNonDistributableGzip);
    foreign.set_urls(Some(vec![address.to_owned()]));
    let usual = blobs.add(seed << 8, size);
    image_of(seed, &[foreign, usual], Arc::new(blobs))
}

fn image_of(seed: u64, layers: &[Descriptor], blobs: Arc<dyn Blobs>) -> Image {
    let diff_ids: Vec<String> = layers.iter().map(|layer| layer.digest().to_string()).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {"Labels": {"seed": seed.to_string()}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}
    })
    .to_string();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor(
            MediaType::ImageConfig, Digest::of(config.as_bytes()), config.len() as u64),
        "layers": layers,
    });
    Image::new("test", manifest.to_string().into_bytes(), config.into_bytes(), blobs).unwrap()
}

/// Reads every layer on a thread that may block, and returns the digests.
pub(crate) async fn read_all(image: &Image) -> Vec<Digest> {
    let image = image.clone();
    let read = move || {
        let digest = |layer| {
            let mut reader = HashingReader::new(image.open(layer).unwrap());
            io::copy(&mut reader, &mut io::sink()).unwrap();
            reader.digest()
        };
        image.layers.iter().map(digest).collect()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}
