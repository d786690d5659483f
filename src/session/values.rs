//! What of a credential is secret, and the forms in which it may turn up.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::credential::{self, Layout};
use crate::secret::Secret;

/// Fields of the layout `lines` that are no secret.
const OPEN: [&str; 10] =
    ["account", "email", "host", "id", "key_id", "login", "region", "url", "user", "username"];

/// Words in the names of JSON members that are secret.
const SECRET: [&str; 6] = ["private", "secret", "password", "passphrase", "token", "key"];

/// Fewest bytes of a value that is looked for: shorter ones are everywhere.
pub const SHORTEST: usize = 6;

/// The values of a credential that must not be seen.
#[derive(Default)]
pub struct Values {
    /// Each long enough to be looked for.
    pub all: Vec<Secret>,
    /// How many are too short for that.
    pub too_short: usize,
}

impl Values {
    /// Finds them. `id` is the credential's public id, which everybody may see.
    pub fn of(credential: &Secret, layout: Layout, id: &str) -> Self {
        let mut values = Self::default();
        let fields = match layout {
            Layout::Lines => credential::fields(credential).ok(),
            Layout::Raw => None,
        };
        match fields {
            Some(fields) => {
                for field in &fields {
                    if !OPEN.contains(&field.name.as_str()) && field.value.expose() != id.as_bytes()
                    {
                        values.add_document(field.value.expose(), id);
                    }
                }
            }
            None => values.add_document(credential.expose(), id),
        }
        values
    }

    /// Adds a value that came from elsewhere, such as a one-time code that was given.
    pub fn add(&mut self, value: &[u8]) {
        let value: Vec<u8> = value.trim_ascii().to_vec();
        match value.len() {
            0 => {}
            1..SHORTEST => self.too_short += 1,
            _ => self.all.push(Secret::new(value)),
        }
    }

    /// Adds the secret parts of a text: of a JSON object some members, of a PEM file its body, else all of it.
    fn add_document(&mut self, text: &[u8], id: &str) {
        if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(text) {
            let mut found = Vec::new();
            collect(&Value::Object(members), "", &mut found);
            let wanted = |name: &str| SECRET.iter().any(|word| name.contains(word));
            let secret: Vec<_> = found.iter().filter(|(name, _)| wanted(name)).collect();
            let every = found.iter().collect();
            for (_, value) in if secret.is_empty() { every } else { secret } {
                if value.as_str() != id {
                    self.add_pem(value.as_bytes());
                }
            }
            return;
        }
        self.add_pem(text);
    }

    /// Adds a text without the lines around a PEM body, which are the same for everybody.
    fn add_pem(&mut self, text: &[u8]) {
        let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        if !lines.iter().any(|line| line.starts_with(b"-----BEGIN ")) {
            return self.add(text);
        }
        let body = lines.iter().filter(|line| !line.starts_with(b"-----") && !line.contains(&b':'));
        let mut joined = Zeroizing::new(Vec::with_capacity(text.len()));
        for line in body {
            joined.extend_from_slice(line);
            joined.push(b'\n');
        }
        self.add(&joined);
    }
}

fn collect(value: &Value, name: &str, out: &mut Vec<(String, Zeroizing<String>)>) {
    match value {
        Value::String(text) => {
            out.push((name.to_lowercase(), Zeroizing::new(text.clone())));
        }
        Value::Object(members) => members.iter().for_each(|(name, v)| collect(v, name, out)),
        Value::Array(list) => list.iter().for_each(|v| collect(v, name, out)),
        _ => {}
    }
}

/// Returns the forms in which a value may be shown: as it is, as JSON, in a URL, in hex, in base64 with anything before it.
///
/// Line ends are left out of them: whoever looks passes over line ends.
pub fn forms(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(value.to_vec())];
    if let Ok(text) = std::str::from_utf8(value) {
        let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
        forms.push(Zeroizing::new(json.trim_matches('"').as_bytes().to_vec()));
    }
    for upper in [true, false] {
        let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let pair = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]];
        let mut url = Zeroizing::new(Vec::with_capacity(value.len() * 3));
        for byte in value {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    url.push(*byte);
                }
                other => {
                    url.push(b'%');
                    url.extend(pair(other));
                }
            }
        }
        forms.push(url);
        let hex: Vec<u8> = value.iter().flat_map(pair).collect();
        forms.push(Zeroizing::new(hex));
    }
    for before in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(value);
        // signs that hold nothing of what stands before or behind it
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&*bytes));
            forms.push(Zeroizing::new(text.as_bytes()[from..to].to_vec()));
        }
    }
    for form in &mut forms {
        form.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable_by(|a, b| a.as_slice().cmp(b));
    forms.dedup_by(|a, b| a.as_slice() == b.as_slice());
    forms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn values(text: &str, layout: Layout) -> Vec<String> {
        let values = Values::of(&Secret::new(text.as_bytes().to_vec()), layout, "AKIAPUBLIC");
        values.all.iter().map(|v| String::from_utf8_lossy(v.expose()).into_owned()).collect()
    }

    #[test]
    fn what_everybody_may_see_is_no_secret() {
        let lines = "id: AKIAPUBLIC\nuser: breakglass\nsecret: wJalrXUtnFEMI\npin: 123\n";
        assert_eq!(values(lines, Layout::Lines), ["wJalrXUtnFEMI"]);
        let secret = Secret::new(lines.as_bytes().to_vec());
        assert_eq!(Values::of(&secret, Layout::Lines, "").too_short, 1);
        let json = r#"{"type":"service_account","private_key_id":"AKIAPUBLIC",
            "private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabcdef\n-----END PRIVATE KEY-----\n"}"#;
        assert_eq!(values(json, Layout::Raw), ["MIIEvQ\nabcdef"]);
        assert_eq!(values("hunter2hunter2\n", Layout::Raw), ["hunter2hunter2"]);
        let totp = "totp: otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=6\n";
        assert!(values(totp, Layout::Lines)[0].contains("GEZDGNBVGY3TQOJQ"));
    }

    #[test]
    fn base64_is_found_with_anything_around_it() {
        let value = b"s3cret/v4lue+";
        let forms = forms(value);
        for around in ["", "a", "ab", "abc", "user:"] {
            let text = [around.as_bytes(), value, b"-more"].concat();
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&text);
                let found =
                    forms.iter().any(|form| encoded.contains(std::str::from_utf8(form).unwrap()));
                assert!(found, "{encoded}");
            }
        }
        let has = |text: &str| forms.iter().any(|form| form.as_slice() == text.as_bytes());
        assert!(has("s3cret%2Fv4lue%2B") && has("s3cret%2fv4lue%2b"));
        assert!(has("7333637265742f76346c75652b"));
    }
}
