//! Explains the status of a service's answer.

use super::cause::Explanation;

/// Explains the status of an answer to a scoring request (docs/azureml-2019.md#4.3, #4.5, #4.7 and
/// #9.28).
pub fn explain_status(status: u16, run_function_failed: bool, body: &str) -> Explanation {
    match status {
        400 => Explanation::new(
            "the data does not match the input of run()",
            "compare it with the service's swagger.json; the body must be UTF-8 and, with an input schema, a JSON object with its parameters",
        ),
        401 | 403 => Explanation::new(
            "the key or token is missing or wrong",
            "send it as `Authorization: Bearer KEY`",
        ),
        404 => Explanation::new(
            "the service has no such path",
            "the image's server does not serve /score; check its entrypoint with `mlpack inspect`",
        ),
        405 => Explanation::new("the service does not accept this method", "send a POST"),
        413 => Explanation::new("the data is too large for the server", "send it in parts"),
        415 => Explanation::new(
            "the service does not accept this content type",
            "send JSON with `Content-Type: application/json`",
        ),
        431 => Explanation::new(
            "a request header is too long",
            "keep x-request-id at 100 characters or less",
        ),
        500 if body.contains("Scoring timeout") => Explanation::new(
            "run() took longer than SCORING_TIMEOUT_MS",
            "increase scoringTimeoutMs, or make run() faster",
        ),
        500 if run_function_failed => Explanation::new(
            "run() raised an exception",
            "see the traceback in the log: `mlpack service get-logs`",
        ),
        500 => Explanation::new(
            "run() raised an exception, or returned something that is not JSON, such as a numpy array",
            "return lists instead of arrays; see the traceback in the log: `mlpack service get-logs`",
        ),
        502 => Explanation::new(
            "run() raised an exception or its process crashed",
            "see the reason in the log: `mlpack service get-logs`",
        ),
        503 => Explanation::new(
            "no worker was free in time, or the service is still starting",
            "try again; allow more concurrent requests or more replicas",
        ),
        504 => Explanation::new(
            "run() did not end within the time limit",
            "increase scoringTimeoutMs, or make run() faster",
        ),
        _ => {
            Explanation::new("the request was not served", "see the log: `mlpack service get-logs`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_cause() {
        let cause = |status, failed, body: &str| explain_status(status, failed, body).cause;
        assert_eq!(cause(415, false, ""), "the service does not accept this content type");
        assert_eq!(cause(500, true, ""), "run() raised an exception");
        assert_eq!(
            cause(500, false, "Scoring timeout after 1000 ms"),
            "run() took longer than SCORING_TIMEOUT_MS"
        );
        assert_eq!(cause(502, false, ""), "run() raised an exception or its process crashed");
        assert_eq!(cause(504, false, ""), "run() did not end within the time limit");
        assert_eq!(cause(418, false, ""), "the request was not served");
    }
}
