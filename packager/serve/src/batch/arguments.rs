//! What `mlpack-serve batch` is asked for.

use std::path::PathBuf;

/// Items in a group, if no number is given.
const GROUP: u64 = 10;

/// Where the items are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file with one path a line; each file is an item.
    Files(PathBuf),
    /// A file of which each line is an item.
    Lines(PathBuf),
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(super) input: Input,
    /// The folder of results.
    pub(super) output: PathBuf,
    /// Items in a group.
    pub(super) group: u64,
    /// How many items may fail; any number if none.
    pub(super) threshold: Option<u64>,
    /// Which groups: those whose number leaves the first when divided by the second.
    pub(super) shard: Option<(u64, u64)>,
    /// The worker.
    pub(super) argv: Vec<String>,
}

/// Parses what follows `batch`. `index` is JOB_COMPLETION_INDEX, which an Indexed Job of Kubernetes sets.
///
/// # Errors
/// What is wrong.
pub(crate) fn parse(words: &[String], index: Option<&str>) -> Result<Arguments, String> {
    let end =
        words.iter().position(|word| word == "--").ok_or("expected `-- WORKER` at the end")?;
    let argv = words[end + 1..].to_vec();
    if argv.is_empty() {
        return Err("expected a worker after `--`".to_owned());
    }
    let (mut input, mut output, mut group, mut threshold, mut shards) =
        (None, None, GROUP, None, None);
    for pair in words[..end].chunks(2) {
        let [name, value] = pair else {
            return Err(format!("expected a value after `{}`", pair[0]));
        };
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("invalid {name} `{value}`: expected a whole number"))
        };
        let at_least_one = || match number()? {
            0 => Err(format!("invalid {name} `0`: expected a whole number above 0")),
            number => Ok(number),
        };
        match name.as_str() {
            "--files" => input = Some(Input::Files(value.into())),
            "--lines" => input = Some(Input::Lines(value.into())),
            "--output" => output = Some(PathBuf::from(value)),
            "--mini-batch-size" => group = at_least_one()?,
            // As in Azure ML, a negative number stands for any.
            "--error-threshold" => {
                threshold = if value.starts_with('-') { None } else { Some(number()?) }
            }
            "--shards" => shards = Some(at_least_one()?),
            _ => return Err(format!("unknown option `{name}`")),
        }
    }
    let shard = match (shards, index) {
        (None, _) => None,
        (Some(count), Some(index)) => match index.parse() {
            Ok(index) if index < count => Some((index, count)),
            _ => {
                return Err(format!(
                    "invalid JOB_COMPLETION_INDEX `{index}`: expected a number below {count}"
                ));
            }
        },
        (Some(_), None) => return Err("--shards needs JOB_COMPLETION_INDEX".to_owned()),
    };
    Ok(Arguments {
        input: input.ok_or("expected `--files LIST` or `--lines FILE`")?,
        output: output.ok_or("expected `--output DIR`")?,
        group,
        threshold,
        shard,
        argv,
    })
}
