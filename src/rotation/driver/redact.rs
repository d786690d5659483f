//! What a driver says is told without the secrets in it.

use zeroize::Zeroizing;

use crate::rotation::answer;
use crate::rotation::protocol::Credential;
use crate::secret::Secret;

/// Instead of a secret in what a driver says.
const REDACTED: &[u8] = b"[redacted]";

/// Takes every secret out of a text: those that it was given, and those in its answer, as they are and as JSON writes
/// them.
pub(super) fn redact(text: &[u8], secrets: &[&Secret], answer: &[u8]) -> String {
    let made = answer::made(answer).map(|made| made.credential).ok();
    let made = made.iter().flat_map(Credential::secrets);
    let mut text = Zeroizing::new(text.to_vec());
    for secret in secrets.iter().copied().chain(made) {
        // a file is told line by line, so its lines are secrets, too
        for line in secret.expose().split(|b| *b == b'\n').filter(|line| line.len() >= 4) {
            cut(&mut text, line);
            let line = String::from_utf8_lossy(line);
            let quoted = Zeroizing::new(serde_json::to_string(&line).unwrap_or_default());
            cut(&mut text, quoted.trim_matches('"').as_bytes());
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn cut(text: &mut Vec<u8>, secret: &[u8]) {
    let mut from = 0;
    let next = |text: &[u8], from: usize| {
        text.get(from..)?.windows(secret.len().max(1)).position(|window| window == secret)
    };
    while let Some(at) = next(text, from) {
        let at = from + at;
        text.splice(at..at + secret.len(), REDACTED.iter().copied());
        from = at + REDACTED.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_as_it_is_by_line_and_as_json_writes_it() {
        let secret = Secret::new(b"first \"line\"\nsecond line\nabc".to_vec());
        let said = br#"got first "line", then second line, or "first \"line\"" abc, first "line"first "line""#;
        let told = redact(said, &[&secret], b"");
        assert!(!told.contains("line\"") && !told.contains("second"), "{told}");
        // what is shorter than four bytes would take words apart
        assert!(told.ends_with("abc, [redacted][redacted]"), "{told}");
    }
}
