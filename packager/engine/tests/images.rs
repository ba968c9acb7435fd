//! Images into the real Docker engine and out of it again.

#![allow(clippy::unwrap_used, reason = "tests stop where something is not as it must be")]

mod support;

use std::io::Read as _;

use mlpack_engine::Error;
use mlpack_oci::layer::LayerReader;
use mlpack_oci::{Image, Platform, Silent};
use support::{Cleanup, Recorder, ready};

fn tars(image: &Image) -> Vec<Vec<u8>> {
    image
        .layers
        .iter()
        .map(|layer| {
            let mut reader = LayerReader::open(image, layer).unwrap();
            let mut tar = Vec::new();
            reader.read_to_end(&mut tar).unwrap();
            reader.finish().unwrap();
            tar
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_new_layers_travel() {
    let Some((engine, runnable)) = ready("layers").await else { return };
    let name = format!("{}:one", runnable.unique);
    let other = format!("{}:two", runnable.unique);
    let _cleanup = Cleanup {
        engine: engine.clone(),
        containers: vec![],
        images: vec![name.clone(), other.clone()],
    };
    let recorder = Recorder::default();
    let image = runnable.image("one");
    let sizes: Vec<u64> = image.layers.iter().map(|layer| layer.descriptor.size()).collect();

    let pinned = engine.load(&image, &name, &recorder).await.unwrap();
    assert_eq!(pinned.to_string(), format!("docker:{}@{}", runnable.unique, image.id));
    assert_eq!(recorder.taken().bytes, sizes[0] + sizes[1]);
    let found = engine.inspect_image(&name).await.unwrap();
    assert_eq!(found.id, image.id.0);
    assert_eq!(found.names, std::slice::from_ref(&name));
    assert_eq!(found.exposed_ports, ["5001/tcp"]);
    assert_eq!(found.labels["marker"], "one");

    // The same image again: nothing travels.
    engine.load(&image, &name, &recorder).await.unwrap();
    let again = recorder.taken();
    assert_eq!(again.bytes, 0);
    assert_eq!(again.notes, [format!("Docker already has the image {}", image.id.0.short())]);

    // A new script layer on the same base: only that layer travels.
    let image = runnable.image("two");
    engine.load(&image, &other, &recorder).await.unwrap();
    let second = recorder.taken();
    assert_eq!(second.bytes, image.layers[1].descriptor.size());
    assert_eq!(second.notes, ["Skipped 1 of 2 layers already in Docker"]);
    assert_eq!(engine.inspect_image(&other).await.unwrap().id, image.id.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_comes_back_as_it_went_in() {
    let Some((engine, runnable)) = ready("export").await else { return };
    let name = format!("{}:latest", runnable.unique);
    let _cleanup =
        Cleanup { engine: engine.clone(), containers: vec![], images: vec![name.clone()] };
    let image = runnable.image("x");
    engine.load(&image, &name, &Silent).await.unwrap();

    let (cache, platform) = (runnable.folder().join("cache"), Platform::linux_amd64());
    let recorder = Recorder::default();
    let back = engine.image(&runnable.unique, &cache, &platform, &recorder).await.unwrap();
    assert_eq!(recorder.taken().begun, [format!("Exporting {} from Docker", runnable.unique)]);
    assert_eq!(back.place, format!("docker:{}", runnable.unique));
    assert_eq!(back.id, image.id);
    assert!(tars(&back) == tars(&image));

    // The second time it is there already.
    engine.image(&name, &cache, &platform, &recorder).await.unwrap();
    assert_eq!(recorder.taken().begun, Vec::<String>::new());

    // A file that was cut short is not believed.
    let file = cache.join("engine").join(format!("{}.tar", image.id.0.hex()));
    std::fs::write(&file, b"cut").unwrap();
    let back = engine.image(&name, &cache, &platform, &recorder).await.unwrap();
    assert_eq!(recorder.taken().begun.len(), 1);
    assert!(tars(&back) == tars(&image));

    let arm: Platform = "linux/arm64".parse().unwrap();
    let error = engine.image(&name, &cache, &arm, &Silent).await.unwrap_err();
    assert!(error.to_string().contains("linux/arm64"), "{error}");
    let error = engine.image("mlpack-test-none", &cache, &platform, &Silent).await.unwrap_err();
    assert_eq!(error.to_string(), "the Docker engine has no image `mlpack-test-none`");
}

#[tokio::test(flavor = "multi_thread")]
async fn zstd_layers_are_unpacked_for_the_engine() {
    let Some((engine, runnable)) = ready("zstd").await else { return };
    let name = format!("{}:latest", runnable.unique);
    let _cleanup =
        Cleanup { engine: engine.clone(), containers: vec![], images: vec![name.clone()] };
    let plain = runnable.image("z");
    let zstd = runnable.with_zstd(&plain);
    let pinned = engine.load(&zstd, &name, &Silent).await.unwrap();
    assert_eq!(pinned.digest, plain.id.0);
    let cache = runnable.folder().join("cache");
    let back = engine.image(&name, &cache, &Platform::linux_amd64(), &Silent).await.unwrap();
    assert!(tars(&back) == tars(&plain));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_layer_is_named_and_nothing_is_loaded() {
    let Some((engine, runnable)) = ready("damaged").await else { return };
    let name = format!("{}:latest", runnable.unique);
    let _cleanup =
        Cleanup { engine: engine.clone(), containers: vec![], images: vec![name.clone()] };
    let image = runnable.image("d");
    let layer = &image.layers[0];
    let path = runnable.store().path(&layer.digest);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = engine.load(&image, &name, &Silent).await.unwrap_err();
    assert!(
        matches!(&error, Error::Oci(mlpack_oci::Error::DigestMismatch { expected, .. }) if *expected == layer.digest),
        "{error:?}"
    );
    let error = engine.inspect_image(&name).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchImage { .. }), "{error:?}");
}
