//! Settings of the front door, read from environment variables once at the start.
//!
//! Names of Azure's inference server are kept where it had the setting (docs/azureml-2019.md#4.5); others begin with
//! `MLPACK_`. Durations are whole milliseconds unless the name says seconds.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::net::Address;
use crate::telemetry::{Target, TargetError, targets};

/// Stands for no limit: ten years, which timers can count.
const NO_LIMIT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    /// A value of the wrong kind.
    #[error("invalid {name} `{found}`: expected {expected}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A target of telemetry.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// All settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Address of scoring requests: `MLPACK_LISTEN`, else all addresses at `SERVER_PORT` (5001).
    pub(crate) listen: Address,
    /// Address of `/livez`, `/readyz` and `/metrics`: `MLPACK_OPERATIONS_LISTEN`, else all addresses at 5002.
    pub(crate) operations: Address,
    /// `SERVICE_NAME`; routes exist below `/api/v1/service/NAME` as well.
    pub(crate) service: Option<String>,
    /// `WORKER_COUNT` (1).
    pub(crate) workers: usize,
    /// `WORKER_TIMEOUT`, seconds that importing the script and `init()` may take together (300).
    pub(crate) init_timeout: Duration,
    /// `SCORING_TIMEOUT_MS` (3600000); 0 means no limit.
    pub(crate) scoring_timeout: Duration,
    /// `MLPACK_MAX_CONCURRENT_REQUESTS`: requests that run at once; the number of workers by default.
    pub(crate) concurrent: usize,
    /// `MLPACK_MAX_QUEUED_REQUESTS` (1024).
    pub(crate) queued: usize,
    /// `MLPACK_MAX_QUEUE_WAIT_MS` (60000).
    pub(crate) queue_wait: Duration,
    /// `MLPACK_MAX_BODY_BYTES` (104857600).
    pub(crate) body_limit: u64,
    /// `MLPACK_MAX_BUFFERED_BYTES` (268435456): request bodies together, at least one.
    pub(crate) buffered: u64,
    /// `MLPACK_HEADER_TIMEOUT_MS` (10000): until a request's headers are complete, also between requests.
    pub(crate) header_timeout: Duration,
    /// `MLPACK_BODY_TIMEOUT_MS` (30000): longest pause of a client within a body, its own or an answer's.
    pub(crate) body_timeout: Duration,
    /// `MLPACK_DRAIN_DELAY_MS` (0): from SIGTERM until no more connections are accepted.
    pub(crate) drain_delay: Duration,
    /// `MLPACK_GRACE_MS` (25000): how long requests in flight may take after that.
    pub(crate) grace: Duration,
    /// `MLPACK_SUCCESSOR_FILE`: a file that names the front door which takes over, as `HOST:PORT`.
    pub(crate) successor_file: Option<PathBuf>,
    /// `HOSTNAME`, where a successor is possible.
    pub(crate) instance: Option<String>,
    /// `MLPACK_BOOT_ATTEMPTS` (3): failed starts in a row that end the process.
    pub(crate) boot_attempts: u32,
    /// `MLPACK_PARENT`: the parent process, with which this one ends.
    pub(crate) parent: Option<i32>,
    /// `JOB_COMPLETION_INDEX`, which an Indexed Job of Kubernetes sets.
    pub(crate) completion_index: Option<String>,
    /// `AML_CORS_ORIGINS`, separated by commas.
    pub(crate) origins: Vec<String>,
    /// `MLPACK_PRIMARY_KEY` and `MLPACK_SECONDARY_KEY`.
    pub(crate) keys: Vec<String>,
    /// `MLPACK_KEYS_FILE`: one key a line, read again when it changes.
    pub(crate) keys_file: Option<PathBuf>,
    /// Where spans go (OTEL_EXPORTER_OTLP_ENDPOINT, APPLICATIONINSIGHTS_CONNECTION_STRING).
    pub(crate) telemetry: Vec<Target>,
    /// `MLPACK_TLS_CERTIFICATE` and `MLPACK_TLS_KEY`: PEM files, read again when they change.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
}

/// Reads variables by name with defaults.
struct Reader<'a>(&'a HashMap<String, String>);

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn number<T: TryFrom<u64>>(&self, name: &'static str, default: T) -> Result<T, SettingError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.error(name, "a whole number"))
    }

    fn at_least_one(&self, name: &'static str, default: usize) -> Result<usize, SettingError> {
        match self.number(name, default)? {
            0 => Err(self.error(name, "a whole number above 0")),
            number => Ok(number),
        }
    }

    fn milliseconds(&self, name: &'static str, default: u64) -> Result<Duration, SettingError> {
        Ok(Duration::from_millis(self.number(name, default)?))
    }

    fn address(&self, name: &'static str) -> Result<Option<Address>, SettingError> {
        let expected = "unix:PATH, HOST:PORT or PORT";
        self.text(name)
            .map(|text| text.parse().map_err(|()| self.error(name, expected)))
            .transpose()
    }

    fn error(&self, name: &'static str, expected: &'static str) -> SettingError {
        let found = self.text(name).unwrap_or_default().to_owned();
        SettingError::Value { name, found, expected }
    }
}

impl Settings {
    /// Reads the settings from `variables`.
    ///
    /// # Errors
    /// The first variable with a value of the wrong kind.
    pub(crate) fn read(variables: &HashMap<String, String>) -> Result<Self, SettingError> {
        let read = Reader(variables);
        let port = |name, default| read.number::<u16>(name, default).map(Address::Port);
        let workers = read.at_least_one("WORKER_COUNT", 1)?;
        let path = |name| read.text(name).map(PathBuf::from);
        let tls = match (path("MLPACK_TLS_CERTIFICATE"), path("MLPACK_TLS_KEY")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(read.error("MLPACK_TLS_KEY", "a file beside MLPACK_TLS_CERTIFICATE"));
            }
            (None, Some(_)) => {
                return Err(read.error("MLPACK_TLS_CERTIFICATE", "a file beside MLPACK_TLS_KEY"));
            }
        };
        let keys = ["MLPACK_PRIMARY_KEY", "MLPACK_SECONDARY_KEY"];
        let origins = read.text("AML_CORS_ORIGINS").unwrap_or_default();
        Ok(Self {
            listen: match read.address("MLPACK_LISTEN")? {
                Some(address) => address,
                None => port("SERVER_PORT", 5001)?,
            },
            operations: read.address("MLPACK_OPERATIONS_LISTEN")?.unwrap_or(Address::Port(5002)),
            service: read.text("SERVICE_NAME").map(str::to_owned),
            workers,
            init_timeout: Duration::from_secs(read.number("WORKER_TIMEOUT", 300)?),
            scoring_timeout: match read.milliseconds("SCORING_TIMEOUT_MS", 3_600_000)? {
                Duration::ZERO => NO_LIMIT,
                limit => limit,
            },
            concurrent: read.at_least_one("MLPACK_MAX_CONCURRENT_REQUESTS", workers)?,
            queued: read.number("MLPACK_MAX_QUEUED_REQUESTS", 1024)?,
            queue_wait: read.milliseconds("MLPACK_MAX_QUEUE_WAIT_MS", 60_000)?,
            body_limit: read.number("MLPACK_MAX_BODY_BYTES", 100 << 20)?,
            buffered: read.number("MLPACK_MAX_BUFFERED_BYTES", 256 << 20)?,
            header_timeout: read.milliseconds("MLPACK_HEADER_TIMEOUT_MS", 10_000)?,
            body_timeout: read.milliseconds("MLPACK_BODY_TIMEOUT_MS", 30_000)?,
            drain_delay: read.milliseconds("MLPACK_DRAIN_DELAY_MS", 0)?,
            grace: read.milliseconds("MLPACK_GRACE_MS", 25_000)?,
            successor_file: path("MLPACK_SUCCESSOR_FILE"),
            instance: path("MLPACK_SUCCESSOR_FILE")
                .and_then(|_| read.text("HOSTNAME").map(str::to_owned)),
            boot_attempts: read.number("MLPACK_BOOT_ATTEMPTS", 3_u32)?.max(1),
            parent: match read.text("MLPACK_PARENT") {
                Some(_) => Some(read.number("MLPACK_PARENT", 0_i32)?),
                None => None,
            },
            completion_index: read.text("JOB_COMPLETION_INDEX").map(str::to_owned),
            origins: origins
                .split(',')
                .map(str::trim)
                .filter(|origin| !origin.is_empty())
                .map(str::to_owned)
                .collect(),
            keys: keys.iter().filter_map(|name| read.text(name)).map(str::to_owned).collect(),
            keys_file: path("MLPACK_KEYS_FILE"),
            telemetry: targets(|name| read.text(name))?,
            tls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::read(&variables.iter().map(owned).collect())
    }

    #[test]
    fn defaults_are_those_of_azures_server() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen, Address::Port(5001));
        assert_eq!((settings.workers, settings.concurrent), (1, 1));
        assert_eq!(settings.scoring_timeout, Duration::from_secs(3600));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_the_variable() {
        let error = |name, value| read(&[(name, value)]).unwrap_err().to_string();
        assert_eq!(
            error("WORKER_COUNT", "two"),
            "invalid WORKER_COUNT `two`: expected a whole number"
        );
        assert_eq!(
            error("WORKER_COUNT", "0"),
            "invalid WORKER_COUNT `0`: expected a whole number above 0"
        );
        assert_eq!(
            error("SERVER_PORT", "70000"),
            "invalid SERVER_PORT `70000`: expected a whole number"
        );
        assert_eq!(
            error("MLPACK_TLS_KEY", "key.pem"),
            "invalid MLPACK_TLS_CERTIFICATE ``: expected a file beside MLPACK_TLS_KEY"
        );
    }
}
