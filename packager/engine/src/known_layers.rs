//! Which layers the engine has already, so that they need not travel.

use std::collections::HashSet;

use mlpack_oci::{DiffId, Digest, Image};

/// How many layers from the bottom up the engine is sure to have: it keeps a layer by the chain of
/// diff ids below it (image-spec config.md, "Layer ChainID"), so only a common beginning counts.
pub(crate) fn common_beginning(image: &Image, known: &[Vec<DiffId>]) -> usize {
    let ours: Vec<DiffId> = image.layers.iter().map(|layer| layer.diff_id).collect();
    known.iter().map(|theirs| shared(&ours, theirs)).max().unwrap_or(0)
}

fn shared(ours: &[DiffId], theirs: &[DiffId]) -> usize {
    ours.iter().zip(theirs).take_while(|(our, their)| our == their).count()
}

/// The blobs of the layers from `first` on. A blob below that lies above it once more is wanted.
pub(crate) fn wanted_from(image: &Image, first: usize) -> HashSet<Digest> {
    image.layers.iter().skip(first).map(|layer| layer.digest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_common_beginning_counts() {
        let id = |text: &str| DiffId(Digest::of(text.as_bytes()));
        let ours = [id("a"), id("b"), id("c")];
        assert_eq!(shared(&ours, &[id("a"), id("b"), id("x")]), 2);
        assert_eq!(shared(&ours, &[id("b"), id("c")]), 0);
        assert_eq!(shared(&ours, &[id("a"), id("b"), id("c"), id("d")]), 3);
        assert_eq!(shared(&ours, &[]), 0);
    }
}
