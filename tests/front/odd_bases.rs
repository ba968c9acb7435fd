//! Base images as other tools make them: what they have is found, and is in the new image as it was.

use std::fs;
use std::io::Read as _;

use serde_json::Value;
use snapbox::str;
use tar::EntryType;

use super::bad_inputs::arguments;
use crate::kit::{TestContext, add_layer, blob_path, copy_base, edit, image};
use crate::need;

/// A layer of entries: path, type, and content or target.
fn layer(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        if kind.is_hard_link() {
            header.set_size(0);
            tar.append_link(&mut header, path, content).unwrap();
        } else {
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

/// Trees without duplicates keep a file under its digest, and its name is a hard link of that (ostree).
#[test]
fn facts_are_read_through_hard_links() {
    let context = TestContext::bare().own_cache();
    let layout = context.path("base");
    copy_base("debian12-py311", &layout);
    let release = "ID=debian\nVERSION_ID=\"99\"\n";
    let program = "\x7fELF\0python\x003.99.7\0";
    add_layer(
        &layout,
        &layer(&[
            ("store/1", EntryType::Regular, release),
            ("store/2", EntryType::Link, "store/1"),
            ("usr/lib/os-release", EntryType::Link, "store/2"),
            ("store/3", EntryType::Regular, program),
            ("opt/other/bin/python3.99", EntryType::Link, "store/3"),
        ]),
    );
    let answer = context.mlpack(&["base", "check", "oci:base", "--policy", "current"]);
    let verdicts = answer.ok();
    assert!(verdicts.contains("found debian 99"), "{verdicts}");
    let inspection = context.mlpack(&["inspect", "oci:base", "--format", "json"]);
    let facts = inspection.ok();
    assert!(facts.contains("3.99.7 at /opt/other/bin/python3.99"), "{facts}");
}

/// Docker's manifests often call a compressed layer a plain one.
#[test]
fn media_types_follow_the_bytes() {
    let context = need!(TestContext::offline());
    let layout = context.path("base");
    copy_base("debian12-py311", &layout);
    add_layer(&layout, &layer(&[("srv/file", EntryType::Regular, "content")]));
    edit(&layout, |manifest, _| {
        let layers = manifest["layers"].as_array_mut().unwrap();
        for layer in layers.iter_mut() {
            layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar".into();
        }
        let last = layers.len() - 1;
        layers[last]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip".into();
    });
    let base = image(&layout);
    let shown = |answer: &str| {
        let inspection: Value = serde_json::from_str(answer).unwrap();
        let layers = inspection["layers"].as_array().unwrap().clone();
        let compressions = layers.iter().map(|layer| layer["compression"].as_str().unwrap());
        compressions.map(str::to_owned).collect::<Vec<_>>()
    };
    let count = base.layers().len();
    let found = shown(context.mlpack(&["inspect", "oci:base", "--format", "json"]).ok());
    assert!(found[..count - 1].iter().all(|compression| compression == "gzip"), "{found:?}");
    assert_eq!(found[count - 1], "none");
    context.mlpack(&arguments(&context, "oci:base")).digest();
    let layers = image(&context.path("out")).manifest["layers"].clone();
    for (number, digest) in base.layers().iter().enumerate() {
        let kind = if number == count - 1 { "tar" } else { "tar+gzip" };
        assert_eq!(layers[number]["digest"], **digest);
        assert_eq!(
            layers[number]["mediaType"],
            format!("application/vnd.oci.image.layer.v1.{kind}")
        );
    }
}

/// What was read of a layer counts for its bytes, not for the diff id that a config claims.
#[test]
fn a_diff_id_of_other_bytes_is_found_after_the_right_one_was_read() {
    let context = TestContext::bare().own_cache();
    copy_base("debian12-py311", &context.path("base"));
    let check = ["base", "check", "oci:base", "--policy", "current"];
    context.mlpack(&check).ok();
    let layout = context.path("base");
    let other = layer(&[("srv/file", EntryType::Regular, "other bytes")]);
    let digest = crate::kit::sha256(&other);
    fs::write(blob_path(&layout, &digest), &other).unwrap();
    edit(&layout, |manifest, _| {
        manifest["layers"][0]["digest"] = digest.into();
        manifest["layers"][0]["size"] = other.len().into();
    });
    let answer = context.mlpack(&check);
    assert!(
        answer.stderr.starts_with("error: digest mismatch for uncompressed layer 1 of oci:"),
        "{}",
        answer.stderr
    );
    assert_eq!(answer.code, 1);
}

/// A directory of the base that a new layer states again has the time and the attributes it had.
#[test]
fn directories_of_the_base_keep_their_time_and_attributes() {
    let context = need!(TestContext::offline());
    let layout = context.path("base");
    copy_base("debian12-py311", &layout);
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    header.set_mtime(1_234_567_890);
    let label = b"system_u:object_r:usr_t:s0\0";
    let records = [
        ("mtime", &b"1234567890.25"[..]),
        ("SCHILY.xattr.security.selinux", label),
        ("SCHILY.xattr.user.\u{e9}", b"\xff\x00=\n"),
        ("atime", b"1"),
    ];
    tar.append_pax_extensions(records).unwrap();
    tar.append_data(&mut header, "opt/", std::io::empty()).unwrap();
    add_layer(&layout, &tar.into_inner().unwrap());
    context.mlpack(&arguments(&context, "oci:base")).digest();
    let (base, made) = (image(&layout), image(&context.path("out")));
    let mut seen = 0;
    for digest in &made.layers()[base.layers().len()..] {
        let bytes = fs::read(blob_path(&context.path("out"), digest)).unwrap();
        let mut plain = Vec::new();
        match bytes.starts_with(&[0x1f, 0x8b]) {
            true => drop(flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut plain)),
            false => plain = bytes,
        }
        let mut archive = tar::Archive::new(&*plain);
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            if entry.path().unwrap().to_str() != Some("opt/") {
                continue;
            }
            seen += 1;
            assert_eq!(entry.header().mtime().unwrap(), 1_234_567_890);
            // The records stand before the header. The crate cannot read values with line breaks.
            let end = usize::try_from(entry.raw_header_position()).unwrap();
            let stated = plain[..end].rchunks(512).take(2).collect::<Vec<_>>();
            let stated = stated.into_iter().rev().flatten().copied().collect::<Vec<u8>>();
            for (key, value) in &records[..3] {
                let record = [key.as_bytes(), b"=", value, b"\n"].concat();
                assert!(stated.windows(record.len()).any(|part| part == record), "{key}");
            }
            assert!(!stated.windows(6).any(|part| part == b"atime="));
        }
    }
    assert!(seen > 0, "no layer states /opt again");
}

/// `podman save` writes whole names, and archives are mostly compressed when they are passed on.
#[test]
fn docker_archives_are_opened_as_docker_load_does() {
    let context = TestContext::bare().own_cache();
    copy_base("debian12-py311", &context.path("base"));
    let name = "docker.io/library/base:v1";
    context.mlpack(&["copy", "oci:base", &format!("docker-archive:a.tar:{name}")]).ok();
    let check = |archive: &str| {
        let args = ["base", "check", archive, "--policy", "current", "--format", "json"];
        let mut answer: Value = serde_json::from_str(context.mlpack(&args).ok()).unwrap();
        answer["image"].take();
        answer
    };
    let expected = check("docker-archive:a.tar:docker.io/library/base:v1");
    assert!(check("docker-archive:a.tar:base:v1") == expected);
    let plain = fs::read(context.path("a.tar")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    fs::write(context.path("a.tgz"), gzip.finish().unwrap()).unwrap();
    assert!(check("docker-archive:a.tgz:base:v1") == expected);

    let manifest = r#"[{"Config":"c.json","RepoTags":null,"Layers":["1/layer.tar"]}]"#;
    let config = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:DIGEST"]}}"#;
    let config = config.replace("DIGEST", &"0".repeat(64));
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in [("manifest.json", manifest), ("c.json", &config)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "1/layer.tar", "../2/layer.tar").unwrap();
    fs::write(context.path("b.tar"), tar.into_inner().unwrap()).unwrap();
    let answer = context.mlpack(&["base", "check", "docker-archive:b.tar"]);
    assert!(
        answer
            .stderr
            .contains("`1/layer.tar` is a link to `2/layer.tar`, which is not in the archive"),
        "{}",
        answer.stderr
    );
}

/// One image is copied; what the index has for other platforms is named.
#[test]
fn what_an_index_has_besides_is_reported() {
    let context = TestContext::bare().own_cache();
    let layout = context.path("base");
    copy_base("debian12-py311", &layout);
    let path = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut image = index["manifests"][0].clone();
    image.as_object_mut().unwrap().remove("annotations");
    let mut arm = image.clone();
    arm["platform"] =
        serde_json::json!({ "os": "linux", "architecture": "arm64", "variant": "v8" });
    let mut attestation = image.clone();
    attestation["platform"] = serde_json::json!({ "os": "unknown", "architecture": "unknown" });
    attestation["annotations"] =
        serde_json::json!({ "vnd.docker.reference.type": "attestation-manifest" });
    index["manifests"] = serde_json::json!([arm, image, attestation]);
    fs::write(&path, index.to_string()).unwrap();
    context.mlpack(&["copy", "oci:base", "oci:copy"]).is(str![[r#"
oci:copy@sha256:4e405fd3a9c7ad149252712ef15f9be494d7c593e1357120b9b1d200b980f827
--- stderr
warning: only the image for linux/amd64 is taken; the index has linux/arm64/v8, attestation too: choose with --platform

"#]]);
}
