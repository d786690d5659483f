//! When what is typed is not shown, and therefore not recorded.

use rustix::termios::LocalModes;

/// Words of a prompt behind which a secret is typed.
const WORDS: [&str; 14] = [
    "password",
    "senha",
    "kennwort",
    "pw",
    "otp",
    "passphrase",
    "passwort",
    "passcode",
    "contraseña",
    "mot de passe",
    "secret",
    "token",
    "verification code",
    "pin",
];

/// What becomes of what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The terminal shows it.
    Shown,
    /// It does not.
    Hidden,
    /// The program reads keys: whether it shows them is to be seen.
    Unknown,
}

/// Follows what is typed.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// Behind a prompt for a secret, up to Enter.
    prompted: bool,
}

impl Mask {
    /// Says whether what is typed now is shown. `tail` is the last that the terminal showed.
    ///
    /// A program that reads a line without echo says so to the terminal. One that reads keys does its own echo, and so does
    /// whatever runs at the other end of an ssh: there the prompt has to tell (as for sudo's `passprompt_regex`).
    pub(super) fn echo(&mut self, modes: LocalModes, typed: &[u8], tail: &[u8]) -> Echo {
        if modes.contains(LocalModes::ECHO) {
            self.prompted = false;
            return Echo::Shown;
        }
        if modes.contains(LocalModes::ICANON) {
            self.prompted = false;
            return Echo::Hidden;
        }
        let hides = self.prompted || asks_for_a_secret(tail);
        self.prompted = hides && !typed.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 3 | 4));
        if hides { Echo::Hidden } else { Echo::Unknown }
    }
}

/// Says whether the last line of what was shown is a prompt for a secret.
fn asks_for_a_secret(tail: &[u8]) -> bool {
    let line = tail.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let mut escapes = super::escapes::Escapes::default();
    let text: Vec<u8> = line.iter().copied().filter(|byte| escapes.is_text(*byte)).collect();
    let text = String::from_utf8_lossy(&text).to_lowercase();
    let text = text.trim_end();
    if !text.ends_with([':', '?']) {
        return false;
    }
    let whole = |word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(char::is_alphabetic) && !after.is_some_and(char::is_alphabetic)
        })
    };
    WORDS.iter().any(|word| whole(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_says_it_or_the_prompt_does() {
        let mut mask = Mask::default();
        let (line, shown) = (LocalModes::ICANON, LocalModes::ICANON | LocalModes::ECHO);
        assert_eq!(mask.echo(shown, b"ls", b"Password: "), Echo::Shown);
        assert_eq!(mask.echo(line, b"x", b"$ "), Echo::Hidden);
        let keys = LocalModes::empty();
        assert_eq!(mask.echo(keys, b"ls", b"$ "), Echo::Unknown);
        assert_eq!(mask.echo(keys, b"x", b"password: \r\n$ "), Echo::Unknown);
        // up to Enter, whatever stars are shown meanwhile
        let prompt = b"\x1b[1m[sudo] password for bg: \x1b[0m";
        assert_eq!(mask.echo(keys, b"a", prompt), Echo::Hidden);
        assert_eq!(mask.echo(keys, b"b", b"*"), Echo::Hidden);
        assert_eq!(mask.echo(keys, b"\r", b"**"), Echo::Hidden);
        assert_eq!(mask.echo(keys, b"ls", b"$ "), Echo::Unknown);
        assert_eq!(mask.echo(keys, b"l", b"spinning: "), Echo::Unknown);
        assert_eq!(mask.echo(keys, b"1", b"Enter PIN: "), Echo::Hidden);
    }
}
