//! The upload of one blob: resumed, adapted to the registry, finished.

use mlpack_http::{Backoff, Retry, Retryable};
use mlpack_oci::{Progress, Reference};
use reqwest::{Response, Url};

use crate::Client;
use crate::error::{Error, Result};
use crate::upload_session::{Step, Target, UploadSession};
use crate::upload_strategy::UploadStrategy;

/// Times a blob is started from scratch, or its login renewed, before it is given up.
const MAX_RESTARTS: usize = 6;

/// One blob on its way to one repository.
pub(crate) struct Upload<'a> {
    pub(crate) client: &'a Client,
    pub(crate) reference: &'a Reference,
    pub(crate) target: Target<'a>,
    /// For messages: `layer 3 0123456789ab`.
    pub(crate) name: &'a str,
    pub(crate) progress: &'a dyn Progress,
}

/// How often an address of another host is tried that never answered.
const MAX_UNANSWERED: usize = 2;

/// How the upload went so far.
struct UploadState {
    /// Requests that got no answer from another host.
    unanswered: usize,
    strategy: UploadStrategy,
    tried: Vec<UploadStrategy>,
    backoff: Backoff,
    restarts: usize,
    /// A stream was started from scratch because it could not be continued.
    stream_restarted: bool,
    /// Every byte of the session was sent by this run, without a break.
    unbroken: bool,
    resumed_at: u64,
    sent: u64,
}

impl Upload<'_> {
    /// Uploads the blob; returns where it was resumed and the bytes sent now. `opened` is the answer
    /// to a mount that became an upload.
    pub(crate) async fn run(self, opened: Option<Response>) -> Result<(u64, u64)> {
        let mut place = None;
        let sent = self.send(opened, &mut place).await;
        sent.map_err(|error| match &place {
            Some(place) => self.target.transport.sent_elsewhere(place, error),
            None => error,
        })
    }

    /// As [`run`](Self::run); leaves in `place` where the last bytes were sent.
    async fn send(&self, opened: Option<Response>, place: &mut Option<Url>) -> Result<(u64, u64)> {
        let mut session = match opened {
            Some(response) => Some(self.target.opened(&response)?),
            None => self.target.resume().await?,
        };
        let mut state = self.state(session.as_ref().map_or(0, |session| session.offset));
        self.target.floor.reach(state.resumed_at);
        loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => {
                    (state.resumed_at, state.unbroken) = (0, true);
                    self.target.open().await?
                }
            };
            *place = Some(current.location.clone());
            let before = current.offset;
            let step = self.target.step(&mut current, state.strategy, &mut state.sent).await;
            session = match step {
                Ok(Step::Finished) => return Ok(self.done(&state)),
                Ok(Step::Progressed) => {
                    state.backoff.reset();
                    Some(current)
                }
                Ok(Step::LoginRenewed(error)) => {
                    state.restart(error)?;
                    self.target.query(&current.location, current.min_chunk).await?
                }
                Ok(Step::StrategyRefused(error)) => self.adapt(&mut state, &current, error).await?,
                Ok(Step::Lost(error)) => {
                    // Bytes sent without a break that have another digest will always have it.
                    if is_other_digest(&error) && state.unbroken {
                        return Err(error);
                    }
                    self.target.lock.clear();
                    let error = state.restart(error)?;
                    self.pause(error, Retry::asked(None), &mut state).await?;
                    None
                }
                // An address of another host that never answered is wrong rather than busy.
                Err(error) if state.never_answered(&self.target, &current, &error) => {
                    return Err(error);
                }
                Err(error) if error.retry() != Retry::Never => {
                    let retry = error.retry();
                    self.pause(error, retry, &mut state).await?;
                    state.unbroken = false;
                    // The blob may be complete although the answer was lost.
                    if self.is_present().await? {
                        return Ok(self.done(&state));
                    }
                    // Nothing can be asked where nothing answers.
                    if !self.target.transport.has_answered(&current.location) {
                        continue;
                    }
                    let session = self.target.query(&current.location, current.min_chunk).await?;
                    if session.as_ref().is_some_and(|session| session.offset > before) {
                        state.backoff.reset();
                    }
                    session
                }
                Err(error) => return Err(error),
            };
        }
    }

    /// Returns how to start: as the caller decides, as the registry last accepted, or by the size.
    fn state(&self, resumed_at: u64) -> UploadState {
        let chosen = self.client.inner.settings.chunk_size.filter(|size| *size > 0);
        let recorded = self.client.inner.memory.strategy(self.reference.registry());
        let strategy = match (chosen, recorded) {
            (Some(chosen), Some(UploadStrategy::Chunks(size))) => {
                UploadStrategy::Chunks(chosen.min(size))
            }
            (Some(chosen), None | Some(UploadStrategy::Stream)) => UploadStrategy::Chunks(chosen),
            (_, Some(recorded)) => recorded,
            (None, None) => UploadStrategy::first(self.target.descriptor.size()),
        };
        UploadState {
            unanswered: 0,
            strategy,
            tried: vec![strategy],
            backoff: self.target.transport.backoff(),
            restarts: 0,
            stream_restarted: false,
            unbroken: resumed_at == 0,
            resumed_at,
            sent: 0,
        }
    }

    async fn is_present(&self) -> Result<bool> {
        let Target { transport, scope, digest, .. } = &self.target;
        self.client.is_present(transport, self.reference, scope, *digest).await
    }

    fn done(&self, state: &UploadState) -> (u64, u64) {
        self.target.lock.clear();
        if state.tried.len() > 1 {
            self.client.inner.memory.record_strategy(self.reference.registry(), state.strategy);
        }
        (state.resumed_at, state.sent)
    }

    /// Chooses another strategy after one was refused.
    async fn adapt(
        &self,
        state: &mut UploadState,
        current: &UploadSession,
        error: Error,
    ) -> Result<Option<UploadSession>> {
        let status = if let Error::Refused { reply, .. } = &error { reply.status } else { 0 };
        let too_large = matches!(status, 413 | 416);
        let streaming = state.strategy == UploadStrategy::Stream && current.offset > 0;
        // Some registries accept a stream but no second request for the same blob.
        if streaming && !too_large && !state.stream_restarted {
            state.stream_restarted = true;
            self.target.lock.clear();
            return Ok(None);
        }
        let Some(next) = state.strategy.after(status, current.min_chunk, &state.tried) else {
            return Err(error);
        };
        self.progress.note(&format!("{}: {error}; switching to {next}", self.name));
        state.strategy = next;
        state.tried.push(next);
        // One PUT contains all bytes, so it starts from scratch.
        if next == UploadStrategy::Whole {
            self.target.lock.clear();
            return Ok(None);
        }
        self.target.query(&current.location, current.min_chunk).await
    }

    async fn pause(&self, error: Error, retry: Retry, state: &mut UploadState) -> Result<()> {
        let Some(wait) = state.backoff.next(retry) else { return Err(error) };
        let seconds = wait.as_secs_f64();
        self.progress.note(&format!("{}: {error}; retrying in {seconds:.1} s", self.name));
        self.target.transport.clock().sleep(wait).await;
        Ok(())
    }
}

impl UploadState {
    /// Counts a failed request; returns whether to give up, since the session is at another host's address where
    /// nothing ever answered.
    fn never_answered(
        &mut self,
        target: &Target<'_>,
        session: &UploadSession,
        error: &Error,
    ) -> bool {
        let Target { transport, .. } = target;
        if transport.has_answered(&session.location) || !matches!(error, Error::Connection(_)) {
            return false;
        }
        self.unanswered += 1;
        self.unanswered >= MAX_UNANSWERED && !transport.endpoint().owns(&session.location)
    }

    /// Counts a restart; returns the error while there may be another.
    fn restart(&mut self, error: Error) -> Result<Error> {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS { Err(error) } else { Ok(error) }
    }
}

/// Returns whether the registry computed another digest from the bytes.
fn is_other_digest(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.is(&["DIGEST_INVALID"]))
}
