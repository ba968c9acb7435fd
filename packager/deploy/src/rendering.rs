//! Documents for a compute target, made from a deployment without connecting to anything.

use std::path::Path;

use mlpack_documents::Templates;
use serde_json::Value;

use crate::options::TargetOptions;
use crate::placement_error::PlacementError;
use crate::{Deployment, PullLogin, Result};

/// One document of a rendering.
#[derive(Clone, PartialEq)]
pub struct RenderedDocument {
    /// Name of its file.
    pub file: String,
    /// What it says.
    pub content: Value,
    /// Whether it contains keys or passwords.
    pub secret: bool,
}

/// Names of files without a number.
const FILES: [&str; 3] = ["container-group.json", "deployment.json", "kustomization.yaml"];

impl RenderedDocument {
    /// Whether a rendering can have a file of that name.
    pub fn is_file_name(name: &str) -> bool {
        let number = name.split_once('-').map(|(number, _)| number.parse::<u8>());
        FILES.contains(&name) || (matches!(number, Some(Ok(_))) && name.ends_with(".yaml"))
    }

    /// Returns its text, in the format that the file's name ends with.
    ///
    /// # Errors
    /// [`PlacementError::Unwritable`]
    pub fn text(&self) -> Result<String> {
        if self.file.ends_with(".json") {
            return Ok(format!("{:#}\n", self.content));
        }
        let text = serde_yaml::to_string(&self.content);
        Ok(text.map_err(|error| PlacementError::Unwritable {
            file: self.file.clone(),
            reason: error.to_string(),
        })?)
    }
}

/// Everything that a target needs to run a deployment.
#[derive(Clone, PartialEq, Default)]
pub struct Rendered {
    /// The documents in the order in which they are applied.
    pub documents: Vec<RenderedDocument>,
    /// Settings that the target does not act on, a line each.
    pub warnings: Vec<String>,
}

/// The form of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// What the target itself reads: objects of Kubernetes, a body of Azure Resource Manager.
    #[default]
    Plain,
    /// The objects of Kubernetes with a `kustomization.yaml`.
    Kustomize,
    /// An InferenceService of KServe.
    KServe,
}

/// What is rendered.
#[derive(Clone, Copy)]
pub struct Rendering<'a> {
    /// The service.
    pub deployment: &'a Deployment,
    /// How the service is reached, and other choices that are not in the configuration.
    pub options: &'a TargetOptions,
    /// The login that the target pulls the image with.
    pub pull_login: Option<&'a PullLogin>,
    /// The form of the documents.
    pub form: Form,
    /// The templates of the documents.
    pub templates: &'a Templates,
    /// The folder that relative paths of a configuration start from.
    pub folder: &'a Path,
}

impl Rendering<'_> {
    /// Fills the template of a document.
    pub(crate) fn document(
        &self,
        template: &str,
        file: String,
        values: &Value,
    ) -> Result<RenderedDocument, PlacementError> {
        let content = self.templates.fill_document(template, values)?;
        Ok(RenderedDocument { file, content, secret: false })
    }

    /// Refuses options that a target does not act on.
    pub(crate) fn refuse_other_options(
        &self,
        known: &[&str],
        target: &str,
    ) -> Result<(), PlacementError> {
        match self.options.without_meaning(known) {
            None => Ok(()),
            Some(flag) => Err(PlacementError::without_meaning(flag, target)),
        }
    }

    /// Returns what is missing for Application Insights, if anything is.
    pub(crate) fn insights_warning(&self, enabled: bool) -> Option<String> {
        let known = ["APPLICATIONINSIGHTS_CONNECTION_STRING", "AML_APP_INSIGHTS_KEY"];
        let is_set = known.iter().any(|name| self.deployment.environment.contains_key(*name));
        let text = "`appInsightsEnabled` sends nothing unless the image or `--env` sets APPLICATIONINSIGHTS_CONNECTION_STRING";
        (enabled && !is_set).then(|| text.to_owned())
    }

    /// Returns the reference of the image, which must be in a registry.
    pub(crate) fn image_reference(&self, target: &'static str) -> Result<String, PlacementError> {
        let reference = self.deployment.image.to_string();
        match in_registry(&reference) {
            true => Ok(reference),
            false => Err(PlacementError::NotInRegistry { reference, target }),
        }
    }
}

/// Whether a pinned reference is one of a registry: the other places have a prefix, as in `oci:` and `docker:`.
fn in_registry(reference: &str) -> bool {
    matches!(reference.parse(), Ok(mlpack_oci::Location::Registry(_)))
}
