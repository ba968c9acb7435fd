//! What is kept of the contents of a layer.

use std::io::{self, Read};

/// What to keep of a file's content while a layer is read.
pub enum CaptureRule {
    /// Nothing.
    Nothing,
    /// All of it, if it is at most so many bytes long.
    Whole(u64),
    /// The first text that the function finds in a window of the content; windows overlap by
    /// 512 bytes.
    Find(Finder),
}

/// Finds a text in a window of a file's content.
pub type Finder = Box<dyn Fn(&[u8]) -> Option<String>>;

/// By how many bytes the windows of [`CaptureRule::Find`] overlap.
const OVERLAP: usize = 512;

/// Returns what the rule keeps of a content of so many bytes.
pub(super) fn capture(
    content: &mut impl Read,
    size: u64,
    rule: &CaptureRule,
) -> io::Result<Option<String>> {
    match rule {
        CaptureRule::Whole(limit) if size <= *limit => {
            let mut bytes = Vec::new();
            // Of a sparse file, more may be stored.
            content.take(*limit).read_to_end(&mut bytes)?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        CaptureRule::Find(find) => {
            let mut window = Vec::new();
            loop {
                let n = content.by_ref().take(256 << 10).read_to_end(&mut window)?;
                if let Some(text) = find(&window) {
                    return Ok(Some(text));
                }
                if n == 0 {
                    return Ok(None);
                }
                window.drain(..window.len().saturating_sub(OVERLAP));
            }
        }
        _ => Ok(None),
    }
}
