//! The data of a request.

use std::io::Read as _;
use std::path::Path;

use crate::failure::{Failure, Result};

/// Returns the text itself, a file after `@`, or standard input for `-`.
pub(crate) fn data(cwd: &Path, text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("read", "standard input"))?;
        return Ok(bytes);
    }
    match text.strip_prefix('@') {
        Some(path) => {
            let path = cwd.join(path);
            std::fs::read(&path).map_err(Failure::io("read", path.display()))
        }
        None => Ok(text.as_bytes().to_vec()),
    }
}
