//! The ways in which platforms write times. Everything becomes UTC, cut to the second.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::super::facts::Span;
use crate::clock::Instant;

/// A time zone for times that are written without one.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a zone: `Europe/Paris`, `UTC`, or an offset like `+01:00`.
    pub fn parse(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") || name == "Z" {
            return Some(Self(TimeZone::UTC));
        }
        if name.starts_with(['+', '-']) {
            let offset = jiff::fmt::strtime::parse("%:z", name)
                .or_else(|_| jiff::fmt::strtime::parse("%z", name))
                .ok()?
                .offset()?;
            return Some(Self(TimeZone::fixed(offset)));
        }
        TimeZone::get(name).ok().map(Self)
    }
}

fn instant(time: Timestamp) -> Option<Instant> {
    u64::try_from(time.as_second()).ok().map(Instant::from_unix)
}

/// Reads a time with its zone in the forms of RFC 3339 and ISO 8601: `Z` or an offset, any number of digits.
pub fn zoned(text: &str) -> Option<Instant> {
    let text = text.trim();
    // most are like this, and there are millions
    if let Some(at) = Instant::parse_rfc3339(text) {
        return Some(at);
    }
    text.parse::<Timestamp>().ok().and_then(instant)
}

/// Reads seconds or milliseconds since 1970 by their size.
pub fn epoch(number: u64) -> Instant {
    // seconds reach this in the year 5138
    Instant::from_unix(if number < 100_000_000_000 { number } else { number / 1000 })
}

/// Reads AWS's US text, `Jan 8, 2020 8:43:06 PM`, which is UTC. Newer ones have a comma behind the year, or a narrow space
/// before the last word: so writes the library that they use.
pub fn us_text(text: &str) -> Option<Instant> {
    let text = text.trim().replace('\u{202f}', " ");
    let time = DateTime::strptime("%b %d, %Y %I:%M:%S %p", &text)
        .or_else(|_| DateTime::strptime("%b %d, %Y, %I:%M:%S %p", &text))
        .ok()?;
    instant(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Reads `2026-11-23 06:18:19.513 UTC`: a server's log names its zone by a word that is no offset.
///
/// Only `UTC` and `GMT` are taken at their word; `CET` may be two different ones, so `zone` has to say it.
pub fn named(text: &str, zone: Option<&Zone>) -> Option<Instant> {
    let (time, name) = text.trim().rsplit_once(' ')?;
    let time: DateTime = time.replacen(' ', "T", 1).parse().ok()?;
    let zone = match Zone::parse(name)
        .filter(|_| name.starts_with(['+', '-']) || name == "UTC" || name == "GMT")
    {
        Some(Zone(zone)) => zone,
        None => zone?.0.clone(),
    };
    instant(time.to_zoned(zone).ok()?.timestamp())
}

/// Reads `2026-11-23 06:18:19.611342+00`, as a database prints a time with its offset.
pub fn database(text: &str) -> Option<Instant> {
    let text = text.trim().replacen(' ', "T", 1);
    let short = text.len().checked_sub(3).and_then(|at| text.get(at..))?;
    let full = if short.starts_with(['+', '-']) { format!("{text}:00") } else { text };
    zoned(&full)
}

/// Reads a time without a zone, `20261123T061851` or `2026-11-23 06:18:51`, which is of `zone`.
pub fn local(text: &str, zone: Option<&Zone>) -> Option<Instant> {
    let text = text.trim();
    let time = DateTime::strptime("%Y%m%dT%H%M%S", text)
        .or_else(|_| text.replacen(' ', "T", 1).parse::<DateTime>())
        .ok()?;
    instant(time.to_zoned(zone?.0.clone()).ok()?.timestamp())
}

/// Returns a whole day by its number since 1970, wherever on earth it was.
pub fn day(number: u64) -> Span {
    let start = Instant::from_unix(number.saturating_mul(86_400));
    // the day of a place began up to 14 hours before that of UTC, and ends up to 12 after
    Span::between(start.shifted(-14 * 3600), start.shifted((24 + 12) * 3600 - 1))
}

/// Reads a date as the whole day, wherever on earth it was.
pub fn date(text: &str) -> Option<Span> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(day(u64::try_from(start.as_second()).ok()? / 86_400))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Option<Instant> {
        Instant::parse(text).ok()
    }

    #[test]
    fn every_platform_writes_time_its_own_way() {
        let expected = at("2026-11-23T06:18:19Z");
        for text in [
            "2026-11-23T06:18:19Z",
            "2026-11-23T06:18:19+00:00",
            "2026-11-23T07:18:19.5168093+01:00",
            "2026-11-23T06:18:19.178703182Z",
            "2026-11-23 06:18:19Z",
        ] {
            assert_eq!(zoned(text), expected, "{text}");
        }
        assert_eq!(zoned("2026-11-23T06:18:19"), None);
        assert_eq!(zoned("N/A"), None);
        assert_eq!(us_text("Jan 8, 2020 8:43:06 PM"), at("2020-01-08T20:43:06Z"));
        assert_eq!(us_text("Jan 8, 2020, 8:43:06\u{202f}PM"), at("2020-01-08T20:43:06Z"));
        assert_eq!(us_text("Jan 18, 2020 12:03:06 AM"), at("2020-01-18T00:03:06Z"));
        assert_eq!(Some(epoch(1_795_414_699)), expected);
        assert_eq!(Some(epoch(1_795_414_699_123)), expected);
        assert_eq!(database("2026-11-23 06:18:19.611342+00"), expected);
        assert_eq!(database("2026-11-23 11:48:19.6+05:30"), expected);
    }

    #[test]
    fn the_name_of_a_zone_is_no_offset() {
        let expected = at("2026-11-23T06:18:19Z");
        assert_eq!(named("2026-11-23 06:18:19.513 UTC", None), expected);
        assert_eq!(named("2026-11-23 07:18:19.513 CET", None), None);
        let paris = Zone::parse("Europe/Paris").unwrap();
        assert_eq!(named("2026-11-23 07:18:19.513 CET", Some(&paris)), expected);
        assert_eq!(local("20261123T071819", Some(&paris)), expected);
        assert_eq!(local("20261123T071819", None), None);
        assert_eq!(local("2026-11-23 07:18:19", Zone::parse("+01:00").as_ref()), expected);
        assert!(Zone::parse("Nowhere/Land").is_none());
    }

    #[test]
    fn a_day_is_a_day_anywhere_on_earth() {
        let span = day(20_780);
        assert_eq!(span.from, at("2026-11-22T10:00:00Z"));
        assert_eq!(span.to, at("2026-11-24T11:59:59Z"));
        assert_eq!(date("2026-11-23"), Some(span));
    }
}
