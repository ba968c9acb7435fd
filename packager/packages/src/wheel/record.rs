//! RECORD: every installed file with its hash and size (PyPA, "Recording installed projects").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use mlpack_oci::Digest;

/// Reads the SHA-256 of every file that a wheel's RECORD lists with one.
pub fn read(text: &str) -> Result<BTreeMap<String, Digest>, String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut hashes = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|error| format!("RECORD cannot be read: {error}"))?;
        let (Some(path), Some(hash)) = (row.get(0), row.get(1)) else { continue };
        let Some(encoded) = hash.strip_prefix("sha256=") else { continue };
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded.trim_end_matches('='))
            .map_err(|_| format!("RECORD has a broken hash for `{path}`"))?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("sha256:{hex}")
            .parse()
            .map_err(|_| format!("RECORD has a broken hash for `{path}`"))?;
        hashes.insert(path.to_owned(), digest);
    }
    Ok(hashes)
}

/// One line of a RECORD to be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Relative to site-packages.
    pub path: String,
    /// Hash and size; RECORD itself has none.
    pub file: Option<(Digest, u64)>,
}

/// Writes a RECORD with sorted lines.
pub fn write(mut rows: Vec<Row>) -> Vec<u8> {
    rows.sort();
    let mut text = Vec::new();
    for row in rows {
        let quoted = if row.path.contains([',', '"', '\n']) {
            format!("\"{}\"", row.path.replace('"', "\"\""))
        } else {
            row.path
        };
        let rest = match row.file {
            Some((digest, size)) => format!(",sha256={},{size}\n", encode(&digest)),
            None => ",,\n".to_owned(),
        };
        text.extend_from_slice(quoted.as_bytes());
        text.extend_from_slice(rest.as_bytes());
    }
    text
}

/// URL-safe base64 without padding, as RECORD wants it.
fn encode(digest: &Digest) -> String {
    let hex = digest.hex();
    let bytes: Vec<u8> = (0..32)
        .filter_map(|index| u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).ok())
        .collect();
    URL_SAFE.encode(bytes).trim_end_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_quoted_and_read_back() {
        let digest = Digest::of(b"x");
        let row = |path: &str, size| Row { path: path.to_owned(), file: Some((digest, size)) };
        let text = write(vec![
            Row { path: "a-1.dist-info/RECORD".to_owned(), file: None },
            row("a/b,c.py", 1),
            row("../../../bin/a", 2),
        ]);
        let text = String::from_utf8(text).unwrap();
        let hash = "sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE";
        assert_eq!(
            text,
            format!("../../../bin/a,{hash},2\na-1.dist-info/RECORD,,\n\"a/b,c.py\",{hash},1\n")
        );
        let expected = [("../../../bin/a".to_owned(), digest), ("a/b,c.py".to_owned(), digest)];
        assert_eq!(read(&text).unwrap(), BTreeMap::from(expected));
        assert_eq!(read("a,sha256=!,1\n").unwrap_err(), "RECORD has a broken hash for `a`");
        assert_eq!(read("a,sha256=AAAA,1\n").unwrap_err(), "RECORD has a broken hash for `a`");
        assert_eq!(read("a,md5=x,1\nb,,\n").unwrap(), BTreeMap::new());
    }
}
