//! Services in the real Docker engine, from deploying to deleting.

#![allow(clippy::unwrap_used, reason = "tests stop where something is not as it must be")]

#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use mlpack_deploy::config::LocalConfig;
use mlpack_deploy::local::{LocalDeployer, render};
use mlpack_deploy::{Deployer as _, Deployment, Error, Request, ServiceName, ServiceState};
use mlpack_engine::{ContainerSpec, Engine, PublishedPort};
use mlpack_oci::Silent;
use support::{Cleanup, ready};

/// A unique service name and image for each test.
struct TestContext {
    engine: Engine,
    deployer: LocalDeployer,
    name: ServiceName,
    deployment: Deployment,
    _cleanup: Cleanup,
}

impl TestContext {
    /// `test` is at most five letters, since a service name has at most 32.
    async fn new(test: &str) -> Option<Self> {
        let (engine, runnable) = ready(test).await?;
        // A second installation in one process changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name: ServiceName = runnable.unique.parse().unwrap();
        let cleanup = Cleanup {
            engine: engine.clone(),
            containers: vec![name.to_string()],
            images: vec![name.to_string()],
        };
        let image = engine.load(&runnable.image(test), name.as_str(), &Silent).await.unwrap();
        let deployment = Deployment {
            metadata: mlpack_deploy::Metadata::default(),
            name: name.clone(),
            image,
            facts: mlpack_deploy::ImageFacts::default(),
            environment: BTreeMap::new(),
            overwrite: false,
            timeout: Duration::from_secs(60),
        };
        let deployer =
            LocalDeployer::new(engine.clone(), LocalConfig::default(), std::path::PathBuf::new())
                .unwrap();
        Some(Self { engine, deployer, name, deployment, _cleanup: cleanup })
    }

    fn mode(&self, mode: &str) -> Deployment {
        let environment = BTreeMap::from([("MODE".to_owned(), mode.to_owned())]);
        Deployment { environment, ..self.deployment.clone() }
    }

    async fn containers(&self) -> usize {
        let label = "org.mlpack.service";
        self.engine.containers(label, Some(self.name.as_str())).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_deployed_used_and_deleted() {
    let Some(context) = TestContext::new("use").await else { return };
    let TestContext { deployer, name, deployment, .. } = &context;
    let service = deployer.deploy(deployment, &Silent).await.unwrap();
    assert_eq!(service.state, ServiceState::Running);
    assert_eq!(service.image_id, deployment.image.to_string());
    let uri = service.scoring_uri.clone().unwrap();
    assert!(uri.starts_with("http://127.0.0.1:") && uri.ends_with("/score"), "{uri}");
    assert_eq!(deployer.show(name).await.unwrap(), service);
    let listed = deployer.list().await.unwrap();
    assert_eq!(listed.iter().find(|found| found.name == *name), Some(&service));

    let json = "application/json";
    let request = |data: &[u8], content_type: &str| Request {
        data: data.to_vec(),
        content_type: content_type.to_owned(),
        timeout: Duration::from_secs(10),
    };
    let answer = deployer.run(name, request(b"[1, 2]", json)).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_deref()), (200, Some(json)));
    assert_eq!(answer.body, br#"{"echo": [1, 2]}"#);
    let error = deployer.run(name, request(b"x", "text/plain")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "service `{name}` answered 415: the service does not accept this content type\nbody: {{\"message\":\"json only\"}}"
        )
    );
    let error = deployer.run(name, request(b"\"boom\"", json)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "service `{name}` answered 500: run() raised an exception\nbody: {{\"message\":\"no\"}}"
        )
    );

    let log = deployer.logs(name, 1000).await.unwrap();
    assert!(log.starts_with("starting as serve\n") && log.contains("POST /score\n"), "{log}");
    assert_eq!(deployer.logs(name, 2).await.unwrap().lines().count(), 2);

    deployer.delete(name).await.unwrap();
    let error = deployer.show(name).await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no service named `{name}`"));
    assert_eq!(context.containers().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_is_replaced_only_with_overwrite() {
    let Some(context) = TestContext::new("over").await else { return };
    let TestContext { deployer, name, deployment, .. } = &context;
    let first = deployer.deploy(deployment, &Silent).await.unwrap();
    let error = deployer.deploy(deployment, &Silent).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("a service named `{name}` already exists and is running")
    );
    assert!(error.hint().unwrap().contains("--overwrite"));
    let asked = deployer.check(name, false).await.unwrap_err();
    assert_eq!(asked.to_string(), error.to_string());
    deployer.check(name, true).await.unwrap();
    // The port of the service that is replaced counts as free.
    let port = first.scoring_uri.clone().unwrap();
    let port = port.trim_start_matches("http://127.0.0.1:").trim_end_matches("/score");
    let config = LocalConfig { port: Some(port.parse().unwrap()), ..LocalConfig::default() };
    let deployer =
        LocalDeployer::new(context.engine.clone(), config, std::path::PathBuf::new()).unwrap();
    let again = Deployment { overwrite: true, ..deployment.clone() };
    let second = deployer.deploy(&again, &Silent).await.unwrap();
    assert_eq!(second.scoring_uri, first.scoring_uri);
    assert_ne!(second.created_time, first.created_time);
    assert_eq!(context.containers().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_explained_and_its_log_kept() {
    let Some(context) = TestContext::new("crash").await else { return };
    let TestContext { deployer, name, deployment, .. } = &context;
    let error = deployer.deploy(&context.mode("crash"), &Silent).await.unwrap_err();
    let Error::Failed { explanation, exit_code, log, .. } = &error else { panic!("{error:?}") };
    assert_eq!(explanation.cause, "the Python module `sklearn` is not in the image");
    assert_eq!(*exit_code, Some(3));
    assert_eq!(deployer.logs(name, 100).await.unwrap(), *log);
    assert!(error.hint().unwrap().contains("`scikit-learn`"));
    let shown = deployer.show(name).await.unwrap();
    assert_eq!(shown.state, ServiceState::Failed);
    assert_eq!(shown.error.as_deref(), Some("the server process exited with code 3"));
    let request = Request {
        data: vec![],
        content_type: "application/json".to_owned(),
        timeout: Duration::from_secs(1),
    };
    let error = deployer.run(name, request).await;
    assert_eq!(error.unwrap_err().to_string(), format!("service `{name}` is failed"));
    // The next one replaces it without `overwrite`.
    deployer.deploy(deployment, &Silent).await.unwrap();
    assert_eq!(deployer.show(name).await.unwrap().state, ServiceState::Running);
    assert_eq!(context.containers().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_never_answers_times_out() {
    let Some(context) = TestContext::new("mute").await else { return };
    let TestContext { deployer, name, .. } = &context;
    let mute = Deployment { timeout: Duration::from_secs(2), ..context.mode("mute") };
    let error = deployer.deploy(&mute, &Silent).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "service `{name}` did not answer within 2 s: nothing listens on its port yet\nend of its log:\n  | starting as mute"
        )
    );
    assert_eq!(deployer.show(name).await.unwrap().state, ServiceState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_a_service() {
    // Without an engine this is said once.
    if TestContext::new("way").await.is_none() {
        return;
    }
    a_taken_port_leaves_nothing_behind().await;
    a_container_of_a_killed_deployment_is_replaced().await;
    a_foreign_container_is_never_replaced().await;
    an_image_that_is_not_in_the_engine_is_refused().await;
}

async fn a_taken_port_leaves_nothing_behind() {
    let Some(context) = TestContext::new("port").await else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = LocalConfig { port: Some(port), ..LocalConfig::default() };
    let deployer =
        LocalDeployer::new(context.engine.clone(), config, std::path::PathBuf::new()).unwrap();
    let asked = deployer.check(&context.name, false).await.unwrap_err();
    let error = deployer.deploy(&context.deployment, &Silent).await.unwrap_err();
    assert_eq!(asked.to_string(), error.to_string());
    assert_eq!(error.to_string(), format!("port {port} of this machine is in use"));
    assert!(error.hint().unwrap().contains("leave it out to use a free one"));
    assert_eq!(context.containers().await, 0);
}

async fn a_container_of_a_killed_deployment_is_replaced() {
    let Some(context) = TestContext::new("kill").await else { return };
    let TestContext { engine, deployer, name, deployment, .. } = &context;
    // As if mlpack had died between creating and starting.
    let spec = render(deployment, &LocalConfig::default(), &BTreeMap::new()).unwrap();
    engine.create_container(&spec).await.unwrap();
    assert_eq!(deployer.show(name).await.unwrap().state, ServiceState::Deploying);
    let service = deployer.deploy(deployment, &Silent).await.unwrap();
    assert_eq!(service.state, ServiceState::Running);
    assert_eq!(context.containers().await, 1);
}

async fn a_foreign_container_is_never_replaced() {
    let Some(context) = TestContext::new("alien").await else { return };
    let TestContext { engine, deployer, name, deployment, .. } = &context;
    let spec = ContainerSpec {
        name: name.to_string(),
        image: deployment.image.digest.to_string(),
        port: Some(PublishedPort { container: 5001, host: None }),
        ..ContainerSpec::default()
    };
    let id = engine.create_container(&spec).await.unwrap();
    let overwrite = Deployment { overwrite: true, ..deployment.clone() };
    let error = deployer.deploy(&overwrite, &Silent).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("a container named `{name}` already exists and is not an mlpack service")
    );
    assert_eq!(engine.inspect_container(name.as_str()).await.unwrap().id, id);
}

async fn an_image_that_is_not_in_the_engine_is_refused() {
    let Some(context) = TestContext::new("lack").await else { return };
    let mut lacking = context.deployment.clone();
    lacking.image.digest = mlpack_oci::Digest::of(b"no such config");
    let error = context.deployer.deploy(&lacking, &Silent).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not in the Docker engine", lacking.image));
}
