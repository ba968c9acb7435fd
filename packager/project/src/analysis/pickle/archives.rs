//! Models in zip archives: PyTorch's (`torch.save` since 1.6) and skops'.

use std::fs::File;
use std::io::{self, BufReader, Read};

use serde_json::Value;
use zip::ZipArchive;

use super::{HEAD, Pickle};

/// Classes that a TorchScript archive has the code of.
const OWN_CODE: &str = "__torch__";

/// Reads an archive; nothing if it is of neither kind.
///
/// # Errors
/// The system's. An archive that is damaged is none.
pub(super) fn read(file: File) -> io::Result<Option<Pickle>> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(None) };
    let names: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    // `NAME/data.pkl`; NAME is that of the file when it was saved.
    let data =
        |name: &&String| name.split_once('/').map_or(name.as_str(), |(_, rest)| rest) == "data.pkl";
    if let Some(name) = names.iter().find(data) {
        let Ok(member) = archive.by_name(name) else { return Ok(None) };
        let mut found = Pickle::several(member.take(HEAD));
        if let Some(found) = &mut found {
            found.modules.retain(|module| !module.starts_with(OWN_CODE));
        }
        return Ok(found);
    }
    if !names.iter().any(|name| name == "schema.json") {
        return Ok(None);
    }
    let mut text = Vec::new();
    let Ok(member) = archive.by_name("schema.json") else { return Ok(None) };
    member.take(HEAD).read_to_end(&mut text)?;
    let Ok(schema) = serde_json::from_slice::<Value>(&text) else { return Ok(None) };
    let mut found = Pickle::default();
    walk(&schema, &mut found);
    Ok((!found.modules.is_empty()).then_some(found))
}

/// Collects the modules of a schema of skops, and the version of scikit-learn (skops, "Persistence").
/// The parser bounds the depth.
fn walk(value: &Value, found: &mut Pickle) {
    match value {
        Value::Object(fields) => {
            if let Some(module) = fields.get("__module__").and_then(Value::as_str) {
                found.modules.insert(module.to_owned());
            }
            let version = fields.get("_sklearn_version").and_then(|value| value.get("content"));
            if let Some(version) = version.and_then(Value::as_str) {
                found.scikit_learn = Some(version.trim_matches('"').to_owned());
            }
            fields.values().for_each(|value| walk(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
        _ => {}
    }
}
