//! What of a credential is secret, and the forms in which it may turn up.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::credential::{self, Layout};
use crate::secret::Secret;

/// Fields of the layout `lines` that are no secret.
const OPEN: [&str; 18] = [
    "account", "database", "db", "email", "host", "id", "key_id", "login", "name", "port",
    "project", "region", "role", "server", "tenant", "url", "user", "username",
];

/// Ends of names of what is no secret, whatever stands before them.
const OPEN_ENDS: [&str; 6] = ["_email", "_id", "_name", "_type", "_uri", "_url"];

/// Words in the names of JSON members that are secret, and whole words that are.
const SECRET: [&str; 6] = ["private", "secret", "password", "passwd", "passphrase", "credential"];
const SECRET_WORDS: [&str; 9] = ["pass", "pwd", "pw", "token", "key", "pin", "otp", "seed", "auth"];

/// Says whether a member of that name is secret.
fn is_secret(name: &str) -> bool {
    let words = || name.split(|c: char| !c.is_alphanumeric());
    let ends_open = OPEN_ENDS.iter().any(|end| name.ends_with(end));
    !ends_open
        && (SECRET.iter().any(|word| name.contains(word))
            || words().any(|word| SECRET_WORDS.contains(&word)))
}

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
                    let name = field.name.as_str();
                    let is_open =
                        OPEN.contains(&name) || OPEN_ENDS.iter().any(|end| name.ends_with(end));
                    // an address may hold a password, too
                    values.add_of_addresses(field.value.expose());
                    if !is_open && field.value.expose() != id.as_bytes() {
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
    ///
    /// What the reader of JSON leaves behind is wiped by the allocator, as everything that is freed.
    fn add_document(&mut self, text: &[u8], id: &str) {
        if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(text) {
            let mut found = Vec::new();
            collect(&Value::Object(members), "", &mut found);
            let secret: Vec<_> = found.iter().filter(|(name, _)| is_secret(name)).collect();
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

    /// Adds the password of an address, `scheme://user:password@host`.
    fn add_of_addresses(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        for (at, _) in text.match_indices("://") {
            let rest = text[at + 3..].split(['/', '?', '#', ' ', '\n']).next().unwrap_or_default();
            if let Some((_, password)) =
                rest.rsplit_once('@').and_then(|(who, _)| who.split_once(':'))
            {
                self.add(password.as_bytes());
            }
        }
    }

    /// Adds a text without the lines around a PEM body, which are the same for everybody.
    fn add_pem(&mut self, text: &[u8]) {
        let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        if !lines.iter().any(|line| line.starts_with(b"-----BEGIN ")) {
            self.add(text);
            self.add_of_addresses(text);
            // `NAME=value` or `name: value` a line, or values alone
            let several = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count() > 1;
            for line in lines {
                let cut = line.iter().position(|byte| matches!(byte, b'=' | b':'));
                if let Some(behind) = cut.map(|at| line[at + 1..].trim_ascii())
                    && behind.len() >= SHORTEST
                    && !behind.starts_with(b"//")
                {
                    self.add(behind);
                }
                if several && line.trim_ascii().len() >= SHORTEST {
                    self.add(line);
                }
            }
            return;
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

/// Returns the forms in which a value may be shown: as it is, as JSON, in a URL, in hex with and without spaces, in base64 with
/// anything before it.
///
/// Line ends are left out of them: whoever looks passes over line ends.
pub fn forms(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(value.to_vec())];
    if let Ok(text) = std::str::from_utf8(value) {
        json_forms(text, &mut forms);
    }
    for upper in [true, false] {
        let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let pair = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]];
        // RFC 3986; what Python's quote, JavaScript's encodeURIComponent and forms leave as it is
        for kept in [&b"-._~"[..], b"-._~/", b"-._~!'()*", b"-._*"] {
            let mut url = Zeroizing::new(Vec::with_capacity(value.len() * 3));
            for byte in value {
                if byte.is_ascii_alphanumeric() || kept.contains(byte) {
                    url.push(*byte);
                } else if *byte == b' ' && kept == b"-._*" {
                    url.push(b'+');
                } else {
                    url.push(b'%');
                    url.extend(pair(byte));
                }
            }
            forms.push(url);
        }
        // every sign of it, as escapers do that know no other
        for before in ["%", "\\x", "\\u00"] {
            let all = value.iter().flat_map(|byte| before.bytes().chain(pair(byte)));
            forms.push(Zeroizing::new(all.collect()));
        }
        // as printf, od and hexdump, openssl, xxd write it
        for (every, between) in [(usize::MAX, b' '), (1, b' '), (1, b':'), (2, b' ')] {
            let mut hex = Zeroizing::new(Vec::with_capacity(value.len() * 3));
            for (at, byte) in value.iter().enumerate() {
                if at > 0 && at % every == 0 {
                    hex.push(between);
                }
                hex.extend(pair(byte));
            }
            forms.push(hex);
        }
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

/// Adds what writers of JSON make of a text: they differ in what they escape.
fn json_forms(text: &str, forms: &mut Vec<Zeroizing<Vec<u8>>>) {
    let plain = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
    let plain = plain.trim_matches('"');
    forms.push(Zeroizing::new(plain.as_bytes().to_vec()));
    forms.push(Zeroizing::new(plain.replace('/', "\\/").into_bytes()));
    // Go escapes what HTML minds, Python all that is not ASCII
    let mut careful = Zeroizing::new(String::with_capacity(plain.len() * 2));
    let mut units = [0; 2];
    for sign in plain.chars() {
        if matches!(sign, '<' | '>' | '&') || !sign.is_ascii() {
            for unit in sign.encode_utf16(&mut units) {
                let _ = write!(careful, "\\u{unit:04x}");
            }
        } else {
            careful.push(sign);
        }
    }
    forms.push(Zeroizing::new(careful.as_bytes().to_vec()));
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
        let named = |text: &str, value: &str| values(text, Layout::Raw).contains(&value.to_owned());
        assert!(
            named("DB_PASSWORD=hunter22\nDB_HOST=x\n", "hunter22")
                && named("root\nhunter22\n", "hunter22")
        );
        assert!(named("postgres://bg:hunter22@db/x", "hunter22"));
        let google = r#"{"token_uri":"https://oauth2.googleapis.com/token","private_key":"abcdefghij","pwd":"hunter22"}"#;
        assert_eq!(values(google, Layout::Raw), ["abcdefghij", "hunter22"]);
        assert_eq!(
            values(
                "database: production\nrole: readonly\nurl: https://u:hunter22@h/\n",
                Layout::Lines
            ),
            ["hunter22"]
        );
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
        assert!(
            has("73 33 63 72 65 74 2f 76 34 6c 75 65 2b")
                && has("7333 6372 6574 2f76 346c 7565 2b")
        );
        assert!(has("s3cret/v4lue%2B") && has("s3cret\\/v4lue+"));
        let other = super::forms("p<ö>&w0rd!".as_bytes());
        let has = |text: &str| other.iter().any(|form| form.as_slice() == text.as_bytes());
        assert!(has("p\\u003c\\u00f6\\u003e\\u0026w0rd!") && has("p%3C%C3%B6%3E%26w0rd!"));
    }
}
