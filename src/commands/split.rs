//! `split`: a credential becomes paper shares, read back before they count as made.

use std::path::Path;

use zeroize::Zeroizing;

use super::Context;
use super::papers::{Papers, Press, delete_papers, papers_folder, write_papers};
use crate::cli::{Media, Paper, Split};
use crate::clock::{Instant, Source};
use crate::codes::grid::PaperSize;
use crate::dealing::{self, Dealt, ReadSheet};
use crate::exit::Exit;
use crate::files;
use crate::harden;
use crate::kit;
use crate::logbook::Draft;
use crate::logbook::chain::Entry;
use crate::logbook::record::{Event, Subject, When};
use crate::method::{Contacts, Method};
use crate::paper::Templates;
use crate::rng::{self, CryptoRng};
use crate::sealing::MAX_CREDENTIAL;
use crate::secret::Secret;
use crate::set::SheetId;
use crate::set::manifest::{MAX_TEXT, Terms, has_forbidden};
use crate::set::sha256;
use crate::ui::{Failure, Ui};

/// Beyond that many bytes nobody is asked to type a sealed credential.
const TYPEABLE: usize = 1024;

pub(super) fn run(context: &Context, args: &Split) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let kit = context.kit()?;
    let (method, method_text) = kit.method()?;
    let book = kit.logbook();
    let entries = if book.exists() { book.verify()?.entries } else { Vec::new() };
    let generation = kit::next_generation(&entries);
    let press = press(args)?;
    let now = Instant::now();
    let terms = Terms {
        threshold: method.threshold,
        generation,
        created: now.unix(),
        expires: args.expires.as_deref().map(expiry).transpose()?,
        revoke_within: method.revoke_within,
        max_session: method.max_session,
        uses: method.uses,
        method_hash: sha256(&[method_text.as_bytes()]),
        method: method.id.clone(),
        scope: method.scope.clone(),
        credential_id: credential_id(&args.credential_id)?,
    };
    announce(ui, &method, generation);
    warn_about_the_past(ui, &method, &entries);
    warn_about_contacts(ui, &method, &kit.contacts()?);
    let folder = papers_folder(&kit, args.output.as_deref())?;
    if args.dry_run {
        // all that can be refused is refused here too, before anybody types a secret
        let stand_in = match (&args.from, &args.generate) {
            (None, None) => generate("20", &mut rng::os())?,
            _ => credential(ui, args)?,
        };
        make(&stand_in, terms, &method, &press)?;
        let fits = if matches!(press, Press::File) { "" } else { "Everything fits on paper. " };
        ui.say(&format!("{fits}Nothing was made: this was a dry run."));
        return Ok(Exit::Done);
    }
    if harden::swap_is_on() {
        ui.warn("swap is on: secrets in memory may reach the disk; `swapoff -a` turns it off");
    }
    let credential = credential(ui, args)?;
    warn_about_content(ui, &credential);
    if matches!(press, Press::File) {
        ui.warn("a file is copied without a trace: seal stick or card in a bag, as paper would be");
    }

    let (dealt, papers) = make(&credential, terms, &method, &press)?;

    let subject = Subject { method: method.id.clone(), generation, set: dealt.code };
    let when = When { at: now, source: Source::System };
    let program = context.signature();
    let fresh = entries.is_empty();
    files::make_private_folder(&folder)?;
    if fresh {
        book.append(&Draft::begin(when, &program, &method.id), &[])?;
    }
    let issue = Draft::issue(when, &program, &subject, &dealt.sheets, &press.media());
    let issued = book.append(&issue, &[])?;
    let finished = kit
        .save_set(&dealt.code, &method_text, &dealt.manifest, &dealt.sealed)
        .map_err(Failure::from)
        .and_then(|()| write_papers(&folder, &papers))
        .and_then(|()| read_back(context, &dealt, &credential, &folder, &papers));
    if let Err(failure) = finished {
        let why = failure.message.lines().next().unwrap_or_default().to_owned();
        let abort = Draft::abort(when, &program, &subject, &why);
        let left = delete_papers(&folder, &papers);
        let aborted = match book.append(&abort, &[]) {
            Ok(aborted) => format!("record {}", aborted.seq),
            Err(error) => format!("not recorded: {error}"),
        };
        let papers = if left.is_empty() {
            "its papers were deleted".to_owned()
        } else {
            format!("these papers could NOT be deleted, destroy them: {}", left.join(", "))
        };
        let message = format!(
            "{}\nthe set {} was aborted ({aborted}) and {papers}",
            failure.message, dealt.code
        );
        return Err(Failure { message, ..failure });
    }
    report(ui, &method, &dealt, &folder, &papers, &press);
    let code = issued.check_code();
    ui.must_say("");
    ui.must_say(&format!(
        "Write into the paper book: {} generation {generation}, set code",
        method.id
    ));
    ui.must_say(&format!("  {}", Ui::strong(&dealt.code.to_string())));
    ui.must_say(&format!("and the check code of record {} (ISSUE)", issued.seq));
    ui.must_say(&format!("  {}", Ui::strong(&code.to_string())));
    let deed = match press {
        Press::Paper(..) => "print each file alone",
        Press::File => "copy each file alone onto the stick or card of its holder",
    };
    context.hint(&format!(
        "{deed}, hand it over in person, then delete `{}`; \
         fewer than {} sheets open nothing, and nobody can make new ones from them",
        folder.display(),
        method.threshold.k()
    ));
    Ok(Exit::Done)
}

/// Says what the sheets become.
fn press(args: &Split) -> Result<Press, Failure> {
    let paper = match (args.media, args.paper) {
        (Media::File, _) => return Ok(Press::File),
        (Media::Paper, Paper::A4) => PaperSize::A4,
        (Media::Paper, Paper::Letter) => PaperSize::Letter,
    };
    let templates = Templates::built_in().map_err(|e| Failure::invalid(e.to_string()))?;
    Ok(Press::Paper(paper, templates))
}

/// Deals in memory and lays every page out, before the first record: a text that does not fit costs nothing.
fn make(
    credential: &Secret,
    terms: Terms,
    method: &Method,
    press: &Press,
) -> Result<(Dealt, Papers), Failure> {
    let sheets: Vec<SheetId> = method.custodians.iter().map(|c| c.sheet).collect();
    let dealt = dealing::deal(credential, terms, &sheets, &mut rng::os())
        .map_err(|e| Failure::invalid(e.to_string()))?;
    let papers = press.render(&dealt, method)?;
    Ok((dealt, papers))
}

/// Papers of an earlier generation that are still out there are easily forgotten.
fn warn_about_the_past(ui: &Ui, method: &Method, entries: &[Entry]) {
    let earlier = |e: &&Entry| e.is(Event::Issue) && e.text("method") == method.id;
    if let Some(entry) = entries.iter().rev().find(earlier) {
        let generation = entry.generation();
        ui.warn(&format!(
            "generation {generation} ({}) is still out: its sheets open what they were made for until \
             that credential is revoked and they are destroyed",
            entry.text("set")
        ));
    }
}

fn warn_about_contacts(ui: &Ui, method: &Method, contacts: &Contacts) {
    let unknown = method.custodians.iter().filter(|c| contacts.line(&c.id).is_empty());
    let unknown: Vec<&str> = unknown.map(|c| c.id.as_str()).collect();
    if !unknown.is_empty() {
        ui.warn(&format!("contacts.toml does not say how to reach {}", unknown.join(", ")));
    }
}

fn announce(ui: &Ui, method: &Method, generation: u32) {
    let (k, n) = (method.threshold.k(), method.threshold.n());
    ui.say(&format!("Method      {}: {} (owner: {})", method.id, method.name, method.owner_team));
    ui.say(&format!("Generation  {generation}"));
    ui.say(&format!("Opened by   any {k} of {n} different shares"));
    for (i, custodian) in method.custodians.iter().enumerate() {
        let label = if i == 0 { "Sheets" } else { "" };
        ui.say(&format!("{label:<12}{:<4}{}, {}", custodian.sheet, custodian.name, custodian.site));
    }
    for x in 1..=n {
        let mut sites: Vec<&str> = method
            .custodians
            .iter()
            .filter(|c| c.sheet.x() == x)
            .map(|c| c.site.as_str())
            .collect();
        let copies = sites.len();
        sites.sort_unstable();
        sites.dedup();
        if sites.len() < copies {
            ui.warn(&format!("copies of share {x} lie at one site: one fire takes both"));
        }
    }
}

/// Reads a date or a time from which the platform refuses the credential.
fn expiry(text: &str) -> Result<u64, Failure> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at = Instant::parse(&full)
        .map_err(|_| Failure::invalid(format!("`{text}` is not a date like 2027-03-31")))?;
    if at <= Instant::now() {
        return Err(Failure::invalid(format!(
            "the credential would have expired already ({text})"
        )));
    }
    Ok(at.unix())
}

fn credential_id(text: &str) -> Result<String, Failure> {
    if text.len() > MAX_TEXT || has_forbidden(text) {
        return Err(Failure::invalid(
            "a credential id has at most 48 bytes and no control characters",
        ));
    }
    Ok(text.to_owned())
}

/// Gets the credential from a file, standard input, randomness or two hidden prompts.
fn credential(ui: &Ui, args: &Split) -> Result<Secret, Failure> {
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

/// Makes a credential of N signs, uniformly from the given ones: `20`, `20:a-z0-9`.
fn generate(spec: &str, rng: &mut impl CryptoRng) -> Result<Secret, Failure> {
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

fn warn_about_content(ui: &Ui, credential: &Secret) {
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

/// Reads every page from the files that were written, and opens the set from them once.
fn read_back(
    context: &Context,
    dealt: &Dealt,
    credential: &Secret,
    folder: &Path,
    papers: &Papers,
) -> Result<(), Failure> {
    context.ui.say("");
    context.ui.say("Reading everything back and opening the set from it once (a few seconds)");
    let reader = context.reader();
    let mut read = Vec::new();
    for (sheet, (name, pdf)) in dealt.sheets.iter().zip(papers) {
        let bytes = files::read(&folder.join(name), pdf.len())?;
        match reader.read(name, &bytes) {
            Ok(reading) => read.push(ReadSheet { sheet: sheet.id(), reading }),
            Err(error) => return Err(Failure::invalid(error.to_string())),
        }
    }
    dealing::read_back(dealt, credential, &read).map_err(|e| Failure::invalid(e.to_string()))
}

fn report(ui: &Ui, method: &Method, dealt: &Dealt, folder: &Path, papers: &Papers, press: &Press) {
    let (k, n) = (method.threshold.k(), method.threshold.n());
    let what = if matches!(press, Press::File) { "file" } else { "page" };
    ui.say(&format!(
        "Made set {}: every {what} reads back, and any {k} of {n} open it",
        Ui::strong(&dealt.code.to_string())
    ));
    for ((name, _), custodian) in papers.iter().zip(&method.custodians) {
        ui.say(&format!("  {:<40} for {}", folder.join(name).display(), custodian.name));
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
