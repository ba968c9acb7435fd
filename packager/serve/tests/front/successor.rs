//! Handing over to another front door.

use std::io::{Read as _, Write as _};

use crate::client::{connect, read, request};
use crate::kit::Service;

/// A request of a client that goes on with its connection.
const KEEP: &[u8] = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";

fn script(name: &str) -> String {
    format!("def init():\n    pass\n\n\ndef run(data):\n    return '{name}'\n")
}

#[test]
fn connections_go_to_the_successor_and_clients_are_asked_to_connect_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("successor");
    let settings = [("MLPACK_SUCCESSOR_FILE", file.to_str().unwrap()), ("HOSTNAME", "first")];
    let mut first = Service::ready(&script("first"), &settings);
    let second = Service::ready(&script("second"), &[]);
    let third = Service::ready(&script("third"), &[]);
    assert_eq!(first.get("/").header("mlpack-instance"), "first");
    assert_eq!(second.get("/").header("mlpack-instance"), "");
    let mut kept = connect(&first.address);
    let mut idle = connect(&first.address);
    for stream in [&mut kept, &mut idle] {
        stream.write_all(KEEP).unwrap();
        let answer = read(stream);
        assert_eq!((answer.text().as_str(), answer.header("connection")), ("\"first\"", ""));
    }
    // Half a name is nobody's.
    std::fs::write(&file, &second.address).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(first.score("1").text(), "\"first\"");
    std::fs::write(&file, format!("{}\n", second.address)).unwrap();
    while first.score("1").text() != "\"second\"" {}
    // Who is connected already is answered where the connection is, for the last time.
    kept.write_all(KEEP).unwrap();
    let answer = read(&mut kept);
    assert_eq!((answer.text().as_str(), answer.header("connection")), ("\"first\"", "close"));
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    first.log.wait_for(|line| line.contains("handed over"));
    std::fs::write(&file, format!("{}\n", third.address)).unwrap();
    while first.score("1").text() != "\"third\"" {}
    first.signal("TERM");
    assert_eq!(first.end().code(), Some(0));
}

#[test]
fn a_front_door_that_starts_after_it_was_replaced_starts_no_worker() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("successor");
    let second = Service::ready(&script("second"), &[]);
    std::fs::write(&file, format!("{}\n", second.address)).unwrap();
    let broken = "raise ValueError('this script must not run')\n";
    let first = Service::start(broken, &[("MLPACK_SUCCESSOR_FILE", file.to_str().unwrap())]);
    assert_eq!(first.score("1").text(), "\"second\"");
    // A successor that is gone is tried for a while; the connection then ends without an answer.
    std::fs::write(&file, "127.0.0.1:1\n").unwrap();
    let refused = "cannot connect to 127.0.0.1:1";
    std::thread::sleep(std::time::Duration::from_millis(600));
    let mut stream = connect(&first.address);
    stream.write_all(&request("GET", "/", &[], b"")).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    first.log.wait_for(|line| line.contains(refused));
}
