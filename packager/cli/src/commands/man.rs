//! `mlpack man`: writes manual pages.

use std::path::PathBuf;

use mlpack_oci::pending::write_durably;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack man ~/.local/share/man/man1 && man mlpack-model-deploy
  mlpack man pages";

/// Write manual pages, one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder to write them to
    folder: PathBuf,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let folder = context.cwd()?.join(&args.folder);
    std::fs::create_dir_all(&folder).map_err(Failure::io("write", folder.display()))?;
    let mut root = (context.command_line)().disable_help_subcommand(true);
    root.build();
    let mut waiting = vec![(root.get_name().to_owned(), root)];
    let mut written = Vec::new();
    while let Some((name, command)) = waiting.pop() {
        let children = command.get_subcommands().filter(|child| !child.is_hide_set());
        waiting
            .extend(children.map(|child| (format!("{name}-{}", child.get_name()), child.clone())));
        let file = format!("{name}.1");
        let path = folder.join(&file);
        let mut page = Vec::new();
        let pages = clap_mangen::Man::new(command.name(name)).render(&mut page);
        pages
            .and_then(|()| write_durably(&path, &page))
            .map_err(Failure::io("write", path.display()))?;
        written.push(file);
    }
    written.sort();
    let count = written.len();
    output::result(context.format, &json!({ "pages": written }), |_| {
        format!("wrote {count} pages to {}", args.folder.display())
    });
    Ok(())
}
