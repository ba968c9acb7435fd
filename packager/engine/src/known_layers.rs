//! Which layers the engine has already, so that they are not sent.

use std::collections::HashSet;

use mlpack_oci::{DiffId, Digest, Image};

/// Returns how many layers from the bottom up the engine has for certain: it identifies a layer by the
/// chain of diff ids below it (image-spec config.md, "Layer ChainID"), so only a common prefix counts.
pub(crate) fn common_prefix(image: &Image, known: &[Vec<DiffId>]) -> usize {
    let ours: Vec<DiffId> = image.layers.iter().map(|layer| layer.diff_id).collect();
    known.iter().map(|theirs| shared(&ours, theirs)).max().unwrap_or(0)
}

fn shared(ours: &[DiffId], theirs: &[DiffId]) -> usize {
    ours.iter().zip(theirs).take_while(|(our, their)| our == their).count()
}

/// Returns the blobs of the layers from `first` on, including one that a lower layer has too.
pub(crate) fn blobs_from(image: &Image, first: usize) -> HashSet<Digest> {
    image.layers.iter().skip(first).map(|layer| layer.digest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_common_prefix_counts() {
        let id = |text: &str| DiffId(Digest::of(text.as_bytes()));
        let ours = [id("a"), id("b"), id("c")];
        assert_eq!(shared(&ours, &[id("a"), id("b"), id("x")]), 2);
        assert_eq!(shared(&ours, &[id("b"), id("c")]), 0);
        assert_eq!(shared(&ours, &[id("a"), id("b"), id("c"), id("d")]), 3);
        assert_eq!(shared(&ours, &[]), 0);
    }
}
