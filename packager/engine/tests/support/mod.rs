//! A small image that runs, made without a registry: a statically linked busybox that speaks
//! enough HTTP to act as a scoring server. Also used by the tests of `mlpack-deploy`.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests stop where something is not as it must be")]

mod runnable;

use std::sync::{Arc, Mutex};

use mlpack_engine::Engine;
use mlpack_oci::{Meter, Progress};

pub use runnable::Runnable;

/// Says that a test cannot run here; with MLPACK_TEST_REQUIRE=1 that is a failure.
pub fn skip(reason: &str) {
    #[allow(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let required = std::env::var("MLPACK_TEST_REQUIRE").is_ok_and(|value| value == "1");
    assert!(!required, "cannot run: {reason}");
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    {
        println!("skipped: {reason}");
    }
}

/// The engine of this machine and a runnable image, or `None` with the reason said.
pub async fn ready(test: &str) -> Option<(Engine, Runnable)> {
    #[allow(clippy::disallowed_methods, reason = "tests use the engine their user uses")]
    let host = std::env::var("DOCKER_HOST").ok();
    let engine = match Engine::connect(host.as_deref()).await {
        Ok(engine) => engine,
        Err(error) => {
            skip(&error.to_string());
            return None;
        }
    };
    let Some(busybox) = runnable::busybox() else {
        skip("no statically linked busybox on PATH (Debian: busybox-static)");
        return None;
    };
    // Both names differ from run to run, so that tests beside each other never meet.
    let unique = format!("mlpack-test-{}-{test}", std::process::id());
    Some((engine, Runnable::new(unique, busybox)))
}

/// Removes a test's containers and image at its end, however it ends.
pub struct Cleanup {
    pub engine: Engine,
    pub containers: Vec<String>,
    pub images: Vec<String>,
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let (engine, containers, images) =
            (self.engine.clone(), self.containers.clone(), self.images.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                for container in containers {
                    let _ = engine.remove_container(&container).await;
                }
                for image in images {
                    let _ = engine.remove_image(&image).await;
                }
            });
        });
        let _ = cleaning.join();
    }
}

/// Remembers what was begun, said and moved.
#[derive(Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub begun: Vec<String>,
    pub notes: Vec<String>,
    pub bytes: u64,
}

impl Recorder {
    pub fn taken(&self) -> Recorded {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Progress for Recorder {
    fn begin(&self, what: &str, _: Option<u64>) -> Arc<dyn Meter> {
        self.0.lock().unwrap().begun.push(what.to_owned());
        Arc::new(Recorder(Arc::clone(&self.0)))
    }
    fn note(&self, line: &str) {
        self.0.lock().unwrap().notes.push(line.to_owned());
    }
}

impl Meter for Recorder {
    fn advance(&self, bytes: u64) {
        self.0.lock().unwrap().bytes += bytes;
    }
    fn finish(&self, _: &str) {}
}
