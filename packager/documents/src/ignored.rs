//! Keys without effect.

use crate::error::{Place, Result};
use crate::{Fields, nearest};

/// A key that is not known and has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Where it is.
    pub place: Place,
    /// The key.
    pub key: String,
}

impl Fields<'_> {
    /// Returns the keys that are not among `known`, as the Azure CLI ignores them. Those without a value are left out;
    /// `harmless` ones are never refused.
    ///
    /// # Errors
    /// [`crate::Error::UnknownKey`] where ignoring a key would change what is done: it is among `elsewhere`, keys that mean
    /// something in another place, or most likely a known one misspelled.
    pub fn ignored(
        &self,
        known: &[&'static str],
        elsewhere: &[&str],
        harmless: &[&str],
    ) -> Result<Vec<Ignored>> {
        let unknown = self.entries().iter().filter(|entry| !known.contains(&&*entry.key));
        unknown
            .filter(|entry| entry.is_given())
            .map(|entry| {
                let key = &*entry.key;
                let is_meant =
                    elsewhere.contains(&key) || nearest(key, known.iter().copied()).is_some();
                if is_meant && !harmless.contains(&key) {
                    return Err(self.unknown(entry, known));
                }
                Ok(Ignored { place: self.place(entry.at), key: key.to_owned() })
            })
            .collect()
    }
}
