//! Conda packages made here, with the same bytes on every machine: a `.conda` archive whose frames
//! store and do not compress.

use std::io::Write as _;

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::layout::sha256;

/// The prefix that an installer replaces.
pub(crate) const PLACEHOLDER: &str =
    "/opt/mlpack-test/_h_env_placehold_placehold_placehold_placehold";

/// A package of files that are texts, with what it says of itself.
pub(crate) struct CondaPackage<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) build: &'a str,
    pub(crate) depends: &'a [&'a str],
    /// Path, mode and text, sorted by path; a mode of 0 is a symbolic link to the text.
    pub(crate) files: &'a [(&'a str, u32, &'a str)],
}

impl CondaPackage<'_> {
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}-{}.conda", self.name, self.version, self.build)
    }

    /// The archive.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let stem = format!("{}-{}-{}", self.name, self.version, self.build);
        let index = json!({
            "name": self.name, "version": self.version, "build": self.build, "build_number": 0,
            "depends": self.depends, "subdir": "linux-64", "arch": "x86_64", "platform": "linux",
            "timestamp": 1_575_158_400_000_u64,
        });
        let paths: Vec<_> = self.files.iter().map(|file| self.path_entry(file)).collect();
        let paths = json!({ "paths": paths, "paths_version": 1 });
        let info = [
            ("info/index.json", 0o644, index.to_string()),
            ("info/paths.json", 0o644, paths.to_string()),
        ];
        let info: Vec<_> =
            info.iter().map(|(path, mode, text)| (*path, *mode, &text[..])).collect();
        let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .last_modified_time(zip::DateTime::DEFAULT)
            .compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in [
            ("metadata.json".to_owned(), br#"{"conda_pkg_format_version": 2}"#.to_vec()),
            (format!("pkg-{stem}.tar.zst"), frame(&tar(self.files))),
            (format!("info-{stem}.tar.zst"), frame(&tar(&info))),
        ] {
            archive.start_file(name, options).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn path_entry(&self, &(path, mode, text): &(&str, u32, &str)) -> serde_json::Value {
        // A link's facts are those of the file it leads to, beside it.
        let beside =
            path.rsplit_once('/').map_or(text.to_owned(), |(dir, _)| format!("{dir}/{text}"));
        let target = self.files.iter().find(|file| mode == 0 && file.0 == beside);
        let text = target.map_or(text, |file| file.2);
        let hash = sha256(text.as_bytes());
        let kind = if mode == 0 { "softlink" } else { "hardlink" };
        let mut entry = json!({
            "_path": path, "path_type": kind, "sha256": hash.strip_prefix("sha256:").unwrap(),
            "size_in_bytes": text.len(),
        });
        if mode != 0 && text.contains(PLACEHOLDER) {
            entry["file_mode"] = if text.contains('\0') { "binary" } else { "text" }.into();
            entry["prefix_placeholder"] = PLACEHOLDER.into();
        }
        entry
    }
}

fn tar(files: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for &(path, mode, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(1_575_158_400);
        if mode == 0 {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            tar.append_link(&mut header, path, text).unwrap();
        } else {
            header.set_mode(mode);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

/// One Zstandard frame of raw blocks (RFC 8878, section 3.1.1).
fn frame(content: &[u8]) -> Vec<u8> {
    // An eight byte size follows the window of 2^17 bytes; no checksum.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x38];
    frame.extend((content.len() as u64).to_le_bytes());
    let mut blocks = content.chunks(128 << 10).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let header = last | u32::try_from(block.len()).unwrap() << 3;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}
