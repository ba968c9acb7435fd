//! Operations that take long (ARM RPC, "Asynchronous operations"). Pure: the resource manager asks.

use std::time::Duration;

use mlpack_http::retry_after;
use reqwest::header::HeaderMap;
use url::Url;

use crate::http::{Answer, code_and_message};
use crate::{Error, Result};

/// Time between two questions if Azure names none.
const INTERVAL: Duration = Duration::from_secs(2);
/// The least and the most time between two questions, whatever Azure names.
const LEAST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(30);

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// It goes on; to be asked again after this time.
    Running(Duration),
    /// It succeeded.
    Done,
}

/// Where the state of an operation is read.
#[derive(Debug)]
enum Place {
    /// A document with `status`.
    Status(Url),
    /// Answered with 202 until the operation has ended.
    Result(Url),
    /// The resource itself, with `properties.provisioningState`.
    Resource(Url),
    /// It had ended when it was accepted.
    Ended,
}

/// An operation that Azure has accepted.
#[derive(Debug)]
pub struct Operation {
    pub(crate) action: String,
    place: Place,
    is_deletion: bool,
}

impl Operation {
    /// Reads the answer that accepted it. `own` parses an address of the resource manager.
    pub(crate) fn accepted(
        action: String,
        resource: Url,
        answer: &Answer,
        own: impl Fn(&str) -> Result<Url>,
    ) -> Result<Self> {
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let state = answer.body["properties"]["provisioningState"].as_str();
        let place = match (header("azure-asyncoperation"), header("location"), state) {
            (Some(url), ..) => Place::Status(own(url)?),
            (None, Some(url), _) if answer.status == 202 => Place::Result(own(url)?),
            (None, _, Some(state)) if !is_terminal(state) => Place::Resource(resource),
            _ => Place::Ended,
        };
        let is_deletion = action.starts_with("delete ");
        Ok(Self { action, place, is_deletion })
    }

    /// Returns where to ask; `None` once it has ended.
    pub(crate) fn place(&self) -> Option<Url> {
        match &self.place {
            Place::Status(url) | Place::Result(url) | Place::Resource(url) => Some(url.clone()),
            Place::Ended => None,
        }
    }

    /// Reads the answer to the question how far it is.
    ///
    /// # Errors
    /// [`Error::Failed`], or the question's own.
    pub(crate) fn read(&mut self, answer: Result<Answer>) -> Result<OperationState> {
        let answer = match answer {
            // It is gone, as it must be.
            Err(error) if self.is_deletion && error.code() == Some("ResourceNotFound") => {
                return Ok(OperationState::Done);
            }
            answer => answer?,
        };
        let body = &answer.body;
        let provisioning = &body["properties"]["provisioningState"];
        let state = match &self.place {
            Place::Status(_) => body["status"].as_str().unwrap_or("InProgress"),
            Place::Result(_) if answer.status == 202 => "InProgress",
            Place::Resource(_) => provisioning.as_str().unwrap_or("Succeeded"),
            Place::Result(_) | Place::Ended => "Succeeded",
        };
        if !is_terminal(state) {
            return Ok(OperationState::Running(wait(&answer.headers)));
        }
        if state.eq_ignore_ascii_case("succeeded") {
            self.place = Place::Ended;
            return Ok(OperationState::Done);
        }
        let (code, message) = code_and_message(body);
        let code = if body["error"].is_object() { code } else { state.to_owned() };
        Err(Error::Failed { action: self.action.clone(), code, message })
    }
}

/// Whether a state is one that an operation ends with.
fn is_terminal(state: &str) -> bool {
    ["succeeded", "failed", "canceled"].iter().any(|end| state.eq_ignore_ascii_case(end))
}

fn wait(headers: &HeaderMap) -> Duration {
    retry_after(headers).unwrap_or(INTERVAL).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: Value) -> Answer {
        let headers = headers.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()));
        Answer { status, headers: headers.collect(), body }
    }

    fn operation(action: &str, accepted: &Answer) -> Operation {
        let url = Url::parse("https://azure.test/a").unwrap();
        let own = |text: &str| Ok(Url::parse(text).unwrap());
        Operation::accepted(action.to_owned(), url, accepted, own).unwrap()
    }

    #[test]
    fn each_way_to_follow_an_operation_ends() {
        let running = OperationState::Running(INTERVAL);
        let header = [("azure-asyncoperation", "https://azure.test/op")];
        let mut by_status = operation("put a", &answer(201, &header, Value::Null));
        assert_eq!(by_status.place().unwrap().path(), "/op");
        let state = |status: &str| Ok(answer(200, &[], json!({ "status": status })));
        assert_eq!(by_status.read(state("InProgress")).unwrap(), running);
        assert_eq!(by_status.read(state("Succeeded")).unwrap(), OperationState::Done);
        assert_eq!(by_status.place(), None);
        let header = [("location", "https://azure.test/result"), ("retry-after", "900")];
        let mut by_result = operation("delete a", &answer(202, &header, Value::Null));
        let asked = by_result.read(Ok(answer(202, &header, Value::Null))).unwrap();
        assert_eq!(asked, OperationState::Running(MOST));
        assert_eq!(
            by_result.read(Ok(answer(204, &[], Value::Null))).unwrap(),
            OperationState::Done
        );
        let provisioning = |state: &str| json!({ "properties": { "provisioningState": state } });
        let mut by_resource = operation("put a", &answer(201, &[], provisioning("Creating")));
        let failed = by_resource.read(Ok(answer(200, &[], provisioning("Failed")))).unwrap_err();
        assert_eq!(failed.to_string(), "Azure could not put a: it gave no reason (Failed)");
        let ended = operation("put a", &answer(200, &[], provisioning("Succeeded")));
        assert_eq!(ended.place(), None);
    }

    #[test]
    fn what_is_deleted_may_be_gone() {
        let missing = || Error::Refused {
            action: "delete a".to_owned(),
            code: "ResourceNotFound".to_owned(),
            message: String::new(),
            status: 404,
        };
        let creating = json!({ "properties": { "provisioningState": "Creating" } });
        let mut deletion = operation("delete a", &answer(200, &[], creating.clone()));
        assert_eq!(deletion.read(Err(missing())).unwrap(), OperationState::Done);
        assert!(operation("put a", &answer(200, &[], creating)).read(Err(missing())).is_err());
    }
}
