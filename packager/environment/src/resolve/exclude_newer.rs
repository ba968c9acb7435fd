//! The moment that `--exclude-newer` names.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Error, Result};

/// A moment, or the end of a day. The day is UTC's, so that it is the same one on every machine.
pub(crate) fn cutoff(text: &str) -> Result<Timestamp> {
    let moment = text.parse::<Timestamp>().or_else(|_| {
        let day: Date = text.parse()?;
        Ok::<_, jiff::Error>(day.tomorrow()?.at(0, 0, 0, 0).to_zoned(TimeZone::UTC)?.timestamp())
    });
    moment.map_err(|error| Error::Moment { found: text.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_until_its_end() {
        let read = |text: &str| cutoff(text).map(|moment| moment.to_string());
        assert_eq!(read("2019-05-05").unwrap(), "2019-05-06T00:00:00Z");
        assert_eq!(read("2019-05-05T12:00:00+02:00").unwrap(), "2019-05-05T10:00:00Z");
        let error = read("May 2019").unwrap_err();
        assert!(error.to_string().starts_with("`May 2019` is no day or moment: "), "{error}");
        assert_eq!(error.hint().unwrap(), "write a day as 2019-05-05");
    }
}
