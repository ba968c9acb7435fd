use super::*;
use crate::check::testing::{Case, GOOD_SCRIPT, finding};

/// What is found of a model of these bytes in an environment of these packages.
fn found(name: &str, bytes: &[u8], packages: &[(&str, &str)]) -> Vec<(Severity, String, String)> {
    let case = Case::new(&[("score.py", GOOD_SCRIPT)]);
    std::fs::write(case.root().join(name), bytes).unwrap();
    let modules: Vec<String> = packages
        .iter()
        .map(|(name, _)| format!("{}/__init__.py", name.replace('-', "_")))
        .collect();
    let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
    let case = case.model(&format!("m={name}")).python("3.11.7").packages(packages, &modules);
    let found = case.run(run);
    for one in &found {
        let of_file = finding(ID, one.severity, Some((name, 0)), &one.message, &one.hint);
        assert_eq!(*one, of_file);
    }
    found.into_iter().map(|one| (one.severity, one.message, one.hint)).collect()
}

fn error(message: &str, hint: &str) -> Vec<(Severity, String, String)> {
    vec![(Severity::Error, message.to_owned(), hint.to_owned())]
}

fn warning(message: &str, hint: &str) -> Vec<(Severity, String, String)> {
    vec![(Severity::Warning, message.to_owned(), hint.to_owned())]
}

/// A model whose graph is empty, with an operator set of another domain too.
fn onnx_model(ir: u8, opset: u8) -> Vec<u8> {
    let mut bytes = vec![8, ir, 0x12, 2, b'm', b'e', 0x3a, 3, 0x12, 1, b'g'];
    bytes.extend([0x42, 2, 0x10, opset]);
    bytes.extend(b"\x42\x0e\x0a\x0aai.onnx.ml\x10\x63");
    bytes
}

#[test]
fn an_onnx_model_newer_than_its_runtime() {
    let of =
        |ir, opset, release| found("m.onnx", &onnx_model(ir, opset), &[("onnxruntime", release)]);
    assert_eq!(
        of(9, 19, "1.14.1"),
        error(
            "it uses operator set 19, and onnxruntime 1.14.1 has them up to 18",
            "use onnxruntime 1.15 or newer, or export the model with operator set 18",
        )
    );
    assert_eq!(
        of(10, 15, "1.17.3"),
        error(
            "it is of ONNX format 10, and onnxruntime 1.17.3 reads them up to 9",
            "use onnxruntime 1.18 or newer, or save it with `model.ir_version = 9`",
        )
    );
    assert_eq!(
        of(9, 99, "1.26.0"),
        error(
            "it uses operator set 99, and onnxruntime 1.26.0 has them up to 26",
            "export the model with operator set 26",
        )
    );
    for (opset, release) in [(19, "1.16.3"), (26, "1.26.2"), (99, "1.27.0"), (99, "1.1.0")] {
        assert_eq!(of(6, opset, release), []);
    }
    assert_eq!(
        found("m.onnx", &onnx_model(6, 9), &[]),
        warning(
            "it is a model of ONNX, and no package of the environment reads it",
            "add onnxruntime to the pip list"
        )
    );
    let whole = onnx_model(6, 9);
    assert_eq!(
        found("m.onnx", &whole[..10], &[("onnxruntime", "1.16.3")]),
        error(
            "it is cut short: its graph has 3 bytes, and 2 are left of the file (ONNX)",
            "copy or save the model again"
        )
    );
    for other in [&b"version https://git-lfs"[..], b"", b"\x08", &[0xff; 40]] {
        assert_eq!(found("m.onnx", other, &[]), []);
    }
}

/// The attribute as h5py writes it, of fixed length (version 1) and in the heap.
fn hdf5(release: &str, in_heap: bool) -> Vec<u8> {
    let mut bytes = b"\x89HDF\r\n\x1a\n".to_vec();
    bytes.resize(64, 0);
    let length = u8::try_from(release.len()).unwrap();
    if in_heap {
        bytes.extend([1, 0, 14, 0, 20, 0, 8, 0]);
        bytes.extend(b"keras_version\0\0\0");
        bytes.extend([0x19, 1, 1, 0, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0]);
        bytes.extend([0, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([length, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
        bytes.resize(512, 0);
        bytes.extend(b"GCOL\x01\0\0\0\0\x10\0\0\0\0\0\0");
        bytes.extend(b"\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0abc\0\0\0\0\0");
        bytes.extend(b"\x02\0\0\0\0\0\0\0");
        bytes.extend([length, 0, 0, 0, 0, 0, 0, 0]);
    } else {
        bytes.extend([1, 0, 14, 0, 8, 0, 8, 0]);
        bytes.extend(b"keras_version\0\0\0");
        bytes.extend([0x13, 0, 0, 0, length, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
    bytes.extend(release.as_bytes());
    bytes.resize(bytes.len() + 16, 0);
    bytes
}

#[test]
fn keras_of_another_generation() {
    let cannot = error(
        "Keras 3.4.1 wrote it, and keras 2.15.0 does not know its layers",
        "use keras==3.4.1 (TensorFlow 2.16 or newer), or save the model with keras 2.15.0",
    );
    let tensorflow = [("tensorflow", "2.15.0"), ("keras", "2.15.0")];
    for in_heap in [false, true] {
        assert_eq!(found("m.h5", &hdf5("3.4.1", in_heap), &tensorflow), cannot);
        assert_eq!(found("m.h5", &hdf5("2.2.4", in_heap), &[("tensorflow", "1.13.1")]), []);
        assert_eq!(found("m.h5", &hdf5("no", in_heap), &tensorflow), []);
    }
    assert_eq!(
        found("m.h5", &hdf5("2.2.4", false), &[("keras", "3.4.1")]),
        warning(
            "Keras 2.2.4 wrote it, and keras 3.4.1 may not load it",
            "use tensorflow older than 2.16, or save the model with Keras 3"
        )
    );
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("metadata.json", options).unwrap();
    std::io::Write::write_all(
        &mut archive,
        b"{\"keras_version\": \"3.4.1\", \"date_saved\": \"\"}",
    )
    .unwrap();
    let archive = archive.finish().unwrap().into_inner();
    assert_eq!(found("m.keras", &archive, &tensorflow), cannot);
    assert_eq!(found("m.keras", &archive, &[("keras", "3.6.0")]), []);
    assert_eq!(
        found("m.keras", &archive, &[("tensorflow", "2.8.0")]),
        error(
            "it is an archive of Keras, which tensorflow 2.8.0 does not read",
            "use tensorflow 2.12 or newer, or save the model as HDF5: `model.save(\"model.h5\")`"
        )
    );
}

#[test]
fn xgboost_models_and_releases() {
    let json =
        |version: &str| format!("{{\"learner\": {{}}, \"version\": [{version}]}}").into_bytes();
    let of = |bytes: &[u8], release| found("m.json", bytes, &[("xgboost", release)]);
    assert_eq!(
        of(&json("2,1,1"), "1.5.2"),
        error(
            "it is JSON as XGBoost writes it since 1.6, which xgboost 1.5.2 does not read",
            "use xgboost 1.6 or newer, or save the model with 1.5.2"
        )
    );
    assert_eq!(
        of(&json("1, 3, 0"), "1.2.1"),
        error(
            "it is JSON as XGBoost writes it since 1.3, which xgboost 1.2.1 does not read",
            "use xgboost 1.3 or newer, or save the model with 1.2.1"
        )
    );
    let ubj = b"{L\0\0\0\0\0\0\0\x07learner{}L\0\0\0\0\0\0\0\x07version[#L\0\0\0\0\0\0\0\x03i\x02i\x01i\x01}";
    assert_eq!(of(ubj, "1.6.0"), []);
    assert_eq!(
        of(ubj, "1.5.2"),
        error(
            "it is Universal Binary JSON, which xgboost 1.5.2 does not read",
            "use xgboost 1.6 or newer, or save the model with 1.5.2"
        )
    );
    assert_eq!(of(b"binf\0\0\0\x3f", "3.0.5"), []);
    assert_eq!(
        of(b"binf\0\0\0\x3f", "3.1.0"),
        error(
            "it is of XGBoost's binary format, which xgboost 3.1.0 does not read",
            "use xgboost older than 3.1, or load it there and save it as `model.json`"
        )
    );
    for good in [&json("2,1,1")[..], b"{\"learner\": {}}", b"{\"learner\":1}", b"{}"] {
        assert_eq!(of(good, "1.6.0"), []);
    }
}

#[test]
fn a_tensor_file_that_is_cut_short() {
    let header = b"{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    let mut whole = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    whole.extend(header);
    whole.extend([0; 8]);
    let of = |bytes: &[u8]| found("m.safetensors", bytes, &[("safetensors", "0.4.5")]);
    assert_eq!(of(&whole), []);
    assert_eq!(
        of(&whole[..whole.len() - 3]),
        error(
            "it is cut short: its tensors have 8 bytes, and 5 are left of the file (safetensors)",
            "copy or save the model again"
        )
    );
    assert_eq!(
        of(&whole[..20]),
        error(
            "it is cut short: its header has 85 bytes, and 12 are left of the file (safetensors)",
            "copy or save the model again"
        )
    );
    assert_eq!(
        found("m.txt", b"tree\nversion=v4\n", &[]),
        warning(
            "it is a model of LightGBM, and no package of the environment reads it",
            "add lightgbm to the pip list"
        )
    );
}
