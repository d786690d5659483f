//! What the operator is told about the time: in the title, and in words when it runs out.

use std::time::Duration;

const MINUTE: u64 = 60;

/// Minutes before the end at which something is said.
const BEFORE: [u64; 2] = [15, 5];

/// After the end it is said again every so many minutes.
const AGAIN: u64 = 5;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The terminal's title.
    pub title: String,
    /// Words, when there is more to say than the title.
    pub words: Option<String>,
}

/// Knows what has been told.
#[derive(Debug)]
pub struct Notices {
    name: String,
    /// Minutes that it may last.
    limit: Option<u64>,
    /// Minutes since the start at which the title was set.
    titled: Option<u64>,
    /// What is said, by minutes since the start; the next one is last.
    ahead: Vec<u64>,
}

impl Notices {
    /// `name` stands in the title; `limit`: minutes.
    pub fn new(name: &str, limit: Option<u16>) -> Self {
        let limit = limit.map(u64::from);
        let before = |limit: u64| BEFORE.into_iter().filter_map(move |m| limit.checked_sub(m));
        let mut ahead: Vec<u64> =
            limit.into_iter().flat_map(|limit| before(limit).chain([limit])).collect();
        ahead.retain(|minute| *minute > 0);
        ahead.reverse();
        Self { name: name.to_owned(), limit, titled: None, ahead }
    }

    /// Returns what is to be told now.
    pub fn due(&mut self, elapsed: Duration) -> Option<Notice> {
        let minutes = elapsed.as_secs() / minute();
        if self.titled == Some(minutes) {
            return None;
        }
        self.titled = Some(minutes);
        let title = self.title(minutes);
        let mut words = None;
        while let Some(next) = self.ahead.last().copied().filter(|next| *next <= minutes) {
            self.ahead.pop();
            words = self.words(minutes);
            if self.ahead.is_empty() {
                // over time it is not left at one word
                self.ahead.push(next.max(minutes) + AGAIN);
            }
        }
        Some(Notice { title, words })
    }

    fn title(&self, minutes: u64) -> String {
        let left = match self.limit {
            None => format!("recorded for {}", span(minutes)),
            Some(limit) if minutes < limit => format!("{} left", span(limit - minutes)),
            Some(limit) => format!("TIME IS UP for {}", span(minutes - limit)),
        };
        format!("breakglass: {left}, {}", self.name)
    }

    fn words(&self, minutes: u64) -> Option<String> {
        let limit = self.limit?;
        Some(match limit.checked_sub(minutes).filter(|left| *left > 0) {
            Some(left) => format!("breakglass: {} left of this release", span(left)),
            None if minutes == limit => {
                "breakglass: the time of this release is up; finish, and leave with `exit`"
                    .to_owned()
            }
            None => format!(
                "breakglass: over time by {}; finish, and leave with `exit`",
                span(minutes - limit)
            ),
        })
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Seconds of a minute; a test that waits for the end of a release has shorter ones.
fn minute() -> u64 {
    #[cfg(debug_assertions)]
    if let Some(seconds) = std::env::var("BREAKGLASS_MINUTE").ok().and_then(|s| s.parse().ok()) {
        return std::cmp::max(seconds, 1);
    }
    MINUTE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(limit: Option<u16>, minutes: u64) -> Vec<(u64, String)> {
        let mut notices = Notices::new("m", limit);
        let all = (0..=minutes).filter_map(|minute| {
            let notice = notices.due(Duration::from_secs(minute * MINUTE)).unwrap();
            assert_eq!(notices.due(Duration::from_secs(minute * MINUTE + 59)), None);
            Some((minute, notice.words?))
        });
        all.collect()
    }

    #[test]
    fn at_fifteen_and_five_minutes_at_the_end_and_after_it() {
        let minutes = |told: Vec<(u64, String)>| told.iter().map(|(m, _)| *m).collect::<Vec<_>>();
        assert_eq!(minutes(told(Some(240), 250)), [225, 235, 240, 245, 250]);
        assert_eq!(minutes(told(Some(10), 16)), [5, 10, 15]);
        assert_eq!(minutes(told(Some(1), 3)), [1]);
        assert_eq!(told(None, 500), []);
        let words: Vec<String> = told(Some(16), 21).into_iter().map(|(_, words)| words).collect();
        assert!(words[0].contains("15 min left") && words[2].contains("is up"), "{words:?}");
        assert!(words[3].contains("over time by 5 min"), "{words:?}");
    }

    #[test]
    fn a_machine_that_slept_says_it_once() {
        let mut notices = Notices::new("m", Some(60));
        let notice = notices.due(Duration::from_secs(90 * MINUTE)).unwrap();
        assert_eq!(notice.title, "breakglass: TIME IS UP for 30 min, m");
        assert!(notice.words.unwrap().contains("over time by 30 min"));
        assert!(notices.due(Duration::from_secs(91 * MINUTE)).unwrap().words.is_none());
        let mut free = Notices::new("m", None);
        let title = free.due(Duration::from_secs(61 * MINUTE)).unwrap().title;
        assert_eq!(title, "breakglass: recorded for 1 h 1 min, m");
    }
}
