//! The list and the server that is added to it.

use crate::Result;
use crate::compile::Compiler;
use crate::fetch::Client;
use crate::lock::PylockRead;
use crate::resolve::prefer_wheels;
use crate::server::ServerChoice;
use crate::work_folder::WorkFolder;

/// Resolves a list with the server that is added.
pub(crate) struct Worlds<'a> {
    pub(crate) compiler: Compiler<'a>,
    pub(crate) client: &'a Client,
    pub(crate) work: &'a WorkFolder,
}

impl Worlds<'_> {
    /// Resolves `wanted`, the list's own lines, with the server of `choice`.
    pub(crate) async fn resolve(
        &mut self,
        wanted: &[String],
        choice: &ServerChoice,
        notes: &mut Vec<String>,
    ) -> Result<PylockRead> {
        notes.extend(choice.notes.iter().cloned());
        self.compiler.input =
            wanted.iter().chain(&choice.added).flat_map(|line| [line.as_str(), "\n"]).collect();
        prefer_wheels(&mut self.compiler, self.client, notes).await
    }
}
