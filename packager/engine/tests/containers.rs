//! Containers in the real Docker engine.

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use mlpack_engine::{ContainerSpec, ContainerStatus, Error, PublishedPort};
use mlpack_oci::Silent;
use support::{Cleanup, ready};

fn get(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_lives_and_goes() {
    let Some((engine, runnable)) = ready("life").await else { return };
    let name = runnable.unique.clone();
    let _cleanup = Cleanup {
        engine: engine.clone(),
        containers: vec![name.clone()],
        images: vec![name.clone()],
    };
    let pinned = engine.load(&runnable.image("c"), &name, &Silent).await.unwrap();
    let spec = ContainerSpec {
        name: name.clone(),
        image: pinned.digest.to_string(),
        env: BTreeMap::from([("PORT".to_owned(), "5001".to_owned())]),
        labels: BTreeMap::from([("org.mlpack.test".to_owned(), name.clone())]),
        port: Some(PublishedPort { container: 5001, host: None }),
        ..ContainerSpec::default()
    };
    let id = engine.create_container(&spec).await.unwrap();
    assert_eq!(engine.inspect_container(&id).await.unwrap().status, ContainerStatus::Created);
    let error = engine.create_container(&spec).await.unwrap_err();
    assert_eq!(error.to_string(), format!("a container named `{name}` already exists"));

    engine.start_container(&id).await.unwrap();
    let found = engine.inspect_container(&name).await.unwrap();
    assert_eq!(
        (found.id.as_str(), found.name.as_str(), found.image.as_str(), found.status),
        (id.as_str(), name.as_str(), spec.image.as_str(), ContainerStatus::Running)
    );
    assert_eq!(found.labels["marker"], "c");
    let port = found.ports[&5001];
    let mut answer = String::new();
    for _ in 0..50 {
        answer = get(port).unwrap_or_default();
        if !answer.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("Healthy"), "{answer}");
    // The engine writes lines down after they were printed.
    let mut log = String::new();
    for _ in 0..50 {
        log = engine.logs(&id, 100).await.unwrap();
        if log.contains("GET /\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(log.starts_with("starting as serve\n") && log.contains("GET /\n"), "{log}");
    assert_eq!(engine.logs(&id, 1).await.unwrap().lines().count(), 1);

    let labelled = engine.containers("org.mlpack.test", Some(&name)).await.unwrap();
    assert_eq!(labelled, [engine.inspect_container(&id).await.unwrap()]);
    engine.keep_running(&id).await.unwrap();

    // A second one cannot have the same port.
    let second = ContainerSpec {
        name: format!("{name}-2"),
        port: Some(PublishedPort { container: 5001, host: Some(port) }),
        ..spec.clone()
    };
    let second_id = engine.create_container(&second).await.unwrap();
    let error = engine.start_container(&second_id).await.unwrap_err();
    assert!(matches!(error, Error::PortInUse { port: found } if found == port), "{error:?}");
    engine.remove_container(&second_id).await.unwrap();

    engine.stop_container(&id).await.unwrap();
    let stopped = engine.inspect_container(&id).await.unwrap();
    assert_eq!((stopped.status, stopped.exit_code), (ContainerStatus::Exited, Some(0)));
    engine.remove_container(&id).await.unwrap();
    engine.remove_container(&id).await.unwrap();
    let error = engine.inspect_container(&id).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the Docker engine has no container `{id}`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_another_process_is_named() {
    let Some((engine, runnable)) = ready("port").await else { return };
    let name = runnable.unique.clone();
    let _cleanup = Cleanup {
        engine: engine.clone(),
        containers: vec![name.clone()],
        images: vec![name.clone()],
    };
    let pinned = engine.load(&runnable.image("p"), &name, &Silent).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let spec = ContainerSpec {
        name,
        image: pinned.digest.to_string(),
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        port: Some(PublishedPort { container: 5001, host: Some(port) }),
        ..ContainerSpec::default()
    };
    let id = engine.create_container(&spec).await.unwrap();
    let error = engine.start_container(&id).await.unwrap_err();
    assert_eq!(error.to_string(), format!("port {port} of this machine is in use"));
    assert!(error.hint().unwrap().contains(&format!("sport = :{port}")));
}
