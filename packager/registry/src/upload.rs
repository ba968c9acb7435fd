//! The upload of one blob: taken up again, adapted to the registry, carried to its end.

use std::sync::Arc;

use mlpack_http::{Backoff, Retry, Retryable};
use mlpack_oci::spec::Descriptor;
use mlpack_oci::{Blobs, Digest, Progress, Reference};
use reqwest::Response;

use crate::auth::Scope;
use crate::body::HighWater;
use crate::exchange::Exchange;
use crate::line::{Line, Step};
use crate::session::Slot;
use crate::verb::Verb;
use crate::{Client, Error, Result};

/// Times a blob is begun anew, or its login renewed, before it is given up.
const MAX_RESTARTS: usize = 6;

/// Where the bytes come from.
pub(crate) enum Source {
    Memory(Arc<[u8]>),
    Blobs(Arc<dyn Blobs>),
}

/// One blob on its way to one repository.
pub(crate) struct Upload<'a> {
    pub(crate) client: &'a Client,
    pub(crate) exchange: &'a Exchange,
    pub(crate) scope: &'a Scope,
    pub(crate) target: &'a Reference,
    pub(crate) digest: Digest,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) source: Source,
    pub(crate) slot: Slot,
    pub(crate) water: Arc<HighWater>,
    /// For messages: `layer 3 0123456789ab`.
    pub(crate) name: &'a str,
    pub(crate) progress: &'a dyn Progress,
}

/// How it went so far.
struct Course {
    verb: Verb,
    tried: Vec<Verb>,
    backoff: Backoff,
    restarts: usize,
    /// A stream was begun anew because it could not be continued.
    anew: bool,
    /// Every byte of the session was sent by this run, without a break.
    spotless: bool,
    resumed_at: u64,
    sent: u64,
}

impl Upload<'_> {
    /// Uploads the blob; gives where it was resumed and the bytes sent now. `opened` is the answer
    /// to a mount that became an upload.
    pub(crate) async fn run(self, opened: Option<Response>) -> Result<(u64, u64)> {
        let mut line = match opened {
            Some(response) => Some(self.line(&response, 0)?),
            None => self.resume().await?,
        };
        let mut course = self.course(line.as_ref().map_or(0, |line| line.offset));
        self.water.reach(course.resumed_at);
        loop {
            let mut current = match line.take() {
                Some(line) => line,
                None => {
                    (course.resumed_at, course.spotless) = (0, true);
                    self.begin().await?
                }
            };
            let before = current.offset;
            let step = self.step(&mut current, course.verb, &mut course.sent).await;
            line = match step {
                Ok(Step::Finished) => return Ok(self.done(&course)),
                Ok(Step::Further) => {
                    course.backoff.reset();
                    Some(current)
                }
                Ok(Step::Renewed(error)) => {
                    course.restart(error)?;
                    self.ask(&current.location, current.least).await?
                }
                Ok(Step::Otherwise(error)) => self.adapt(&mut course, &current, error).await?,
                Ok(Step::Lost(error)) => {
                    // Bytes that were sent in one go and are not the blob's will never be.
                    if is_wrong(&error) && course.spotless {
                        return Err(error);
                    }
                    self.slot.clear();
                    let error = course.restart(error)?;
                    self.pause(error, &mut course).await?;
                    None
                }
                Err(error) if error.retry() != Retry::Never => {
                    self.pause(error, &mut course).await?;
                    course.spotless = false;
                    // It may have arrived although the answer did not.
                    let (client, scope) = (self.client, self.scope);
                    if client.is_present(self.exchange, self.target, scope, self.digest).await? {
                        return Ok(self.done(&course));
                    }
                    let line = self.ask(&current.location, current.least).await?;
                    if line.as_ref().is_some_and(|line| line.offset > before) {
                        course.backoff.reset();
                    }
                    line
                }
                Err(error) => return Err(error),
            };
        }
    }

    /// The way to begin: as the caller wants, as the registry took it last, or as fits the size.
    fn course(&self, resumed_at: u64) -> Course {
        let chosen = self.client.inner.settings.chunk_size.filter(|size| *size > 0);
        let remembered = self.client.inner.memory.verb(self.target.registry());
        let verb = match (chosen, remembered) {
            (Some(chosen), Some(Verb::Chunks(size))) => Verb::Chunks(chosen.min(size)),
            (Some(chosen), None | Some(Verb::Stream)) => Verb::Chunks(chosen),
            (_, remembered) => remembered.unwrap_or_else(|| Verb::first(self.descriptor.size())),
        };
        Course {
            verb,
            tried: vec![verb],
            backoff: self.exchange.backoff(),
            restarts: 0,
            anew: false,
            spotless: resumed_at == 0,
            resumed_at,
            sent: 0,
        }
    }

    fn done(&self, course: &Course) -> (u64, u64) {
        self.slot.clear();
        if course.tried.len() > 1 {
            self.client.inner.memory.remember_verb(self.target.registry(), course.verb);
        }
        (course.resumed_at, course.sent)
    }

    /// Another way to send, after one was refused.
    async fn adapt(
        &self,
        course: &mut Course,
        current: &Line,
        error: Error,
    ) -> Result<Option<Line>> {
        let status = if let Error::Refused { reply, .. } = &error { reply.status } else { 0 };
        let too_large = matches!(status, 413 | 416);
        // Some registries take a stream but no second request for the same blob.
        if current.offset > 0 && course.verb == Verb::Stream && !too_large && !course.anew {
            course.anew = true;
            self.slot.clear();
            return Ok(None);
        }
        let Some(next) = course.verb.after(status, current.least, &course.tried) else {
            return Err(error);
        };
        self.progress.note(&format!("{}: {error}; sent as {next} now", self.name));
        course.verb = next;
        course.tried.push(next);
        // One PUT holds all bytes, so it begins anew.
        if next == Verb::Whole {
            self.slot.clear();
            return Ok(None);
        }
        self.ask(&current.location, current.least).await
    }

    async fn pause(&self, error: Error, course: &mut Course) -> Result<()> {
        match course.backoff.next(error.retry()) {
            Some(wait) => {
                let seconds = wait.as_secs_f64();
                self.progress.note(&format!("{}: {error}; again in {seconds:.1} s", self.name));
                self.exchange.clock().sleep(wait).await;
                Ok(())
            }
            None => Err(error),
        }
    }
}

impl Course {
    /// Counts a restart; gives the error back while there may be another.
    fn restart(&mut self, error: Error) -> Result<Error> {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS { Err(error) } else { Ok(error) }
    }
}

/// Whether the registry hashed the bytes and found them to be others.
fn is_wrong(error: &Error) -> bool {
    matches!(error, Error::Refused { reply, .. } if reply.is(&["DIGEST_INVALID"]))
}
