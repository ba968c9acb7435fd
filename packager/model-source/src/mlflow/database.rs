//! The SQLite database of MLflow, read only.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Params, Row};

use super::local::LocalStore;
use super::{LoggedModel, Run};
use crate::{Error, Result};

/// How long a writer is awaited.
const BUSY: Duration = Duration::from_secs(5);

/// A database.
pub(super) struct Database {
    connection: Connection,
    name: String,
}

impl Database {
    /// Opens a database that exists.
    pub(super) fn open(path: &Path, name: &str) -> Result<Self> {
        let broken = |reason: String| Error::Store { store: name.to_owned(), reason };
        if !path.is_file() {
            return Err(broken(format!("there is no file {}", path.display())));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags);
        let connection = connection.map_err(|error| broken(error.to_string()))?;
        connection.busy_timeout(BUSY).map_err(|error| broken(error.to_string()))?;
        Ok(Self { connection, name: name.to_owned() })
    }

    fn one<T>(
        &self,
        query: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let found = self.connection.query_row(query, parameters, read).optional();
        found.map_err(|error| self.broken(&error))
    }

    fn all<T>(
        &self,
        query: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare(query).map_err(|error| self.broken(&error))?;
        let rows = statement.query_map(parameters, read).and_then(Iterator::collect);
        rows.map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &rusqlite::Error) -> Error {
        let store = self.name.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked { store },
            _ => Error::Store { store, reason: error.to_string() },
        }
    }
}

/// Experiments have numbers as ids.
fn number(id: &str) -> i64 {
    id.parse().unwrap_or(-1)
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let experiment: i64 = row.get(1)?;
    let artifacts: Option<String> = row.get(2)?;
    Ok(Run {
        id: row.get(0)?,
        experiment: experiment.to_string(),
        artifacts: artifacts.unwrap_or_default(),
    })
}

impl LocalStore for Database {
    fn name(&self) -> &str {
        &self.name
    }

    fn experiment(&self, name: &str) -> Result<Option<String>> {
        let query = "SELECT experiment_id FROM experiments WHERE name = ?1";
        let found = self.one(query, [name], |row| row.get::<_, i64>(0))?;
        Ok(found.map(|id| id.to_string()))
    }

    fn experiment_name(&self, id: &str) -> Result<Option<String>> {
        let query = "SELECT name FROM experiments WHERE experiment_id = ?1";
        self.one(query, [number(id)], |row| row.get(0))
    }

    fn experiments(&self) -> Result<Vec<String>> {
        self.all("SELECT name FROM experiments", [], |row| row.get(0))
    }

    fn run(&self, id: &str) -> Result<Option<Run>> {
        let query = "SELECT run_uuid, experiment_id, artifact_uri FROM runs WHERE run_uuid = ?1";
        self.one(query, [id], run)
    }

    fn newest_run(&self, experiment: &str) -> Result<Option<Run>> {
        let query = "SELECT run_uuid, experiment_id, artifact_uri FROM runs \
                     WHERE experiment_id = ?1 AND lifecycle_stage = 'active' \
                     ORDER BY start_time DESC LIMIT 1";
        self.one(query, [number(experiment)], run)
    }

    fn models(&self, run: &Run) -> Result<Vec<LoggedModel>> {
        let exists = "SELECT 1 FROM sqlite_master WHERE name = 'logged_models'";
        if self.one(exists, [], |_| Ok(()))?.is_none() {
            // MLflow before version 3.
            return Ok(Vec::new());
        }
        let query = "SELECT model_id, name, artifact_location FROM logged_models \
                     WHERE source_run_id = ?1 AND lifecycle_stage = 'active' \
                     ORDER BY creation_timestamp_ms DESC";
        self.all(query, [&run.id], |row| {
            Ok(LoggedModel { id: row.get(0)?, name: row.get(1)?, artifacts: row.get(2)? })
        })
    }
}
