//! `mlpack login` and `logout`: logins where Docker keeps them.

use mlpack_registry::{CredentialStore, Credentials, Secret};
use serde_json::json;

use crate::args::LoginArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::outside::docker_config;

pub(crate) fn login(context: &Context, args: &LoginArgs) -> Result<()> {
    let Some(username) = context.username() else {
        return Err(Failure::usage(
            "login needs --username and --password-stdin",
            format!("mlpack login {} --username NAME --password-stdin < FILE", args.registry),
        ));
    };
    let password = Secret::new(context.password()?);
    let credentials = Credentials::Basic { username: username.to_owned(), password };
    // What does not work is not stored.
    let client = context.registry(None)?;
    context.runtime.block_on(client.check_login(&args.registry, credentials.clone()))?;
    let path = docker_config().ok_or_else(no_home)?;
    CredentialStore::login(&path, &args.registry, &credentials)?;
    let value = json!({ "registry": args.registry, "file": path });
    output::result(context.format, &value, |_| {
        format!("logged in to {}, kept in {}", args.registry, path.display())
    });
    Ok(())
}

pub(crate) fn logout(context: &Context, args: &LoginArgs) -> Result<()> {
    let path = docker_config().ok_or_else(no_home)?;
    let was = CredentialStore::logout(&path, &args.registry)?;
    let value = json!({ "registry": args.registry, "removed": was });
    output::result(context.format, &value, |_| {
        let outcome = if was { "removed" } else { "there was no" };
        format!("{outcome} login for {} in {}", args.registry, path.display())
    });
    Ok(())
}

fn no_home() -> Failure {
    Failure::Other {
        message: "there is no folder for Docker's config.json".to_owned(),
        hint: Some("set HOME or DOCKER_CONFIG".to_owned()),
    }
}
