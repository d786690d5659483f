//! The file of an account's keys, on its host.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::super::{Login, Problem, Question};
use super::host::{MOVED, done};
use super::keys::{Entry, entry};
use crate::logbook::hex;

/// The file of an account's keys, as it was read.
pub(super) struct Keys {
    pub(super) text: String,
    sha256: String,
}

impl Keys {
    pub(super) fn read(question: &Question, login: Option<&Login>) -> Result<Self, Problem> {
        let file = file(question);
        let bytes =
            done(question, login, &format!("f={file}\nif [ -e \"$f\" ]; then cat \"$f\"; fi\n"))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::new("internal", "the file of the keys is no UTF-8"))?;
        Ok(Self { text, sha256 })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.text.lines().filter_map(entry)
    }
}

/// The path on the host, for `sh`: relative to the home of the account.
pub(super) fn file(question: &Question) -> String {
    let path =
        question.target.get("authorized_keys").map_or(".ssh/authorized_keys", String::as_str);
    quoted(path)
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Puts other keys in the place of those that were read; refused when somebody else has changed them meanwhile.
pub(super) fn replace(
    question: &Question,
    login: Option<&Login>,
    keys: &Keys,
    text: &str,
) -> Result<(), Problem> {
    // whatever stands in the file, none of it is read by the shell
    let (file, was, text) = (file(question), &keys.sha256, STANDARD.encode(text.trim_end()));
    let script = format!(
        r#"set -eu
umask 077
f={file}
mkdir -p "$(dirname "$f")"
[ -e "$f" ] || : > "$f"
f=$(readlink -f "$f")
new=$(mktemp "$f.XXXXXX")
trap 'rm -f "$new"' EXIT
cp -p "$f" "$new"
{{ echo {text} | base64 -d; echo; }} > "$new"
if [ "$(sha256sum < "$f" | cut -c 1-64)" != {was} ]; then echo "the keys were {MOVED}" >&2; exit 9; fi
sync "$new" 2>/dev/null || sync
mv "$new" "$f"
"#
    );
    done(question, login, &script).map(|_| ())
}
