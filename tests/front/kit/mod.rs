//! An isolated context for the command, and what it works with: base images, packages, a registry,
//! a Docker engine.

mod answer;
mod base_files;
mod bases;
mod channel;
mod cluster;
mod conda_package;
mod context;
mod docker;
mod fixture_server;
mod http;
mod layout;
mod lock;
mod mlflow;
mod pushed;
mod python_tools;
mod registry;
mod requirements;
mod runnable;
mod rust_source;
mod tree;
mod wheels;

pub(crate) use answer::{Answer, eq};
pub(crate) use base_files::noise;
pub(crate) use bases::{base, copy_base};
pub(crate) use channel::{Channel, ChannelAuth, channel, real_conda, runnable_channel};
pub(crate) use cluster::Cluster;
pub(crate) use conda_package::{CondaPackage, PLACEHOLDER};
pub(crate) use context::{TestContext, repository, uv};
pub(crate) use docker::{Docker, docker};
pub(crate) use fixture_server::FixtureServer;
pub(crate) use http::{answering, get, post};
pub(crate) use layout::{add_layer, blob_path, edit, image, relabel, sha256};
pub(crate) use mlflow::mlflow;
pub(crate) use pushed::{Pushed, pushed};
pub(crate) use python_tools::python_with;
pub(crate) use registry::{Registry, registry, served};
pub(crate) use requirements::{has, is_required, is_root, network, skip};
pub(crate) use runnable::{emulator, runnable_base};
pub(crate) use rust_source::Source;
pub(crate) use tree::{Tree, files, of_folder, of_tar};
pub(crate) use wheels::{wheel, wheels};
