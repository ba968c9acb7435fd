//! How long ago something was.

use jiff::Timestamp;

/// Units in seconds, the longest first.
const UNITS: [(&str, i64); 3] = [("day", 86_400), ("hour", 3_600), ("minute", 60)];

/// The age in days from which a date says more.
const LONGEST: i64 = 60;

/// Formats a moment (RFC 3339) as seen from another, as in `3 hours ago`; as a date if it is long ago, and as it is written
/// if it is no moment.
pub(super) fn age(written: &str, now: &str) -> String {
    let (Ok(then), Ok(now)) = (written.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return written.to_owned();
    };
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    if seconds >= LONGEST * UNITS[0].1 {
        return written.get(..10).unwrap_or(written).to_owned();
    }
    let found = UNITS.iter().find(|(_, length)| seconds >= *length);
    let (unit, count) =
        found.map_or(("second", seconds), |(unit, length)| (unit, seconds / length));
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_the_longest_unit_that_fits() {
        let of = |written: &str| age(written, "2026-11-27T12:00:00Z");
        assert_eq!(of("2026-11-27T11:59:59Z"), "1 second ago");
        assert_eq!(of("2026-11-27T12:00:05Z"), "0 seconds ago");
        assert_eq!(of("2026-11-27T11:58:00.123456789Z"), "2 minutes ago");
        assert_eq!(of("2026-11-27T10:59:00Z"), "1 hour ago");
        assert_eq!(of("2026-11-24T11:00:00Z"), "3 days ago");
        assert_eq!(of("2026-01-02T03:04:05Z"), "2026-01-02");
        assert_eq!(of("yesterday"), "yesterday");
    }
}
