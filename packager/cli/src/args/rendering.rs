//! Documents instead of a running service.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mlpack_deploy::Form;
use mlpack_workflow::{DeployRequest, RenderRequest};

/// Whether and how documents are rendered.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rendering")]
pub(crate) struct RenderArgs {
    /// Write the documents of compute type `aks`, `aci` or `iot` to a folder, and send nothing
    #[arg(long, requires = "output")]
    render_only: bool,
    /// Folder of the documents
    #[arg(long, short, value_name = "DIR", requires = "render_only")]
    output: Option<PathBuf>,
    /// Form of the documents
    #[arg(long, value_enum, value_name = "FORM", requires = "render_only", default_value_t)]
    render: FormArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FormArg {
    /// What the target reads
    #[default]
    Plain,
    /// Objects of Kubernetes with a kustomization.yaml
    Kustomize,
    /// An InferenceService of KServe
    Kserve,
}

impl RenderArgs {
    /// Returns what to render, if documents are asked for.
    pub(crate) fn request(&self, service: &DeployRequest) -> Option<RenderRequest> {
        let folder = self.output.clone().filter(|_| self.render_only)?;
        let form = match self.render {
            FormArg::Plain => Form::Plain,
            FormArg::Kustomize => Form::Kustomize,
            FormArg::Kserve => Form::KServe,
        };
        Some(RenderRequest { service: service.clone(), form, folder })
    }
}
