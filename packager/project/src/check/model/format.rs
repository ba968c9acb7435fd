//! Model files that are no pickles, against the release that is to read them: ONNX, Keras, XGBoost,
//! LightGBM, safetensors. What certainly fails is an error, also where the file ends too early.

use mlpack_install::Modules;

use crate::analysis::model_format::{Encoding, ModelFormat, Onnx};
use crate::check::bounds::Release;
use crate::check::resolved::Resolved;
use crate::check::{Finding, Needs, Severity, Subject};
use crate::project::PackedKind;

pub(crate) const ID: &str = "model.format";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// The first release of ONNX Runtime with each newest operator set and version of the format. Measured:
/// every release from 1.2 to 1.26 was given models with each (1.15 lacks some operators of 19).
const ONNX_RUNTIME: &[(&str, u64, u64)] = &[
    ("1.2", 11, 6),
    ("1.3", 12, 7),
    ("1.6", 13, 7),
    ("1.8", 14, 7),
    ("1.9", 15, 8),
    ("1.11", 16, 8),
    ("1.12", 17, 8),
    ("1.14", 18, 8),
    ("1.15", 19, 9),
    ("1.17", 20, 9),
    ("1.18", 21, 10),
    ("1.21", 22, 10),
    ("1.23", 23, 11),
    ("1.24", 25, 13),
    ("1.25", 26, 13),
];
/// Of later releases nothing is known.
const NEWEST_ONNX_RUNTIME: &str = "1.26";
const ONNX_RUNTIMES: [&str; 4] =
    ["onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"];

/// What is wrong with a file, and what to do.
type Fault = (Severity, String, String);

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = &subject.resolved else { return Vec::new() };
    let modules = resolved.modules();
    let mut found = Vec::new();
    for file in subject.project.models.iter().flat_map(|model| &model.files) {
        if !matches!(file.kind, PackedKind::File { .. }) {
            continue;
        }
        // A registered model's files are in its layer. A file that cannot be read is reported when it is packaged.
        let Ok(Some(format)) = ModelFormat::read(&file.host) else { continue };
        if let Some((severity, message, hint)) = fault(resolved, &modules, &format) {
            let doubtful = severity == Severity::Warning;
            found.push(Finding::unless(doubtful, ID, message, hint).at(&file.host, 0));
        }
    }
    found
}

fn fault(resolved: &Resolved<'_>, modules: &Modules, format: &ModelFormat) -> Option<Fault> {
    // Several libraries read one format, so a missing one may be meant.
    let unread = |what: &str, readers: &[&str], package: &str| -> Option<Fault> {
        let there = readers.iter().any(|module| modules.has(module));
        let message =
            format!("it is a model of {what}, and no package of the environment reads it");
        let hint = format!("add {package} to the pip list");
        (!there).then_some((Severity::Warning, message, hint))
    };
    match format {
        ModelFormat::CutShort(what, reason) => Some((
            Severity::Error,
            format!("it is cut short: {reason} ({what})"),
            "copy or save the model again".to_owned(),
        )),
        ModelFormat::Onnx(model) => onnx(resolved, model).or_else(|| {
            let readers = ["onnxruntime", "onnx", "openvino", "tensorrt", "cv2", "mxnet", "caffe2"];
            unread("ONNX", &readers, "onnxruntime")
        }),
        ModelFormat::KerasArchive(wrote) => keras_archive(resolved)
            .or_else(|| keras(resolved, wrote.as_deref()?))
            .or_else(|| unread("Keras", &["keras", "tensorflow"], "tensorflow")),
        ModelFormat::KerasHdf5(wrote) => keras(resolved, wrote)
            .or_else(|| unread("Keras", &["keras", "tensorflow"], "tensorflow")),
        ModelFormat::XgBoost(encoding, wrote) => xgboost(resolved, *encoding, *wrote)
            .or_else(|| unread("XGBoost", &["xgboost", "daal4py", "treelite"], "xgboost")),
        ModelFormat::LightGbm => {
            unread("LightGBM", &["lightgbm", "daal4py", "treelite"], "lightgbm")
        }
        ModelFormat::SafeTensors => unread("safetensors", &["safetensors", "vllm"], "safetensors"),
    }
}

/// A runtime refuses operators and formats from after its release (ONNX Runtime, "Compatibility").
fn onnx(resolved: &Resolved<'_>, model: &Onnx) -> Option<Fault> {
    let (name, there) =
        ONNX_RUNTIMES.iter().find_map(|name| Some((*name, resolved.release(name)?)))?;
    let release = Release::parse(there)?;
    let minor = |text: &str| Release::parse(text).map(Release::next_prefix);
    if Some(&release) >= minor(NEWEST_ONNX_RUNTIME).as_ref() {
        return None;
    }
    let has =
        |(first, ..): &&(&str, u64, u64)| Release::parse(first).is_some_and(|of| of <= release);
    let (_, opset, ir) = ONNX_RUNTIME.iter().rev().find(has)?;
    let fitting = ONNX_RUNTIME.iter().find(|(_, of, ir)| *of >= model.opset && *ir >= model.ir);
    let newer = fitting.map(|(first, ..)| format!("use {name} {first} or newer, or "));
    let newer = newer.unwrap_or_default();
    if model.opset > *opset {
        return Some((
            Severity::Error,
            format!(
                "it uses operator set {}, and {name} {there} has them up to {opset}",
                model.opset
            ),
            format!("{newer}export the model with operator set {opset}"),
        ));
    }
    (model.ir > *ir).then(|| {
        (
            Severity::Error,
            format!("it is of ONNX format {}, and {name} {there} reads them up to {ir}", model.ir),
            format!("{newer}save it with `model.ir_version = {ir}`"),
        )
    })
}

/// The archive came with Keras 2.12.
fn keras_archive(resolved: &Resolved<'_>) -> Option<Fault> {
    let package = ["keras", "tensorflow", "tensorflow-cpu"];
    let (name, there) = package.iter().find_map(|name| Some((*name, resolved.release(name)?)))?;
    let old = Release::parse(there)? < Release::parse("2.12")?;
    old.then(|| {
        (
            Severity::Error,
            format!("it is an archive of Keras, which {name} {there} does not read"),
            format!(
                "use {name} 2.12 or newer, or save the model as HDF5: `model.save(\"model.h5\")`"
            ),
        )
    })
}

/// Keras 3 and 2 write their layers differently.
fn keras(resolved: &Resolved<'_>, wrote: &str) -> Option<Fault> {
    let (there, of_three) = match resolved.release("keras") {
        Some(release) => {
            (format!("keras {release}"), Release::parse(release)? >= Release::parse("3")?)
        }
        None => {
            // The releases that contain Keras or require a Keras of their own.
            let names = ["tensorflow", "tensorflow-cpu", "tensorflow-gpu"];
            let (name, release) =
                names.iter().find_map(|name| Some((*name, resolved.release(name)?)))?;
            (format!("{name} {release}"), Release::parse(release)? >= Release::parse("2.16")?)
        }
    };
    let by_three = Release::parse(wrote)? >= Release::parse("3")?;
    match (by_three, of_three) {
        (true, false) => Some((
            Severity::Error,
            format!("Keras {wrote} wrote it, and {there} does not know its layers"),
            format!(
                "use keras=={wrote} (TensorFlow 2.16 or newer), or save the model with {there}"
            ),
        )),
        (false, true) => Some((
            Severity::Warning,
            format!("Keras {wrote} wrote it, and {there} may not load it"),
            "use tensorflow older than 2.16, or save the model with Keras 3".to_owned(),
        )),
        _ => None,
    }
}

/// Measured with releases 0.90 to 3.2: JSON is read by releases that are not older than its last change,
/// Universal Binary JSON from 1.6 on, the binary format before 3.1.
fn xgboost(resolved: &Resolved<'_>, encoding: Encoding, wrote: Option<[u32; 3]>) -> Option<Fault> {
    let there = resolved.release("xgboost")?;
    let release = Release::parse(there)?;
    let (what, first) = match (encoding, wrote) {
        (Encoding::Binary, _) => {
            let removed = release >= Release::parse("3.1")?;
            return removed.then(|| {
                (
                    Severity::Error,
                    format!(
                        "it is of XGBoost's binary format, which xgboost {there} does not read"
                    ),
                    "use xgboost older than 3.1, or load it there and save it as `model.json`"
                        .to_owned(),
                )
            });
        }
        (Encoding::UniversalBinaryJson, _) => ("Universal Binary JSON", "1.6"),
        (Encoding::Json, Some([major, minor, _])) if (major, minor) >= (1, 6) => {
            ("JSON as XGBoost writes it since 1.6", "1.6")
        }
        (Encoding::Json, Some([major, minor, _])) if (major, minor) >= (1, 3) => {
            ("JSON as XGBoost writes it since 1.3", "1.3")
        }
        (Encoding::Json, _) => ("JSON", "1.0"),
    };
    (release < Release::parse(first)?).then(|| {
        (
            Severity::Error,
            format!("it is {what}, which xgboost {there} does not read"),
            format!("use xgboost {first} or newer, or save the model with {there}"),
        )
    })
}

#[cfg(test)]
mod tests;
