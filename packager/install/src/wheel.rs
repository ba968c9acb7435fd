//! The files of one wheel in an environment (PyPA, "Binary distribution format").

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;

use mlpack_oci::layer::Node;

use crate::Result;
use crate::options::InstallOptions;
use crate::prune::Pruned;
use crate::scripts;
use mlpack_packages::FileEntry;
use mlpack_packages::wheel::archive::{StoredWheel, WheelFile};
use mlpack_packages::wheel::record;
use mlpack_packages::wheel::record::Row;
use mlpack_requirements::{PipLine, normalize_name};
use pep440_rs::Version;

/// Where things go in the environment; paths are relative to its prefix.
pub(crate) struct Layout<'a> {
    /// Of the environment, absolute.
    pub(crate) prefix: &'a str,
    /// Absolute, for scripts.
    pub(crate) python: String,
    pub(crate) site: String,
    pub(crate) headers: String,
}

/// What a wheel puts into an environment.
pub(crate) struct WheelFiles {
    /// By path below the prefix.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// What was left out.
    pub(crate) pruned: Vec<Pruned>,
}

impl Layout<'_> {
    /// The files of one wheel by path, its RECORD among them.
    pub(crate) fn package(
        &self,
        stored: &StoredWheel,
        options: &InstallOptions<'_>,
    ) -> Result<WheelFiles> {
        let wheel = Arc::new(WheelFile::open(&stored.path)?);
        let info = wheel.dist_info()?;
        check_format(&wheel, &info)?;
        check_identity(&wheel, &info, stored)?;
        let record_path = format!("{info}/RECORD");
        let hashes =
            record::read(&wheel.text(&record_path)?).map_err(|reason| wheel.bad(reason))?;
        let data = format!("{}.data/", info.trim_end_matches(".dist-info"));
        let mut files = BTreeMap::new();
        for (path, member) in wheel.members() {
            if is_replaced(path, &info) {
                continue;
            }
            let digest = match hashes.get(path) {
                Some(digest) => *digest,
                None => wheel.digest(path)?,
            };
            let (place, script) = match path.strip_prefix(&data) {
                Some(rest) => self
                    .scheme(rest, &stored.name)
                    .ok_or_else(|| wheel.bad(format!("`{path}` is in an unknown scheme")))?,
                None => (format!("{}/{path}", self.site), false),
            };
            let rewritten = match script {
                true => scripts::rewrite(&wheel.bytes(path)?, &self.python),
                false => None,
            };
            let file = match rewritten {
                Some(bytes) => FileEntry::bytes(bytes, true),
                None => {
                    let executable = member.executable || script;
                    let content = Arc::clone(&wheel).content(path, *member, digest);
                    let node = Node::File { executable, size: member.size, content };
                    FileEntry { digest, node }
                }
            };
            files.insert(place, file);
        }
        let points = format!("{info}/entry_points.txt");
        if wheel.members().contains_key(&points) {
            let points =
                scripts::entry_points(&wheel.text(&points)?).map_err(|reason| wheel.bad(reason))?;
            for point in points {
                files.insert(
                    format!("bin/{}", point.name),
                    FileEntry::bytes(point.script(&self.python), true),
                );
            }
        }
        files.insert(
            format!("{}/{info}/INSTALLER", self.site),
            FileEntry::bytes(b"mlpack\n".to_vec(), false),
        );
        let changed = options.apply(&stored.name, &stored.sha256, self.prefix, &mut files)?;
        // As pip does, bytecode is listed without a hash.
        let mut rows: Vec<Row> = files
            .iter()
            .map(|(path, file)| Row {
                path: self.record_path(path),
                file: (!changed.compiled.contains(path)).then(|| (file.digest, file.size())),
            })
            .collect();
        rows.push(Row { path: record_path.clone(), file: None });
        files.insert(
            format!("{}/{record_path}", self.site),
            FileEntry::bytes(record::write(rows), false),
        );
        Ok(WheelFiles { files, pruned: changed.pruned })
    }

    /// Where a file of `*.data` goes, and whether it is a script (PyPA, "Binary distribution
    /// format", "Installed, the .data directory").
    fn scheme(&self, path: &str, package: &str) -> Option<(String, bool)> {
        let (scheme, rest) = path.split_once('/')?;
        match scheme {
            "purelib" | "platlib" => Some((format!("{}/{rest}", self.site), false)),
            "headers" => Some((format!("{}/{package}/{rest}", self.headers), false)),
            "scripts" => Some((format!("bin/{rest}"), true)),
            "data" => Some((rest.to_owned(), false)),
            _ => None,
        }
    }

    /// A path as RECORD writes it, relative to site-packages.
    fn record_path(&self, path: &str) -> String {
        match path.strip_prefix(&self.site).and_then(|rest| rest.strip_prefix('/')) {
            Some(inside) => inside.to_owned(),
            None => format!("{}{path}", "../".repeat(self.site.split('/').count())),
        }
    }
}

/// Whether a file of `*.dist-info` is not installed: the installer writes its own, or signatures no
/// longer match.
fn is_replaced(path: &str, info: &str) -> bool {
    let name = path.strip_prefix(info).and_then(|rest| rest.strip_prefix('/'));
    matches!(
        name,
        Some(
            "RECORD" | "RECORD.jws" | "RECORD.p7s" | "INSTALLER" | "REQUESTED" | "direct_url.json"
        )
    )
}

/// The packages that a wheel's metadata asks for, under whatever condition.
pub(crate) fn requirements(wheel: &StoredWheel) -> Result<BTreeSet<String>> {
    let metadata = WheelFile::open(&wheel.path)?.metadata()?;
    let head = metadata.split("\n\n").next().unwrap_or(&metadata);
    let lines = head.lines().filter_map(|line| line.strip_prefix("Requires-Dist:"));
    let parsed = lines.filter_map(|line| PipLine::parse(line, 0).ok());
    Ok(parsed.filter_map(|line| line.name().map(str::to_owned)).collect())
}

/// A wheel may be of the package and release only that its file name, the index and the lock say: what
/// pip and uv refuse too.
fn check_identity(wheel: &WheelFile, info: &str, stored: &StoredWheel) -> Result<()> {
    let StoredWheel { name, version, .. } = stored;
    let same_version = |found: &str| match (Version::from_str(found), Version::from_str(version)) {
        // The index may leave out the local part, as `+cpu`.
        (Ok(found), Ok(version)) => {
            found == version || found.only_release() == version.only_release()
        }
        _ => found == version,
    };
    let is_it = |found: &str, of: &str| normalize_name(found) == *name && same_version(of);
    let refused = |what: &str| Err(wheel.bad(format!("{what} is not of {name} {version}")).into());
    let folder = info.trim_end_matches(".dist-info");
    // Old tools left hyphens in the name.
    let mut splits = folder.match_indices('-').map(|(at, _)| (&folder[..at], &folder[at + 1..]));
    if !splits.any(|(found, of)| is_it(found, of)) {
        return refused(&format!("`{info}`"));
    }
    let metadata = wheel.metadata()?;
    let head = metadata.split("\n\n").next().unwrap_or(&metadata);
    let field = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    match (field("Name"), field("Version")) {
        (Some(found), of) if !is_it(found, of.unwrap_or(version)) => {
            refused(&format!("METADATA, of {found} {},", of.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

/// Wheels of a later major format would be installed wrongly (PyPA, "Installing a wheel", step 1).
fn check_format(wheel: &WheelFile, info: &str) -> Result<()> {
    let text = wheel.text(&format!("{info}/WHEEL"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).map(str::trim);
    match version {
        Some(version) if version.split('.').next() == Some("1") => Ok(()),
        Some(version) => {
            Err(wheel.bad(format!("format {version} is newer than the supported 1.x")).into())
        }
        None => Err(wheel.bad("its WHEEL file has no Wheel-Version".to_owned()).into()),
    }
}
