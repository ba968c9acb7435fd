//! The cutoff of `--exclude-newer`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Error, Result};

/// Parses a timestamp, or a date as the end of that day. The day is UTC's, so that it is the same on every
/// machine.
///
/// # Errors
/// [`Error::Cutoff`]
pub(crate) fn parse(text: &str) -> Result<Timestamp> {
    let cutoff = text.parse::<Timestamp>().or_else(|_| {
        let day: Date = text.parse()?;
        Ok::<_, jiff::Error>(day.tomorrow()?.at(0, 0, 0, 0).to_zoned(TimeZone::UTC)?.timestamp())
    });
    cutoff.map_err(|error| Error::Cutoff { found: text.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_until_its_end() {
        let read = |text: &str| parse(text).map(|cutoff| cutoff.to_string());
        assert_eq!(read("2019-05-05").unwrap(), "2019-05-06T00:00:00Z");
        assert_eq!(read("2019-05-05T12:00:00+02:00").unwrap(), "2019-05-05T10:00:00Z");
        let error = read("May 2019").unwrap_err();
        assert!(error.to_string().starts_with("invalid date or timestamp `May 2019`: "), "{error}");
        assert_eq!(error.hint().unwrap(), "write a date as 2019-05-05");
    }
}
