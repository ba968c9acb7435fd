//! Configurations as users of Azure ML have them: what its CLI accepted is accepted.

use snapbox::str;

use crate::kit::{Answer, TestContext, base};

const SCRIPT: &str = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";

fn check(context: &TestContext, config: impl AsRef<[u8]>, more: &[&str]) -> Answer {
    let base = base("debian12-py311");
    context.write("score.py", SCRIPT);
    context.write("ic.json", config);
    let args = ["check", "--ic", "ic.json", "--policy", "current", "--base-image", &base];
    context.mlpack(&[&args[..], more].concat())
}

#[test]
fn yaml_comments_commas_marks_and_windows_text_are_read() {
    let context = TestContext::bare();
    let utf_16: Vec<u8> = "\u{feff}entryScript: score.py\r\nruntime: python\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for config in [
        "# a comment\nentryScript: score.py\nruntime: python\n".as_bytes(),
        b"{\"entryScript\": \"score.py\",\n\t\"runtime\": \"python\"}",
        b"{\"entryScript\": \"score.py\", \"runtime\": \"python\",}",
        "\u{feff}{\"entryScript\": \"score.py\", \"runtime\": \"python\"}".as_bytes(),
        b"entryScript: score.py\r\nruntime: python\r\nschemaFile:\r\ncondaFile: ''\r\n",
        b"{\"entryScript\": \"score.py\", \"runtime\": \"python\", \"schemaFile\": null, \"extraDockerfileSteps\": \"\"}",
        &utf_16,
    ] {
        assert_eq!(check(&context, config, &[]).ok(), "0 errors, 0 warnings");
    }
}

#[test]
fn an_unknown_key_is_ignored_with_a_warning() {
    let context = TestContext::bare();
    let config = "entryScript: score.py\nruntime: python\nfrobnicate: 1\n";
    check(&context, config, &[]).is(str![[r#"
0 errors, 0 warnings
--- stderr
warning: [TEMP]/work/ic.json:3:1: ignored the unknown key `frobnicate`

"#]]);
    check(&context, config, &["--strict"]).is(str![[r#"
--- stderr
error: [TEMP]/work/ic.json:3:1: unknown key `frobnicate`
hint: delete it, or omit `--strict` to ignore it
--- exit code 1

"#]]);
    // Ignoring a misspelled key would change the image.
    check(&context, "entryScript: score.py\nruntime: python\nbaseImge: x\n", &[]).is(str![[r#"
--- stderr
error: [TEMP]/work/ic.json:3:1: unknown key `baseImge`
hint: did you mean `baseImage`?
--- exit code 1

"#]]);
}

#[test]
fn what_is_no_text_names_the_line() {
    let context = TestContext::bare();
    check(&context, b"entryScript: score.py\n# caf\xe9\n", &[]).is(str![[r#"
--- stderr
error: cannot read [TEMP]/work/ic.json: expected text in UTF-8, or UTF-16 with a byte order mark, found byte 0xe9 on line 2
--- exit code 1

"#]]);
}

#[test]
fn lists_that_powershell_wrote_are_read() {
    let context = TestContext::bare();
    let text = "\u{feff}channels: [file:///nowhere]\r\ndependencies:\r\n- python=2.7\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    context.write("env.yml", bytes);
    let config =
        "{\"entryScript\": \"score.py\", \"runtime\": \"python\", \"condaFile\": \"env.yml\"}";
    let answer = check(&context, config, &[]);
    assert_eq!(answer.code, 3, "{}", answer.stderr);
    context.normalized(&answer.stdout).is(str![[r#"
error[deps.old-python]: [TEMP]/work/env.yml:3: `python=2.7` is not supported: serving needs Python 3.5 or newer
  hint: use a newer Python, and retrain the model with it if it is pickled
1 error, 0 warnings

"#]]);
}

#[test]
fn arguments_about_a_workspace_are_accepted() {
    let context = TestContext::bare();
    context.write("dc.yml", "computeType: aci\n");
    let line = "model deploy -n food --es score.py --inference-config-file ic.json --deploy-config-file dc.yml --pi p.json -w my-ws -g my-rg --overwrite -v";
    context.mlpack(&line.split(' ').collect::<Vec<_>>()).is(str![[r#"
--- stderr
error: cannot read p.json: No such file or directory (os error 2)
--- exit code 1

"#]]);
}

#[test]
fn deployment_configurations_ignore_what_azure_ignored() {
    let context = TestContext::bare();
    context.write("score.py", SCRIPT);
    context.write(
        "dc.json",
        "computeType: aks\nsslEnabled: true\nautoscaler: {autoscaleEnabled: false}\n",
    );
    let args = ["model", "deploy", "-n", "svc", "--es", "score.py", "--dc", "dc.json"];
    context.mlpack(&args).is(str![[r#"
--- stderr
error: [TEMP]/work/dc.json:3:1: unknown key `autoscaler`
hint: did you mean `autoScaler`?
--- exit code 1

"#]]);
    context.write(
        "dc.json",
        "{\"computeType\": \"aks\", \"sslEnabled\": true, \"somethingElse\": 1,}",
    );
    context.mlpack(&args).is(str![[r#"
--- stderr
warning: [TEMP]/work/dc.json:1:24: ignored the unknown key `sslEnabled`
warning: [TEMP]/work/dc.json:1:44: ignored the unknown key `somethingElse`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1

"#]]);
    context.mlpack(&[&args[..], &["--strict"]].concat()).is(str![[r#"
--- stderr
error: [TEMP]/work/dc.json:1:24: unknown key `sslEnabled`
hint: delete it, or omit `--strict` to ignore it
--- exit code 1

"#]]);
}
