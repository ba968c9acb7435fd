//! The argument `-m`: a file, or a registered model.

use std::path::Path;
use std::str::FromStr;

use mlpack_deploy::config::read_text;
use mlpack_models::{Selector, WorkspaceInfo, is_alias};
use mlpack_project::project::{ModelSpec, is_model_name};

use crate::{Argument, Error, Result};

/// A model as it is given: `NAME[:VERSION]=PATH`, a path, or `NAME`, `NAME:VERSION`, `NAME@ALIAS` of a registered one.
/// Text that can be both is a file if there is one of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelArgument {
    /// As a file or folder.
    pub file: Option<ModelSpec>,
    /// As a registered model.
    pub registered: Option<(String, Selector)>,
    /// The workspace that the registered model must be in; empty if any is right.
    pub workspace: WorkspaceInfo,
}

impl From<ModelSpec> for ModelArgument {
    fn from(file: ModelSpec) -> Self {
        Self { file: Some(file), registered: None, workspace: WorkspaceInfo::default() }
    }
}

impl FromStr for ModelArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let registered = registered(text);
        let workspace = WorkspaceInfo::default();
        match text.parse() {
            Ok(file) => Ok(Self { file: Some(file), registered, workspace }),
            Err(_) if registered.is_some() => Ok(Self { file: None, registered, workspace }),
            Err(error) => Err(error.into()),
        }
    }
}

impl ModelArgument {
    /// Reads a file that names a registered model by `modelId` and its workspace by `workspaceName` and
    /// `resourceGroupName`, as `mlpack model register -t` and `az ml model register -t` write it
    /// (docs/azureml-2019.md#1.2).
    ///
    /// # Errors
    /// [`Error::Io`], or [`Argument::Model`] if it names none.
    pub fn load(file: &Path) -> Result<Self> {
        let text = read_text(file).map_err(Error::io("read", file.display()))?;
        let wrong = |reason: &str| Argument::Model {
            message: format!("{} does not name a model: {reason}", file.display()),
            hint: "write it with `mlpack model register -t FILE`".to_owned(),
        };
        let document: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
        let text = |key: &str| document[key].as_str().map(str::to_owned);
        let id = text("modelId").or_else(|| text("id"));
        let id = id.ok_or_else(|| wrong("it has no `modelId`"))?;
        let workspace = WorkspaceInfo {
            workspace_name: text("workspaceName"),
            resource_group_name: text("resourceGroupName"),
        };
        Ok(Self { file: None, registered: Some(Self::id(&id)?), workspace })
    }

    /// Returns the model's name.
    pub fn name(&self) -> Option<&str> {
        let file = self.file.as_ref().map(|file| &*file.name);
        self.registered.as_ref().map(|(name, _)| &**name).or(file)
    }

    /// Parses the id of a registered model: `NAME`, `NAME:VERSION` or `NAME@ALIAS`.
    ///
    /// # Errors
    /// [`Argument::Model`].
    pub fn id(text: &str) -> Result<(String, Selector)> {
        registered(text).ok_or_else(|| {
            Argument::Model {
                message: format!("`{text}` is not a registered model"),
                hint: "write NAME, NAME:VERSION or NAME@ALIAS".to_owned(),
            }
            .into()
        })
    }
}

fn registered(text: &str) -> Option<(String, Selector)> {
    let (name, selector) = if let Some((name, alias)) = text.split_once('@') {
        let known = is_alias(alias) || alias == "latest";
        (name, Some(Selector::Alias(alias.to_owned())).filter(|_| known))
    } else if let Some((name, version)) = text.split_once(':') {
        (name, version.parse().ok().filter(|version| *version > 0).map(Selector::Version))
    } else {
        (text, Some(Selector::Latest))
    };
    is_model_name(name).then(|| Some((name.to_owned(), selector?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_be_a_file_or_a_registered_model() {
        let parse = |text: &str| text.parse::<ModelArgument>().unwrap();
        let both = parse("model.pkl");
        assert!(both.file.is_some());
        assert_eq!(both.registered, Some(("model.pkl".to_owned(), Selector::Latest)));
        assert_eq!(parse("a/b.pkl").registered, None);
        assert_eq!(parse("d=b.pkl").registered, None);
        let id = |text: &str| parse(text).registered.unwrap();
        assert_eq!(id("diabetes.pkl:3"), ("diabetes.pkl".to_owned(), Selector::Version(3)));
        assert_eq!(id("d@champion"), ("d".to_owned(), Selector::Alias("champion".to_owned())));
        assert!("d:0".parse::<ModelArgument>().is_err());
        assert!(" x".parse::<ModelArgument>().is_err());
    }
}
