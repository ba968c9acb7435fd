//! Images in layouts, archives, the Docker engine and registries: found, opened and written.

use std::fs::File;
use std::path::Path;

use mlpack_engine::Engine;
use mlpack_oci::archive::{Flavour, open_docker_archive, open_oci_archive, write_archive};
use mlpack_oci::layout::Layout;
use mlpack_oci::{Image, Location, PinnedReference, Platform, Reference};
use mlpack_project::project::RegistryAccess;
use mlpack_registry::{Client, CredentialStore, Credentials};

use crate::{Argument, Error, Result, Session};

impl Session {
    /// Parses an image argument. Without a prefix such as `oci:`, an existing layout directory is
    /// taken as a layout and an existing tar file as the archive that it is.
    ///
    /// # Errors
    /// [`Argument::Location`] for text that is neither this nor a registry reference.
    pub fn locate(&self, text: &str) -> Result<Location> {
        let path = self.cwd.join(text);
        if path.join("oci-layout").is_file() {
            return Ok(Location::Layout { dir: text.into(), tag: None });
        }
        if path.is_file() {
            match archive_kind(&path) {
                Some(Flavour::Oci) => {
                    return Ok(Location::OciArchive { file: text.into(), tag: None });
                }
                Some(Flavour::Docker) => {
                    return Ok(Location::DockerArchive { file: text.into(), tag: None });
                }
                None => {}
            }
        }
        Ok(text.parse().map_err(Argument::Location)?)
    }

    /// Makes a client for registries. `access` is the base image's own login.
    ///
    /// # Errors
    /// If the password or a certificate cannot be read.
    pub fn registry(&self, access: Option<&RegistryAccess>) -> Result<Client> {
        let state_dir = self.cache.join("registry");
        let settings = self.registries.settings(state_dir, access, || self.reporter.password());
        let settings = settings.map_err(Error::io("read", "the password"))?;
        Ok(Client::new(settings, self.runtime.clone())?)
    }

    /// Returns the login of this machine for a repository.
    ///
    /// # Errors
    /// If the password or a file of logins cannot be read.
    pub(crate) fn credentials(&self, reference: &Reference) -> Result<Credentials> {
        Ok(self.credential_store()?.find(reference.registry(), reference.repository())?)
    }

    /// Returns the logins of this run.
    ///
    /// # Errors
    /// If the password cannot be read.
    pub(crate) fn credential_store(&self) -> Result<CredentialStore> {
        let state_dir = self.cache.join("registry");
        let settings = self.registries.settings(state_dir, None, || self.reporter.password());
        Ok(settings.map_err(Error::io("read", "the password"))?.credentials)
    }

    /// Connects to the Docker engine.
    ///
    /// # Errors
    /// If none answers.
    pub fn engine(&self) -> Result<Engine> {
        Ok(self.runtime.block_on(Engine::connect(self.docker_host.as_deref()))?)
    }

    /// Opens an image wherever it is. `access` is the base image's own login.
    ///
    /// # Errors
    /// If it does not exist or cannot be read.
    pub fn open(
        &self,
        location: &Location,
        platform: &Platform,
        access: Option<&RegistryAccess>,
    ) -> Result<Image> {
        self.registries.bind(location);
        let at = |path: &Path| self.cwd.join(path);
        Ok(match location {
            Location::Layout { dir, tag } => {
                Layout::open(at(dir))?.image(tag.as_deref(), platform)?
            }
            Location::OciArchive { file, tag } => {
                open_oci_archive(&at(file), tag.as_deref(), platform, &self.cache)?
            }
            Location::DockerArchive { file, tag } => {
                open_docker_archive(&at(file), tag.as_deref(), platform, &self.cache)?
            }
            Location::Engine { name } => {
                let engine = self.engine()?;
                let image = engine.image(name, &self.cache, platform, &*self.progress);
                self.runtime.block_on(image)?
            }
            Location::Registry(reference) => {
                let client = self.registry(access)?;
                self.runtime.block_on(client.image(reference, platform))?
            }
        })
    }

    /// Writes an image to its destination and returns the reference pinned by digest.
    ///
    /// # Errors
    /// If the destination cannot be reached or written.
    pub fn put(
        &self,
        image: &Image,
        location: &Location,
        access: Option<&RegistryAccess>,
    ) -> Result<PinnedReference> {
        self.registries.bind(location);
        let at = |path: &Path| self.cwd.join(path);
        // The reference contains the path as the user wrote it, so that it can be pasted back.
        let as_written = |pinned: PinnedReference, path: &Path| PinnedReference {
            place: pinned.place.replace(&*at(path).to_string_lossy(), &path.to_string_lossy()),
            ..pinned
        };
        let archive = |file: &Path, tag: &Option<String>, flavour| -> Result<PinnedReference> {
            let written =
                write_archive(image, &at(file), flavour, tag.as_deref(), &*self.progress)?;
            Ok(as_written(written, file))
        };
        let progress = &*self.progress;
        Ok(match location {
            Location::Layout { dir, tag } => {
                as_written(Layout::create(at(dir))?.put(image, tag.as_deref(), progress)?, dir)
            }
            Location::OciArchive { file, tag } => archive(file, tag, Flavour::Oci)?,
            Location::DockerArchive { file, tag } => archive(file, tag, Flavour::Docker)?,
            Location::Engine { name } => {
                let engine = self.engine()?;
                self.runtime.block_on(engine.load(image, name, progress))?
            }
            Location::Registry(reference) => {
                let client = self.registry(access)?;
                self.runtime.block_on(client.push(image, reference, &[], progress))?.pinned
            }
        })
    }
}

/// Returns which archive a tar file is. What newer releases of `docker save` write is both, and
/// is read as a layout.
fn archive_kind(path: &Path) -> Option<Flavour> {
    let mut archive = tar::Archive::new(File::open(path).ok()?);
    let mut kind = None;
    for entry in archive.entries_with_seek().ok()? {
        let entry = entry.ok()?;
        match &*entry.path_bytes() {
            b"oci-layout" | b"./oci-layout" => return Some(Flavour::Oci),
            b"manifest.json" | b"./manifest.json" => kind = Some(Flavour::Docker),
            _ => {}
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(names: &[&str]) -> Option<bool> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.tar");
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        for name in names {
            let mut header = tar::Header::new_ustar();
            header.set_size(2);
            archive.append_data(&mut header, name, &b"{}"[..]).unwrap();
        }
        archive.finish().unwrap();
        archive_kind(&path).map(|kind| matches!(kind, Flavour::Oci))
    }

    #[test]
    fn an_archive_is_known_by_its_members() {
        assert_eq!(kind_of(&["blobs/sha256/a", "oci-layout", "index.json"]), Some(true));
        assert_eq!(kind_of(&["layer/layer.tar", "manifest.json"]), Some(false));
        assert_eq!(kind_of(&["manifest.json", "oci-layout"]), Some(true));
        assert_eq!(kind_of(&["data.csv"]), None);
    }
}
