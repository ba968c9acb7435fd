//! What is printed where the code ends in a panic.

use crate::failure::Failure;
use crate::output::Format;
use crate::signals;

/// What the system says of a thread that it refuses (errno(3), EAGAIN). The runtimes of other crates panic with it.
const REFUSED: &str = "Resource temporarily unavailable";

/// Reports panics as errors with a hint. One for want of a thread ends the process as a failure, since a runtime that
/// lacks a thread may wait for it for ever.
pub(crate) fn report_panics(format: Format) {
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or("no reason is given");
        if said.contains(REFUSED) {
            let error = std::io::Error::from(rustix::io::Errno::AGAIN);
            Failure::io("start", "a thread")(error).report(format);
            signals::end(1);
        }
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
        let message = format!("mlpack has a fault: {said}{}", place.unwrap_or_default());
        let hint = "nothing that was finished before is lost; report this with the command line and its input";
        Failure::other(message, hint).report(format);
    }));
}
