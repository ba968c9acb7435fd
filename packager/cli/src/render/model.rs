//! Registered models as text and JSON, with the keys that `az ml model show` prints (docs/azureml-2019.md#1.2).

use mlpack_models::ModelRecord;
use serde_json::{Value, json};

use super::{age, labels};
use crate::output;

/// Returns the record with its id.
pub(crate) fn model_value(record: &ModelRecord) -> Value {
    let mut value = json!({ "id": record.id() });
    if let (Some(all), Value::Object(fields)) = (value.as_object_mut(), json!(record)) {
        all.extend(fields);
    }
    value
}

/// One model, a line per field.
pub(crate) fn model(record: &ModelRecord) -> String {
    let resources = &record.resource_requirements;
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let framework = record.framework.as_ref().map(|framework| match &record.framework_version {
        Some(version) => format!("{framework} {version}"),
        None => framework.clone(),
    });
    let rows = [
        ("id", Some(record.id())),
        ("file", Some(format!("{} ({})", record.entry, output::size(record.size)))),
        ("created", Some(record.created_time.clone())),
        ("description", record.description.clone()),
        ("framework", framework),
        ("tags", labels(&record.tags)),
        ("properties", labels(&record.properties)),
        ("experiment", record.experiment_name.clone()),
        ("run", record.run_id.clone()),
        ("cpu", number(resources.cpu)),
        ("memory in GB", number(resources.memory_in_gb)),
        ("gpu", resources.gpu.map(|value| value.to_string())),
        ("sample input", record.sample_input_dataset_id.clone()),
        ("sample output", record.sample_output_dataset_id.clone()),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    output::table(&[], rows.map(|(name, value)| vec![name.to_owned(), value]))
}

/// Models, a row each, with their ages at `now`.
pub(crate) fn models(records: &[ModelRecord], now: &str) -> String {
    let rows = records.iter().map(|record| {
        vec![
            record.name.clone(),
            record.version.to_string(),
            output::size(record.size),
            age(&record.created_time, now),
            record.framework.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    output::table(&["NAME", "VERSION", "SIZE", "CREATED", "FRAMEWORK"], rows)
}
