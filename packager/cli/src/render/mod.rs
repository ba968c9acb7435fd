//! Results as text.

mod age;
mod base;
mod changes;
mod finding;
mod inspection;
mod labels;
mod log;
mod model;
pub(crate) mod sarif;
mod service;

use age::age;
pub(crate) use base::{facts, verdicts};
pub(crate) use changes::{changes, contents};
pub(crate) use finding::finding;
pub(crate) use inspection::{file_line, inspection, largest};
use labels::labels;
pub(crate) use log::{LogLine, log_line};
pub(crate) use model::{model, model_value, models};
pub(crate) use service::{differences, keys, service, services};
