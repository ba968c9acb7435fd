//! Who signs in to Azure.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use snapbox::str;

use crate::kit::{FixtureServer, TestContext};

/// Writes a program `az`.
fn program(context: &TestContext, text: &str) {
    context.write("bin/az", text);
    fs::set_permissions(context.path("bin/az"), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_source_that_is_there_signs_in() {
    let mut context = TestContext::bare();
    let folder = context.root().join("azure");
    let azure = FixtureServer::start("azure/server.py", &folder, &[]);
    let nowhere = "http://127.0.0.1:1";
    context.set("MLPACK_AZURE_CLOUD", &azure.address);
    context.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", nowhere);
    let list = |context: &TestContext, more: &[&str]| {
        let line = ["service", "list", "--compute-type", "aci", "-g", "team", "--format", "json"];
        context.mlpack(&[&line[..], more].concat())
    };
    let subscription = ["--subscription-id", "lab"];
    list(&context, &subscription).is(str![[r#"
--- stderr
{"error":{"message":"not signed in to Azure: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set; there is no `az` on PATH; this is no virtual machine of Azure","hint":"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`","exitCode":1}}
--- exit code 1

"#]]);
    // A virtual machine; without a subscription, there is none to ask.
    context.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", &azure.address);
    list(&context, &subscription).is("[]\n");
    list(&context, &[]).is(str![[r#"
--- stderr
{"error":{"message":"no Azure subscription is named","hint":"name it with `--subscription-id`, AZURE_SUBSCRIPTION_ID, or `subscription_id` in .azureml/config.json","exitCode":1}}
--- exit code 1

"#]]);
    context.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", nowhere);
    // The Azure command line, which knows the subscription.
    let az = "#!/bin/sh\necho '{\"accessToken\": \"good\", \"subscription\": \"lab\"}'\n";
    program(&context, az);
    context.set("PATH", format!("{}:/usr/bin:/bin", context.path("bin").display()));
    list(&context, &[]).is("[]\n");
    program(&context, "#!/bin/sh\necho 'ERROR: Please run az login.' >&2\nexit 1\n");
    list(&context, &[]).is(str![[r#"
--- stderr
{"error":{"message":"not signed in to Azure: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set; `az`: Please run az login.; this is no virtual machine of Azure","hint":"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`","exitCode":1}}
--- exit code 1

"#]]);
    // A job of Azure, a workload of a cluster, a service principal.
    context.set("IDENTITY_ENDPOINT", format!("{}/app-service/token", azure.address));
    context.set("IDENTITY_HEADER", "header");
    list(&context, &subscription).is("[]\n");
    context.set("IDENTITY_HEADER", "another");
    list(&context, &subscription).is(str![[r#"
--- stderr
{"error":{"message":"cannot sign in to Azure with the managed identity of IDENTITY_ENDPOINT: wrong header","hint":"check the variables that begin with AZURE_, or `az login` again","exitCode":1}}
--- exit code 1

"#]]);
    context.set("AZURE_TENANT_ID", "tenant");
    context.set("AZURE_CLIENT_ID", "client");
    context.write("token", "workload\n");
    context.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    list(&context, &subscription).is("[]\n");
    context.write("token", "expired\n");
    list(&context, &subscription).is(str![[r#"
--- stderr
{"error":{"message":"cannot sign in to Azure with the workload identity of AZURE_FEDERATED_TOKEN_FILE: AADSTS7000215: Invalid client secret provided","hint":"check the variables that begin with AZURE_, or `az login` again","exitCode":1}}
--- exit code 1

"#]]);
    context.set("AZURE_CLIENT_SECRET", "password");
    list(&context, &subscription).is("[]\n");
}
