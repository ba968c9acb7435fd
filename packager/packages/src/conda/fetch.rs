//! Archives of conda packages in the cache.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use mlpack_oci::Progress;

use crate::Result;
use crate::cache::store::{self, Store};
use crate::conda::archive::StoredConda;
use crate::conda::channels::Channels;
use crate::net::client::{Client, Download};
use mlpack_lock::CondaPackage;

/// Files fetched at the same time.
const PARALLEL: usize = 6;

/// Downloads the archives that are not in the cache. Returns them in the order of the packages.
///
/// # Errors
/// [`crate::Error::Fetch`], [`crate::Error::ChecksumMismatch`], or the cache's own.
pub async fn fetch(
    packages: &[CondaPackage],
    channels: &Channels,
    store: &Store,
    client: &Client,
    progress: &dyn Progress,
) -> Result<Vec<StoredConda>> {
    let mut got: Vec<(usize, StoredConda)> = stream::iter(packages.iter().enumerate())
        .map(async |(number, package)| {
            let filename = package.url.rsplit('/').next().unwrap_or(&package.name);
            let path = store.artifact("conda", &package.sha256, filename);
            match mlpack_lock::relative::local(&package.url) {
                Some(source) => store::copy_in(&source, &path, package.sha256, filename)?,
                None => {
                    let wanted = Download {
                        url: &channels.with_secret(&package.url),
                        path: path.clone(),
                        sha256: package.sha256,
                        size: package.size,
                    };
                    client.file(&wanted, progress).await?;
                }
            }
            Ok::<_, crate::Error>((number, StoredConda { package: package.clone(), path }))
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    got.sort_by_key(|(number, _)| *number);
    Ok(got.into_iter().map(|(_, stored)| stored).collect())
}
