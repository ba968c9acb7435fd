//! What answers calls: the workers, or one program that serves HTTP.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::frame::Reply;
use crate::log;
use crate::pool::{OwnedCall, Pool};
use crate::upstream::Upstream;
use crate::worker::CallError;

/// How often a call is given to another worker when one had ended before it got the call.
const ATTEMPTS: usize = 3;

/// What answers calls.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    /// Workers that speak the protocol of [`crate::frame`].
    Workers(Arc<Pool>),
    /// A program that speaks HTTP.
    Program(Arc<Upstream>),
}

impl Backend {
    /// The number of workers, or programs, that are ready or at work.
    pub(crate) fn ready(&self) -> usize {
        match self {
            Self::Workers(pool) => pool.ready(),
            Self::Program(upstream) => upstream.ready(),
        }
    }

    /// Whether `run` takes whole HTTP requests.
    pub(crate) fn is_raw(&self) -> bool {
        match self {
            Self::Workers(pool) => pool.takes().raw,
            Self::Program(_) => true,
        }
    }

    /// Process identifiers, 0 where one is being started.
    pub(crate) fn pids(&self) -> Vec<i32> {
        match self {
            Self::Workers(pool) => pool.pids(),
            Self::Program(upstream) => vec![upstream.pid()],
        }
    }

    /// Replaces the workers by new ones that have read the script again; a program is not replaced.
    pub(crate) fn reload(&self) {
        match self {
            Self::Workers(pool) => pool.reload(),
            Self::Program(_) => log::warning("only the builtin worker can be reloaded"),
        }
    }

    /// Ends what is idle and starts no more.
    pub(crate) async fn stop(&self) {
        match self {
            Self::Workers(pool) => pool.stop().await,
            Self::Program(upstream) => upstream.stop().await,
        }
    }

    /// Has a call answered. A worker is awaited until `deadline`; `hold` is kept until the call has ended.
    ///
    /// # Errors
    /// The last failure; none if no worker was free in time.
    pub(crate) async fn call(
        &self,
        call: Arc<OwnedCall>,
        body: Bytes,
        hold: Arc<impl Send + Sync + 'static>,
        deadline: Instant,
    ) -> Result<(Reply, Bytes), Option<CallError>> {
        let pool = match self {
            Self::Workers(pool) => pool,
            Self::Program(upstream) => return upstream.call(&call, body, deadline).await,
        };
        let mut failed = None;
        for _ in 0..ATTEMPTS {
            let wait = deadline.saturating_duration_since(Instant::now());
            let Some(worker) = pool.take(wait).await else { return Err(failed) };
            match worker.call(call.clone(), body.clone(), hold.clone()).await {
                Err(error @ CallError::NotSent(_)) => failed = Some(error),
                outcome => return outcome.map_err(Some),
            }
        }
        Err(failed)
    }
}
