//! Values of a deployment configuration without their lines.

use mlpack_documents::Fields;

use crate::Result;

/// Reads text; an empty one counts as not given.
pub(super) fn text(fields: &Fields<'_>, key: &str) -> Result<Option<String>> {
    let text = fields.text(key)?.map(|text| text.value);
    Ok(text.filter(|text| !text.is_empty()))
}

/// Reads text that is required.
pub(super) fn required(fields: &Fields<'_>, key: &str) -> Result<String> {
    text(fields, key)?.ok_or_else(|| fields.missing(key).into())
}

/// Reads a boolean.
pub(super) fn boolean(fields: &Fields<'_>, key: &str) -> Result<Option<bool>> {
    Ok(fields.boolean(key)?.map(|found| found.value))
}

/// Reads a whole number above zero.
pub(super) fn count(fields: &Fields<'_>, key: &str, default: u32) -> Result<u32> {
    Ok(fields.whole(key, 1..=u32::MAX)?.unwrap_or(default))
}
