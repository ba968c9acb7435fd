//! The trees of the new layers: where the parts of a project are in the image
//! (docs/azureml-2019.md#1.6, docs/azureml-2019.md#4.1).

use mlpack_documents::Templates;
use mlpack_lock::Server;
use mlpack_oci::layer::{Node, Tree};
use mlpack_oci::rootfs::{Kind, RootFs};
use serde_json::json;

use crate::Result;
use crate::image::front_door::{INNER_PORT, LAUNCHER};
use crate::image::{APP_ROOT, FrontDoor, MODELS_DIR, MODELS_ROOT};
use crate::project::docker_steps::Step;
use crate::project::{Listing, Model, PackedFile};

/// Returns a path relative to the root, as trees have it.
pub(in crate::image) fn below_root(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// Returns the front door, what starts the server behind it, and the folders that entry scripts
/// expect.
pub(in crate::image) fn server(
    front_door: &FrontDoor,
    architecture: &str,
    server: Server,
    templates: &Templates,
) -> Result<Tree> {
    let mut tree = Tree::new();
    front_door.add_to(&mut tree, architecture)?;
    if server == Server::Azmlinfsrv {
        let values = json!({ "app_root": json!(APP_ROOT).to_string(), "port": INNER_PORT });
        let launcher = templates.fill("launcher/launch.py.hbs", &values)?;
        tree.add_bytes(below_root(LAUNCHER), launcher.into_bytes(), false)?;
    }
    // Scripts written for Azure ML (2019) use this path (docs/azureml-2019.md#4.1).
    tree.add_symlink("structure/azureml-app", APP_ROOT)?;
    Ok(tree)
}

/// The folder of models, and what leads to it from the app root: one link, or one per model if the base has models in
/// the app root already.
pub(in crate::image) fn links(tree: &mut Tree, models: &[&Model], base: &RootFs) -> Result<()> {
    let in_app_root = format!("{}/{MODELS_DIR}", below_root(APP_ROOT));
    tree.insert(MODELS_ROOT, Node::Directory { open: false })?;
    let kept = base.find(&in_app_root).filter(|found| {
        found.entry.kind == Kind::Directory
            && found.path != MODELS_ROOT
            && base.below(&found.path).next().is_some()
    });
    if kept.is_none() {
        tree.add_symlink(&in_app_root, format!("/{MODELS_ROOT}"))?;
        return Ok(());
    }
    for model in models {
        let folder = model.folder();
        tree.add_symlink(&format!("{in_app_root}/{folder}"), format!("/{MODELS_ROOT}/{folder}"))?;
    }
    Ok(())
}

/// Returns one model, the only entry of `models/NAME/VERSION`.
///
/// # Errors
/// If two of its paths become one.
pub fn model(model: &Model) -> Result<Tree> {
    let mut tree = Tree::new();
    let folder = format!("{MODELS_ROOT}/{}", model.folder());
    tree.insert(&folder, Node::Directory { open: false })?;
    add_all(&mut tree, &folder, &model.files)?;
    Ok(tree)
}

/// Entry script, sources, and the module `main` for tools that look for it
/// (docs/azureml-2019.md#4.2).
pub(in crate::image) fn code(
    files: &Listing,
    entry_script: &str,
    source_directory: Option<&str>,
    templates: &Templates,
) -> Result<Tree> {
    let mut tree = Tree::new();
    let root = below_root(APP_ROOT);
    add_all(&mut tree, root, &files.files)?;
    // The app root is first on the module path: a module of the user takes precedence over ours.
    let folders =
        [Some(root.to_owned()), source_directory.map(|folder| format!("{root}/{folder}"))];
    let taken = folders.iter().flatten().any(|folder| {
        [format!("{folder}/main.py"), format!("{folder}/main")]
            .iter()
            .any(|path| tree.get(path).is_some())
    });
    if !taken {
        let main = format!("{root}/main.py");
        let values = json!({
            "entry_script": json!(entry_script).to_string(),
            "source_directory": json!(source_directory.unwrap_or("")).to_string(),
        });
        tree.add_bytes(
            &main,
            templates.fill("launcher/main.py.hbs", &values)?.into_bytes(),
            false,
        )?;
    }
    Ok(tree)
}

/// Returns files and folders of extra Dockerfile lines; a later line wins, as in Docker.
pub(in crate::image) fn steps(steps: &[Step]) -> Result<Tree> {
    let mut last = std::collections::BTreeMap::new();
    for step in steps {
        match step {
            Step::Copy { file } => last.insert(file.path.as_str(), file.node()),
            Step::Workdir { path } if path != "/" => {
                last.insert(below_root(path), Node::Directory { open: false })
            }
            _ => None,
        };
    }
    let mut tree = Tree::new();
    for (path, node) in last {
        tree.insert(path, node)?;
    }
    Ok(tree)
}

fn add_all(tree: &mut Tree, folder: &str, files: &[PackedFile]) -> Result<()> {
    for file in files {
        tree.insert(&format!("{folder}/{}", file.path), file.node())?;
    }
    Ok(())
}
