//! The known word that a misspelled one probably means.

/// Jaro-Winkler similarity from which a word counts as misspelled: `dependancies` is, `--no-deps`
/// for `--no-index` is not.
const SIMILAR: f64 = 0.85;

/// Returns the known word that is spelled most like `word`, whatever its case, if one is similar.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_words_find_the_nearest() {
        let known = ["dependencies", "channels", "autoscaleEnabled", "port"];
        for (word, found) in [
            ("dependancies", Some("dependencies")),
            ("Channel", Some("channels")),
            ("autoScaleEnabled", Some("autoscaleEnabled")),
            ("prot", Some("port")),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), found, "{word}");
        }
    }
}
