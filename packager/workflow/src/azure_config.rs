//! The file that names a workspace, as `Workspace.write_config` and `az ml folder attach` write it
//! (docs/azureml-2019.md#5).

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_deploy::AzureAccount;
use mlpack_deploy::config::read_text;
use mlpack_models::WorkspaceInfo;
use mlpack_oci::pending::write_durably;
use serde_json::{Map, Value};

use crate::{Argument, Error, Result, Session};

/// Where it is, from the folder of a project; the first is the newest place.
const FILES: [&str; 3] = [".azureml/config.json", "aml_config/config.json", "config.json"];

/// The key that is ours: the workspace of mlpack, as for `--workspace`.
const PLACE: &str = "mlpack_workspace";
const NAME: &str = "workspace_name";
const GROUP: &str = "resource_group";
const SUBSCRIPTION: &str = "subscription_id";

/// What such a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AzureConfig {
    /// The workspace's names on Azure.
    pub info: WorkspaceInfo,
    /// The subscription of the workspace.
    pub subscription: Option<String>,
    /// The workspace of mlpack.
    pub place: Option<String>,
}

impl AzureConfig {
    /// Reads the file of a folder; `None` if there is none. A file of that name that is for something else is ignored.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>> {
        let found = FILES.map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
        let Some(path) = found else { return Ok(None) };
        let Some(keys) = read(&path)? else { return Ok(None) };
        let text = |key: &str| keys.get(key).and_then(Value::as_str).map(str::to_owned);
        let info = WorkspaceInfo { workspace_name: text(NAME), resource_group_name: text(GROUP) };
        let config = Self { info, subscription: text(SUBSCRIPTION), place: text(PLACE) };
        Ok((config != Self::default()).then_some(config))
    }

    /// Writes what is given into the file of a folder, whose other keys are kept. Returns the file.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(FILES[0]);
        let keys = if path.exists() { read(&path)? } else { Some(Map::new()) };
        let mut keys = keys.ok_or_else(|| Argument::Model {
            message: format!("{} is not a JSON object", path.display()),
            hint: "correct or delete it".to_owned(),
        })?;
        let given = [
            (NAME, &self.info.workspace_name),
            (GROUP, &self.info.resource_group_name),
            (SUBSCRIPTION, &self.subscription),
            (PLACE, &self.place),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                keys.insert(key.to_owned(), value.as_str().into());
            }
        }
        let failed = |source| Error::io("write", path.display())(source);
        fs::create_dir_all(folder.join(".azureml")).map_err(failed)?;
        let text = format!("{:#}\n", Value::Object(keys));
        write_durably(&path, text.as_bytes()).map_err(failed)?;
        Ok(path)
    }
}

/// Returns who signs in to Azure and where services are: what the user says, else the nearest file that names a resource
/// group or a subscription, from the folder upwards.
///
/// # Errors
/// As [`AzureConfig::of`].
pub(crate) fn azure_account(session: &Session) -> Result<AzureAccount> {
    let mut account = session.azure.clone();
    for folder in session.workspace_folder.ancestors() {
        let Some(config) = AzureConfig::of(folder)? else { continue };
        account.subscription = account.subscription.or(config.subscription);
        account.resource_group = account.resource_group.or(config.info.resource_group_name);
        break;
    }
    Ok(account)
}

/// Reads the keys of a file; `None` if it has none.
fn read(path: &Path) -> Result<Option<Map<String, Value>>> {
    let text = read_text(path).map_err(Error::io("read", path.display()))?;
    Ok(serde_json::from_str(&text).ok())
}
