//! RECORD: every installed file with its hash and size (PyPA, "Recording installed projects").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use mlpack_oci::Digest;

/// Reads the SHA-256 of every file that a wheel's RECORD lists with one.
pub fn read(text: &str) -> Result<BTreeMap<String, Digest>, String> {
    let mut hashes = BTreeMap::new();
    for row in rows(text) {
        let row = row?;
        let (Some(path), Some(hash)) = (row.get(0), row.get(1)) else { continue };
        let Some(encoded) = hash.strip_prefix("sha256=") else { continue };
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded.trim_end_matches('='))
            .map_err(|_| format!("RECORD has a broken hash for `{path}`"))?;
        let hash = <[u8; 32]>::try_from(bytes)
            .map_err(|_| format!("RECORD has a broken hash for `{path}`"))?;
        hashes.insert(path.to_owned(), Digest::from_sha256(hash));
    }
    Ok(hashes)
}

fn rows(text: &str) -> impl Iterator<Item = Result<csv::StringRecord, String>> {
    let reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.into_records().map(|row| row.map_err(|error| format!("cannot parse RECORD: {error}")))
}

/// Removes the rows of some paths; all other rows keep their bytes.
///
/// # Errors
/// The reason why the text is not CSV.
pub fn without(text: &str, gone: impl Fn(&str) -> bool) -> Result<String, String> {
    let rows = rows(text).collect::<Result<Vec<_>, _>>()?;
    let start = |row: &csv::StringRecord| {
        let byte = row.position().map_or(0, csv::Position::byte);
        let byte = usize::try_from(byte).unwrap_or(text.len());
        // The reader ends a row at the first character of a line break.
        let inside = text.get(..byte).is_some_and(|before| before.ends_with('\r'));
        byte + usize::from(inside && text[byte..].starts_with('\n'))
    };
    let ends = rows.iter().skip(1).map(start).chain([text.len()]);
    let mut kept = String::new();
    let mut from = 0;
    for (row, end) in rows.iter().zip(ends) {
        if !row.get(0).is_some_and(&gone) {
            kept.push_str(text.get(from..end).unwrap_or_default());
        }
        from = end;
    }
    Ok(kept)
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

    #[test]
    fn rows_are_removed_and_others_keep_their_bytes() {
        let text = "a/b.py,sha256=x,1\n\"a/b,c.py\",sha256=x,1\r\n../../../bin/tool,,\n";
        let of = |gone: &str| without(text, |path| path == gone).unwrap();
        assert_eq!(of("a/b,c.py"), "a/b.py,sha256=x,1\n../../../bin/tool,,\n");
        assert_eq!(of("a/b.py"), "\"a/b,c.py\",sha256=x,1\r\n../../../bin/tool,,\n");
        assert_eq!(of("none"), text);
    }
}
