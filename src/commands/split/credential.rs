//! The credential that is to be split: from a file, standard input, randomness or two hidden prompts.

use zeroize::Zeroizing;

use crate::cli::Split;
use crate::credential::{CredentialError, Layout, fields};
use crate::files;
use crate::method::{Method, Source};
use crate::rng::{self, CryptoRng};
use crate::sealing::MAX_CREDENTIAL;
use crate::secret::Secret;
use crate::ui::{Failure, Ui};

/// Beyond that many bytes nobody is asked to type a sealed credential.
const TYPEABLE: usize = 1024;

/// Gets the credential from a file, standard input, randomness or two hidden prompts.
pub(super) fn credential(ui: &Ui, args: &Split) -> Result<Secret, Failure> {
    if let Some(spec) = &args.generate {
        return generate(spec, &mut rng::os());
    }
    let Some(path) = &args.from else {
        let flag = "`--from FILE` or `--generate N`";
        loop {
            let first = ui.ask_hidden("Credential (not shown as you type): ", flag)?;
            if first.is_empty() {
                ui.must_say("Nothing was typed.");
                continue;
            }
            if first.same_as(&ui.ask_hidden("Again: ", flag)?) {
                return Ok(first);
            }
            ui.must_say("The two differ. Once more from the start:");
        }
    };
    let bytes = if path.as_os_str() == "-" {
        files::read_from(files::stdin()?, path, MAX_CREDENTIAL)
    } else {
        files::read(path, MAX_CREDENTIAL)
    };
    Ok(Secret::from(bytes.map_err(|error| {
        match error {
            files::FileError::TooLarge { .. } => Failure::invalid(format!(
                "the credential in `{}` has more than 16384 bytes",
                path.display()
            ))
            .hint("seal the large thing with a key of its own, and split that key"),
            other => other.into(),
        }
    })?))
}

/// What does not have its layout now will not have it at 4 am.
pub(in crate::commands) fn check_layout(
    method: &Method,
    credential: &Secret,
) -> Result<(), Failure> {
    if method.layout == Layout::Raw {
        return Ok(());
    }
    let wrong = |e: CredentialError| Failure::invalid(e.to_string());
    let lines = fields(credential).map_err(wrong)?;
    for (variable, source) in &method.env {
        if let Source::Field(name) = source
            && lines.iter().all(|field| field.name != *name)
        {
            let message =
                format!("the credential has no line `{name}` for the variable {variable}");
            return Err(Failure::invalid(message).hint("mend [release.env] in method.toml"));
        }
    }
    Ok(())
}

/// Makes a credential of N signs, uniformly from the given ones: `20`, `20:a-z0-9`.
pub(in crate::commands) fn generate(
    spec: &str,
    rng: &mut impl CryptoRng,
) -> Result<Secret, Failure> {
    let wrong =
        || Failure::invalid(format!("`{spec}` is not N or N:SIGNS, like 20 or 20:a-zA-Z0-9"));
    let (count, signs) = spec.split_once(':').unwrap_or((spec, "a-zA-Z0-9"));
    let count: usize = count.parse().map_err(|_| wrong())?;
    let signs: Vec<u8> = expand(signs).filter(|signs| signs.len() >= 2).ok_or_else(wrong)?;
    if count == 0 || count > MAX_CREDENTIAL {
        return Err(wrong());
    }
    // bytes beyond the last whole multiple would favour the first signs
    let fair = 256 - 256 % signs.len();
    let mut out = Zeroizing::new(Vec::with_capacity(count));
    while out.len() < count {
        let [byte] = rng::bytes::<1>(rng);
        if usize::from(byte) < fair {
            out.push(signs[usize::from(byte) % signs.len()]);
        }
    }
    Ok(Secret::from(out))
}

/// Writes out ranges: `a-c_` → `abc_`. Printable ASCII only; doubled signs count once.
fn expand(signs: &str) -> Option<Vec<u8>> {
    let bytes = signs.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        if let [from, b'-', to, ..] = bytes[i..] {
            out.extend(from..=to);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out.sort_unstable();
    out.dedup();
    out.iter().all(u8::is_ascii_graphic).then_some(out)
}

pub(super) fn warn_about_content(ui: &Ui, credential: &Secret) {
    let what = match credential.expose().last() {
        Some(b'\n') => "a line feed",
        Some(b' ' | b'\t' | b'\r') => "a space",
        _ => "",
    };
    // a password typed into a file; in a platform's own file a last line feed is as it should be
    let one_line = credential.expose().split(|b| *b == b'\n').count() <= 2;
    if !what.is_empty() && one_line && credential.len() < 80 {
        ui.warn(&format!(
            "the credential ends in {what}, which becomes a part of it ({} bytes)",
            credential.len()
        ));
    }
    if credential.len() > TYPEABLE {
        ui.warn(&format!(
            "the credential has {} bytes: above {TYPEABLE} nobody is asked to type it; \
             without the kit its codes have to be scanned",
            credential.len()
        ));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn generated_credentials_are_of_the_signs_asked_for() {
        let made = generate("40:a-cX_", &mut rng::os()).unwrap();
        assert_eq!(made.len(), 40);
        assert!(made.expose().iter().all(|b| b"abcX_".contains(b)));
        assert_eq!(generate("20", &mut rng::os()).unwrap().len(), 20);
        for bad in ["", "0", "x", "20:", "20:a", "20:aa", "99999", "5: -z"] {
            assert!(generate(bad, &mut rng::os()).is_err(), "{bad}");
        }
    }
}
