//! Time: seconds since 1970, UTC, shown and typed as RFC 3339.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Timestamp);

/// Where a time came from, as the logbook's `clock` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The machine's clock, which nobody has to trust.
    System,
    /// A person typed it.
    Operator,
}

impl Source {
    /// Returns the logbook's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Operator => "operator",
        }
    }
}

/// A text that is not a time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time with its zone, like 2026-11-24T04:02+01:00 or 2026-11-24 03:02Z")]
pub struct NotATime(String);

impl Instant {
    /// Returns the machine's idea of now.
    pub fn now() -> Self {
        Self::from_unix(Timestamp::now().as_second().unsigned_abs())
    }

    /// Makes one from seconds since 1970; beyond the year 9999 it is the last second of it.
    pub fn from_unix(seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
    }

    /// Returns seconds since 1970.
    pub fn unix(self) -> u64 {
        self.0.as_second().unsigned_abs()
    }

    /// Reads a typed time. It must carry its zone (`Z` or an offset): a time without one is a guess.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let text = text.trim();
        let wrong = || NotATime(text.to_owned());
        let time: Timestamp = text.parse().map_err(|_| wrong())?;
        // years before 1970 are what programs write that do not know
        Ok(Self::from_unix(u64::try_from(time.as_second()).map_err(|_| wrong())?))
    }

    /// Reads exactly what [`Instant::rfc3339`] writes, `2026-11-24T04:02:11Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let form = b"0000-00-00T00:00:00Z";
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        };
        let bytes = text.as_bytes();
        // no leap second: it has no place in seconds since 1970
        let fine =
            bytes.len() == form.len() && bytes.iter().zip(form).all(fits) && bytes[17] < b'6';
        Self::parse(text).ok().filter(|_| fine)
    }

    /// Reads a time as people type it at night: a whole one, or `04:10` for that time today, where `now` is.
    pub fn parse_near(text: &str, now: Self) -> Result<Self, NotATime> {
        // a whole time reads as one of the day, too, and would lose its day and zone
        if let Ok(whole) = Self::parse(text) {
            return Ok(whole);
        }
        let zoned = now.0.to_zoned(TimeZone::system());
        match text.trim().parse::<jiff::civil::Time>() {
            Ok(time) if text.contains(':') && !text.contains('-') => {
                let at = zoned.date().to_datetime(time).to_zoned(TimeZone::system());
                let at = at.map_err(|_| NotATime(text.to_owned()))?;
                Ok(Self::from_unix(at.timestamp().as_second().unsigned_abs()))
            }
            _ => Err(NotATime(text.to_owned())),
        }
    }

    /// Returns how many seconds it is after another time; negative before it.
    pub fn since(self, other: Self) -> i64 {
        self.0.as_second() - other.0.as_second()
    }

    /// Returns the time that many hours later.
    #[must_use]
    pub fn plus_hours(self, hours: u16) -> Self {
        Self(self.0.checked_add(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::MAX))
    }

    /// Returns the time that many minutes later.
    #[must_use]
    pub fn plus_minutes(self, minutes: u16) -> Self {
        Self(
            self.0.checked_add(SignedDuration::from_mins(minutes.into())).unwrap_or(Timestamp::MAX),
        )
    }

    /// Returns the time that many seconds later, or earlier where they are negative.
    #[must_use]
    pub fn shifted(self, seconds: i64) -> Self {
        let limit = if seconds < 0 { Timestamp::UNIX_EPOCH } else { Timestamp::MAX };
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(limit);
        Self(moved.max(Timestamp::UNIX_EPOCH))
    }

    /// Returns `2026-11-24T04:02:11Z`.
    pub fn rfc3339(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Returns the UTC date, `2026-11-24`.
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// Returns local time with its offset for people, `2026-11-24 05:02 +01:00`.
    pub fn local(self) -> String {
        self.0.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M %:z").to_string()
    }

    /// Returns UTC for people, `2026-11-24 04:02 UTC`.
    pub fn utc(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// Returns the date and minute at an offset like `+01:00`, `2026-11-24 05:02`; UTC where it is none.
    pub fn at_offset(self, offset: &str) -> String {
        let zone = jiff::fmt::strtime::parse("%:z", offset).ok().and_then(|time| time.offset());
        let zone = TimeZone::fixed(zone.unwrap_or(jiff::tz::Offset::UTC));
        self.0.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Returns the local offset at that time, `+01:00`.
    pub fn offset(self) -> String {
        self.0.to_zoned(TimeZone::system()).strftime("%:z").to_string()
    }
}

/// Returns how long the machine has been up, asleep or not: for times between two calls, whatever happens to the clock.
pub fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Duration::new(part(time.tv_sec), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn typed_times_need_their_zone() {
        let expected = Instant::from_unix(1_795_521_600);
        for text in ["2026-11-24T12:00:00Z", " 2026-11-24 13:00+01:00 ", "2026-11-24T12:00Z"] {
            assert_eq!(Instant::parse(text).unwrap(), expected, "{text}");
        }
        for text in ["", "now", "2026-11-24", "2026-11-24 13:00", "13:00", "9"] {
            assert!(Instant::parse(text).is_err(), "{text}");
        }
        let near = Instant::parse_near("04:10", expected).unwrap();
        assert_eq!(near.local()[..16], format!("{} 04:10", &expected.local()[..10]));
        for text in ["n", "2026-11-24 13:00", "2026-11-24T13:00"] {
            assert!(Instant::parse_near(text, expected).is_err(), "{text}");
        }
        let whole = Instant::parse_near("2027-11-24T04:02+01:00", expected).unwrap();
        assert_eq!(whole.rfc3339(), "2027-11-24T03:02:00Z");
        assert_eq!(expected.rfc3339(), "2026-11-24T12:00:00Z");
        assert_eq!(Instant::parse_rfc3339("2026-11-24T12:00:00Z"), Some(expected));
        for text in [
            "2026-11-24T12:00:60Z",
            "2026-11-24 12:00:00Z",
            "2026-11-24T12:00:00+00:00",
            "2026-13-24T12:00:00Z",
            "2026-11-24T12:00:00.5Z",
        ] {
            assert_eq!(Instant::parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(expected.plus_hours(24).date(), "2026-11-25");
        assert_eq!(expected.unix(), 1_795_521_600);
    }

    #[test]
    fn absurd_times_do_not_panic() {
        assert!(Instant::from_unix(u64::MAX).plus_hours(u16::MAX).rfc3339().starts_with("9999-"));
    }
}
