//! The front door of images: the embedded one, or that of a folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mlpack_oci::layer::Content;
use mlpack_project::image::FrontDoor;

use super::variable;
use crate::failure::{Failure, Result};

/// Architectures as OCI names them.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Returns the front door of `MLPACK_FRONT_DOOR`, a folder with `mlpack-serve-ARCHITECTURE` and `worker/`, else the
/// embedded one.
pub(crate) fn front_door(cwd: &Path) -> Result<FrontDoor> {
    match variable("MLPACK_FRONT_DOOR") {
        Some(folder) => of_folder(&cwd.join(folder)),
        None => Ok(embedded()),
    }
}

fn embedded() -> FrontDoor {
    let content = |bytes: &'static [u8]| {
        (bytes.len() as u64, Content::Stream(Arc::new(move || Ok(Box::new(bytes)))))
    };
    let mut door = FrontDoor::default();
    for architecture in ARCHITECTURES {
        if let Some(binary) = mlpack_serve_binary::binary_for(architecture) {
            let (size, content) = content(binary);
            door = door.with_binary(architecture, size, content);
        }
    }
    for (name, bytes) in mlpack_serve_binary::worker_files() {
        let (size, content) = content(bytes);
        door = door.with_worker_file(name, size, content);
    }
    door
}

fn of_folder(folder: &Path) -> Result<FrontDoor> {
    let mut door = FrontDoor::default();
    for architecture in ARCHITECTURES {
        let path = folder.join(format!("mlpack-serve-{architecture}"));
        if path.is_file() {
            door = door.with_binary(architecture, size(&path)?, Content::File(path));
        }
    }
    let worker = folder.join("worker");
    let package = worker.join("_mlpack_worker");
    for (prefix, folder) in [("", &worker), ("_mlpack_worker/", &package)] {
        let read = || Failure::io("read", folder.display());
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(read())? {
            paths.push(entry.map_err(read())?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(".py") {
                let (name, size) = (format!("{prefix}{name}"), size(&path)?);
                door = door.with_worker_file(&name, size, Content::File(path));
            }
        }
    }
    Ok(door)
}

fn size(path: &Path) -> Result<u64> {
    fs::metadata(path).map(|found| found.len()).map_err(Failure::io("read", path.display()))
}
