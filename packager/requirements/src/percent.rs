//! Escapes in addresses.

/// Returns a part of an address without its escapes: file names in addresses escape `+` and the like.
pub fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_read() {
        assert_eq!(percent_decode("torch-1.0%2Bcpu-x.whl%"), "torch-1.0+cpu-x.whl%");
    }
}
