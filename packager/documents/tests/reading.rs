//! Spans, types and faults of documents in both languages.

use std::path::Path;

use mlpack_documents::{Document, Fields, Format, Located, Node, Position, Result, Value};

fn document(name: &str, text: &str) -> Result<Document> {
    let path = Path::new(name);
    let format = if name.ends_with(".json") { Format::Json } else { Format::Yaml };
    Document::parse(path, text, format)
}

/// Every key and scalar with its position, a line each.
fn spans(node: &Node) -> Vec<String> {
    fn walk(node: &Node, indent: usize, lines: &mut Vec<String>) {
        let Position { line, column } = node.at;
        let pad = " ".repeat(indent);
        match &node.value {
            Value::Null => lines.push(format!("{pad}{line}:{column} null")),
            Value::Scalar(scalar) => {
                let kind = if scalar.quoted { "text" } else { "plain" };
                lines.push(format!("{pad}{line}:{column} {kind} {}", scalar.text));
            }
            Value::List(items) => {
                lines.push(format!("{pad}{line}:{column} list"));
                items.iter().for_each(|item| walk(item, indent + 1, lines));
            }
            Value::Map(entries) => {
                lines.push(format!("{pad}{line}:{column} map"));
                for entry in entries {
                    lines
                        .push(format!("{pad} {}:{} {}", entry.at.line, entry.at.column, entry.key));
                    walk(&entry.node, indent + 2, lines);
                }
            }
        }
    }
    let mut lines = Vec::new();
    walk(node, 0, &mut lines);
    lines
}

#[test]
fn every_value_of_a_yaml_document_has_a_span() {
    let text = "# head\na: x\nb:\n  c: [\"y\",\n    3.10]\n  d:\ne: yes\n";
    assert_eq!(
        spans(&document("c.yml", text).unwrap().root),
        [
            "2:1 map",
            " 2:1 a",
            "  2:4 plain x",
            " 3:1 b",
            "  4:3 map",
            "   4:3 c",
            "    4:6 list",
            "     4:7 text y",
            "     5:5 plain 3.10",
            "   6:3 d",
            "    6:4 null",
            " 7:1 e",
            "  7:4 plain yes",
        ]
    );
}

#[test]
fn every_value_of_a_json_document_has_a_span() {
    let text = "{\n  \"a\": \"x\\\"\\u00e9\",\n\t\"b\": {\"c\": [\"y\",\n    3.10],\n  \"d\": null}, \"e\": true}";
    assert_eq!(
        spans(&document("c.json", text).unwrap().root),
        [
            "1:1 map",
            " 2:3 a",
            "  2:8 text x\"é",
            " 3:2 b",
            "  3:7 map",
            "   3:8 c",
            "    3:13 list",
            "     3:14 text y",
            "     4:5 plain 3.10",
            "   5:3 d",
            "    5:8 null",
            " 5:15 e",
            "  5:20 plain true",
        ]
    );
}

#[test]
fn syntax_errors_have_a_place() {
    for (name, text, expected) in [
        ("c.json", "{\n  \"a\": 1,\n}", "c.json:3:1: trailing comma"),
        ("c.json", "{\"a\": 1", "c.json:1:7: EOF while parsing an object"),
        (
            "c.json",
            "{\"a\": 1,\n \"a\": 2}",
            "c.json:2:2: duplicate key `a` (first given as `a` on line 1)",
        ),
        ("c.yml", "a: 1\na: 2\n", "c.yml:2:1: duplicate key `a` (first given as `a` on line 1)"),
        ("c.yml", "a: 1\n---\nb: 2\n", "c.yml:2:1: expected one document, found a second one"),
        ("c.yml", "? [a]\n: 1\n", "c.yml:1:3: a key must be a scalar"),
        ("c.yml", "a: &x [*x]\n", "c.yml:1:8: "),
    ] {
        let error = document(name, text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(document("c.yml", "").unwrap().root.value, Value::Null);
    assert_eq!(document("c.yml", "\u{feff}~").unwrap().root.value, Value::Null);
}

#[test]
fn merge_keys_and_aliases_are_followed() {
    let text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  a: 0\n  <<: [*x, *y]\n";
    let document = document("c.yml", text).unwrap();
    let z = Fields::of(&document).unwrap().pairs("z").unwrap();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    assert_eq!(z, [("a", "0"), ("b", "2"), ("c", "4")].map(pair));
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let p = n - 1;
        bomb += &format!("a{n}: &a{n} [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}]\n");
    }
    let error = document("c.yml", &bomb).unwrap_err().to_string();
    assert!(error.ends_with("the file is too large with what its aliases repeat"), "{error}");
}

#[test]
fn typed_values_are_read() {
    let text = "text: a\nversion: 3.10\non: yes\nport: 80.0\ncpu: .5\nempty: null\npairs: {A: 1, B: , C: x}\n";
    let document = document("c.yml", text).unwrap();
    let known = ["text", "version", "on", "port", "cpu", "empty", "pairs"];
    let fields = Fields::open(&document, &known).unwrap();
    let at = |line, value: &str| Some(Located { value: value.to_owned(), line });
    assert_eq!(fields.text("text"), Ok(at(1, "a")));
    assert_eq!(fields.written("version"), Ok(at(2, "3.10")));
    assert_eq!(fields.boolean("on"), Ok(Some(Located { value: true, line: 3 })));
    assert_eq!(fields.whole("port", 1..=u32::MAX), Ok(Some(80)));
    assert_eq!(fields.positive("cpu"), Ok(Some(0.5)));
    assert_eq!(fields.text("empty"), Ok(None));
    assert_eq!(fields.text("gone"), Ok(None));
    let pairs = fields.pairs("pairs").unwrap();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    assert_eq!(pairs, [("A", "1"), ("B", ""), ("C", "x")].map(pair));
}

#[test]
fn wrong_types_and_values_name_key_and_place() {
    let text = "docker:\n  image: [a]\n  port: \"80\"\n  cpu: -1\n  gpu: 1\n  name: 12\n";
    let document = document("c.yml", text).unwrap();
    let fields = Fields::open(&document, &["docker"]).unwrap();
    let docker =
        fields.mapping("docker", &["image", "port", "cpu", "gpu", "name"]).unwrap().unwrap();
    let text = |result: Result<()>| {
        let error = result.unwrap_err();
        (error.to_string(), error.hint())
    };
    for (found, message, hint) in [
        (
            docker.text("image").map(drop),
            "c.yml:2:3: `docker.image` must be text, found a list",
            None,
        ),
        (
            docker.whole("port", 1..=9).map(drop),
            "c.yml:3:3: `docker.port` must be a whole number from 1 to 9, found text",
            Some("write the number without quotes"),
        ),
        (
            docker.positive("cpu").map(drop),
            "c.yml:4:3: `docker.cpu` must be a number above 0, found `-1`",
            None,
        ),
        (
            docker.boolean("gpu").map(drop),
            "c.yml:5:3: `docker.gpu` must be true or false, found a number",
            None,
        ),
        (
            docker.text("name").map(drop),
            "c.yml:6:3: `docker.name` must be text, found a number",
            Some("put the value in quotes"),
        ),
        (
            docker.list("name").map(drop),
            "c.yml:6:3: `docker.name` must be a list, found a number",
            None,
        ),
        (Err(docker.missing("user")), "c.yml:1:1: missing key `docker.user`", None),
    ] {
        assert_eq!(text(found), (message.to_owned(), hint.map(str::to_owned)));
    }
}

#[test]
fn unknown_keys_name_the_nearest() {
    let fault = |text: &str| {
        let document = document("c.yml", text).unwrap();
        let error = Fields::open(&document, &["baseImage", "shmSize"]).unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    assert_eq!(
        fault("shmSize: 2g\nbaseImge: x\n"),
        ("c.yml:2:1: unknown key `baseImge`".to_owned(), "did you mean `baseImage`?".to_owned())
    );
    assert_eq!(fault("nonsense: x\n").1, "the valid keys are baseImage, shmSize");
    assert_eq!(
        fault("[a]"),
        ("c.yml:1:1: expected a mapping of keys to values, found a list".to_owned(), String::new())
    );
}
