//! `mlpack cache`: what the cache has, and what is removed from it.

use std::path::Path;

use mlpack_cache::{Bounds, CacheFolder, Pruned, Summary, Verified};
use mlpack_workflow::counted;
use serde_json::json;

use crate::context::{Context, threads};
use crate::failure::Result;
use crate::{output, settings};

/// Days after which entries that nobody used are removed, if nothing else is given.
const DAYS: u32 = 30;

/// Show and clean the cache
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show where the cache is and how large it is
    #[command(after_help = INFO_EXAMPLES)]
    Info,
    Prune(PruneArgs),
    /// Remove files whose bytes are not what was downloaded or written
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify,
}

const INFO_EXAMPLES: &str = "\
Examples:
  mlpack cache info
  mlpack cache info --format json";

const PRUNE_EXAMPLES: &str = "\
Examples:
  mlpack cache prune
  mlpack cache prune --older-than 7
  mlpack cache prune --max-size 20GB

Waits until no other mlpack uses the cache. Everything in it can be made or downloaded again.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  mlpack cache verify

Waits until no other mlpack uses the cache. What is removed is made or downloaded again when it is
needed.";

/// Remove what was not used for some time
#[derive(Debug, clap::Args)]
#[command(after_help = PRUNE_EXAMPLES)]
struct PruneArgs {
    /// Remove what was not used for so many days [default: 30, without --max-size]
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Remove what was not used for longest until the cache is not larger, as in 20GB or 500MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
}

fn parse_size(text: &str) -> Result<u64, String> {
    let size = text.parse::<bytesize::ByteSize>();
    size.map(|size| size.as_u64()).map_err(|_| "expected a size as in 20GB or 500MiB".to_owned())
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let path = context.cache_dir()?;
    let cache = CacheFolder::existing(&path)?;
    match &args.command {
        Command::Info => info(context, &path, cache.as_ref()),
        Command::Prune(args) => prune(context, cache.as_ref(), args),
        Command::Verify => verify(context, cache.as_ref()),
    }
}

fn info(context: &Context, path: &Path, cache: Option<&CacheFolder>) -> Result<()> {
    let entries = cache.map(CacheFolder::entries).transpose()?.unwrap_or_default();
    let kinds = CacheFolder::summaries(&entries);
    let bytes: u64 = kinds.iter().map(|kind| kind.bytes).sum();
    let value = json!({ "cache": path, "bytes": bytes, "kinds": kinds });
    output::result(context.format, &value, |_| {
        let total = vec!["total".to_owned(), entries.len().to_string(), output::size(bytes)];
        let rows = kinds.iter().map(row).chain([total]);
        format!("{}\n{}", path.display(), output::table(&["KIND", "ENTRIES", "SIZE"], rows))
    });
    Ok(())
}

fn row(kind: &Summary) -> Vec<String> {
    vec![kind.kind.to_owned(), kind.entries.to_string(), output::size(kind.bytes)]
}

fn prune(context: &Context, cache: Option<&CacheFolder>, args: &PruneArgs) -> Result<()> {
    let days = args.older_than.or(args.max_size.is_none().then_some(DAYS));
    let since = days.map(settings::days_ago);
    let bounds = Bounds { since, bytes: args.max_size };
    let pruned = match cache {
        Some(cache) => cache.prune(&bounds, context.progress())?,
        None => Pruned::default(),
    };
    output::result(context.format, &pruned, |pruned| {
        let mut lines: Vec<String> = Vec::new();
        if !pruned.removed.is_empty() {
            let header = &["REMOVED", "ENTRIES", "SIZE"];
            lines.push(output::table(header, pruned.removed.iter().map(row)));
        }
        let (freed, left) = (output::size(pruned.bytes), output::size(pruned.left));
        lines.push(format!("{freed} removed, {left} left"));
        lines.join("\n")
    });
    Ok(())
}

fn verify(context: &Context, cache: Option<&CacheFolder>) -> Result<()> {
    let verified = match cache {
        Some(cache) => cache.verify(threads(), context.progress())?,
        None => Verified::default(),
    };
    output::result(context.format, &verified, |verified| {
        let damaged = verified.damaged.iter();
        let mut lines: Vec<String> =
            damaged.map(|file| format!("removed {}: damaged", file.display())).collect();
        let (files, size) = (counted(verified.files, "file"), output::size(verified.bytes));
        lines.push(format!("{files} ({size}) verified, {} damaged", lines.len()));
        lines.join("\n")
    });
    Ok(())
}
