//! Rendered documents, run here: the container of a pod and of a container group with exactly the rights, variables and
//! files that the documents give it.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::keys::ask;
use super::services::{Deployment, context_and_project};
use crate::kit::{Docker, TestContext, registry};
use crate::need;

const CONFIG: &str = "keys: {primaryKey: first, secondaryKey: second}\nauthEnabled: true\n";

/// A container to run, taken from a document.
struct Placed {
    image: String,
    options: Vec<String>,
    variables: BTreeMap<String, String>,
    /// Files of `/opt/mlpack/run`.
    files: BTreeMap<String, Vec<u8>>,
    port: u64,
}

fn decoded(text: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn documents(folder: &Path) -> Vec<Value> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read =
        |path: &PathBuf| serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    paths.iter().map(read).collect()
}

fn options(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What a kubelet makes of the objects.
fn pod(objects: &[Value]) -> Placed {
    let secret = |name: &Value| {
        let found = objects
            .iter()
            .find(|object| object["kind"] == "Secret" && object["metadata"]["name"] == *name);
        found.unwrap()["data"].as_object().unwrap()
    };
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
    let pod = &deployment.unwrap()["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let mut variables = BTreeMap::new();
    for source in container["envFrom"].as_array().unwrap() {
        for (name, text) in secret(&source["secretRef"]["name"]) {
            variables.insert(name.clone(), String::from_utf8(decoded(text)).unwrap());
        }
    }
    for variable in container["env"].as_array().unwrap() {
        let text = |key: &str| variable[key].as_str().unwrap().to_owned();
        variables.insert(text("name"), text("value"));
    }
    let mut files = BTreeMap::new();
    let volumes = pod["volumes"].as_array().unwrap();
    let run = volumes.iter().find(|volume| volume["name"] == "run").unwrap();
    for source in run["projected"]["sources"].as_array().unwrap() {
        let data = secret(&source["secret"]["name"]);
        for item in source["secret"]["items"].as_array().unwrap() {
            let path = item["path"].as_str().unwrap().to_owned();
            files.insert(path, decoded(&data[item["key"].as_str().unwrap()]));
        }
    }
    let (security, own) = (&pod["securityContext"], &container["securityContext"]);
    assert_eq!(own["readOnlyRootFilesystem"], true);
    assert_eq!(own["capabilities"]["drop"][0], "ALL");
    assert_eq!(own["allowPrivilegeEscalation"], false);
    let user = format!("--user={}:{}", security["runAsUser"], security["runAsGroup"]);
    let rights = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    let memory = container["resources"]["requests"]["memory"].as_str().unwrap();
    let memory = format!("--memory={}m", memory.strip_suffix("Mi").unwrap());
    Placed {
        image: container["image"].as_str().unwrap().to_owned(),
        options: [options(&rights), options(&["--tmpfs=/tmp:mode=1777", &user, &memory])].concat(),
        variables,
        files,
        port: container["ports"][0]["containerPort"].as_u64().unwrap(),
    }
}

/// What Azure makes of the container group.
fn container_group(group: &Value) -> Placed {
    let container = &group["properties"]["containers"][0]["properties"];
    let variables = container["environmentVariables"].as_array().unwrap().iter().map(|variable| {
        let text = |key: &str| variable[key].as_str().map(str::to_owned);
        (text("name").unwrap(), text("value").or_else(|| text("secureValue")).unwrap())
    });
    let files = group["properties"]["volumes"][0]["secret"].as_object().unwrap();
    let security = &container["securityContext"];
    assert_eq!(security["capabilities"]["add"][0], "NET_BIND_SERVICE");
    let user = format!("--user={}:{}", security["runAsUser"], security["runAsGroup"]);
    let rights =
        ["--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", "--security-opt=no-new-privileges"];
    // Not what Docker allows to everyone by default.
    let ports = "--sysctl=net.ipv4.ip_unprivileged_port_start=1024";
    Placed {
        image: container["image"].as_str().unwrap().to_owned(),
        options: [options(&rights), options(&[&user, ports])].concat(),
        variables: variables.collect(),
        files: files.iter().map(|(name, text)| (name.clone(), decoded(text))).collect(),
        port: group["properties"]["ipAddress"]["ports"][0]["port"].as_u64().unwrap(),
    }
}

fn is_ready(port: u16) -> bool {
    let mut answer = String::new();
    let asked = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    asked.is_ok() && answer.starts_with("HTTP/1.1 200 ")
}

/// Runs it until it is ready; gives the host's port of the service.
fn run(context: &TestContext, docker: &Docker, placed: &Placed) -> u16 {
    let folder = context.path(format!("files-{}", placed.port));
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in &placed.files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let mut args = options(&["run", "--detach", "--name", &docker.name]);
    args.extend(placed.options.clone());
    for (name, text) in &placed.variables {
        args.push(format!("--env={name}={text}"));
    }
    args.push(format!("--volume={}:/opt/mlpack/run:ro", folder.display()));
    args.push(format!("--publish=127.0.0.1::{}", placed.port));
    args.extend(options(&["--publish=127.0.0.1::5002", &placed.image]));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    docker.run(&args);
    let port = |inside: u64| -> u16 {
        let line = docker.run(&["port", &docker.name, &format!("{inside}/tcp")]);
        line.rsplit(':').next().unwrap().parse().unwrap()
    };
    let operations = port(5002);
    let started = Instant::now();
    while !is_ready(operations) {
        let log = || docker.run(&["logs", &docker.name]);
        assert!(started.elapsed() < Duration::from_secs(60), "not ready: {}", log());
        std::thread::sleep(Duration::from_millis(200));
    }
    port(placed.port)
}

#[test]
fn documents_run_with_their_rights_only() {
    let Deployment { mut context, docker, .. } = need!(context_and_project("pods"));
    let registry = need!(registry(false));
    context.name(&registry.host, "[HOST]");
    let reference = format!("{}/team/pods:v1", registry.host);
    context.mlpack(&["push", "oci:out", &reference]).ok();
    for kind in ["aks", "aci"] {
        context.write("dc.yml", format!("computeType: {kind}\n{CONFIG}"));
        let line =
            ["deploy", &reference, "-n", &docker.name, "--dc", "dc.yml", "--env", "LEVEL=a b"];
        let aci = if kind == "aci" { &["--location", "westeurope"][..] } else { &[] };
        context.mlpack(&[&line, aci, &["--render-only", "-o", kind]].concat()).ok();
        let documents = documents(&context.path(kind));
        let placed = if kind == "aks" { pod(&documents) } else { container_group(&documents[0]) };
        assert_eq!(placed.variables["LEVEL"], "a b");
        let port = run(&context, &docker, &placed);
        let score = format!("http://127.0.0.1:{port}/score");
        let routed = format!("http://127.0.0.1:{port}/api/v1/service/{}/score", docker.name);
        assert_eq!(ask(&score, "second", ""), "200 {\"sum\": 3}");
        assert_eq!(ask(&routed, "first", ""), "200 {\"sum\": 3}");
        assert_eq!(&ask(&score, "wrong", "")[..3], "403");
        docker.run(&["rm", "--force", &docker.name]);
        docker.run(&["rmi", &placed.image]);
    }
}
