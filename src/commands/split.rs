//! `split`: a credential becomes paper shares, read back before they count as made.

mod credential;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) use self::credential::check_layout;
pub(super) use self::credential::generate;
use self::credential::{credential, warn_about_content};
use super::Context;
use super::ask;
use super::ceremony::script::{Kind, Place};
use super::ceremony::{Ceremony, Dealing, Told};
use super::change;
use super::driver;
use super::locks;
use super::papers::{self, Papers, Press, delete_papers, papers_folder, write_papers};
use crate::cli::{Media, Split};
use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::dealing::{self, Dealt, ReadSheet};
use crate::exit::Exit;
use crate::files;
use crate::harden;
use crate::kit::Kit;
use crate::logbook::record::{Subject, When};
use crate::logbook::{Draft, Logbook};
use crate::method::{Contacts, Lock, Method};
use crate::rng;
use crate::rotation::answer::{Described, Mode};
use crate::sealing::lock;
use crate::secret::Secret;
use crate::set::manifest::{MAX_TEXT, Terms, has_forbidden};
use crate::set::sha256;
use crate::set::{SheetId, SheetShare};
use crate::state::{Stage, State};
use crate::ui::{Failure, Ui};

/// The passphrases of locked sheets.
type Passphrases = BTreeMap<SheetId, Secret>;

pub(super) fn run(context: &Context, args: &Split) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let kit = context.kit()?;
    let (method, method_text) = kit.method()?;
    let book = kit.logbook();
    let (state, _) = State::of_book(&book)?;
    let generation = state.next_generation();
    let press = match args.media {
        Media::File => Press::File,
        Media::Paper => Press::on_paper(ui, &kit, &method, args.paper.map(papers::size))?,
    };
    let mut terms = Terms {
        expires: args.expires.as_deref().map(expiry).transpose()?,
        credential_id: credential_id(&args.credential_id)?,
        ..terms(&method, &method_text, generation)
    };
    change::approved(context, &kit, &state, &method, &method_text)?;
    if let Some(described) = driver::check(context, &kit, &method)? {
        name_for_the_driver(ui, &described, &method, &mut terms);
    }
    announce(ui, &method, generation);
    warn_about_the_past(ui, &state);
    warn_about_second_ways(ui, &method);
    warn_about_contacts(ui, &method, &kit.contacts()?);
    let exception = few_unlocked(ui, &method, args.exception.as_deref(), args.dry_run)?;
    let folder = papers_folder(&kit, args.output.as_deref())?;
    let mut clock = Source::System;
    let ceremony = args.staging.ceremony && !args.dry_run;
    let ceremony = if ceremony {
        let told = Told {
            staging: &args.staging,
            media: args.media,
            witness: args.witness.as_deref(),
            watch: args.watch.clone(),
            time: None,
            exception: args.exception.as_deref(),
        };
        let ceremony = Ceremony::begin(context, Kind::Issue, &method, &told)?;
        ceremony.clear_away(&kit, &state)?;
        let when = ceremony.now();
        (terms.created, clock) = (when.at.unix(), when.source);
        Some(ceremony)
    } else {
        None
    };
    let order = Order { kit, method, method_text, press, folder, terms, clock, exception };
    if args.dry_run {
        // all that can be refused is refused here too, before anybody types a secret
        let stand_in = if args.from.is_none() && args.generate.is_none() {
            generate("20", &mut rng::os())?
        } else {
            let given = credential(ui, args)?;
            check_layout(&order.method, &given)?;
            given
        };
        lay_out(context, &order, &stand_in)?;
        let fits =
            if matches!(order.press, Press::File) { "" } else { "Everything fits on paper. " };
        ui.say(&format!("{fits}Nothing was made: this was a dry run."));
        return Ok(Exit::Done);
    }
    warn_about_swap(ui);
    if let Some(ceremony) = &ceremony {
        ceremony.say(Place::Deal);
    }
    let credential = credential(ui, args)?;
    warn_about_content(ui, &credential);
    check_layout(&order.method, &credential)?;
    let code = produce(context, &order, &credential)?;
    // from here on the secret is on paper only
    drop(credential);
    match &ceremony {
        Some(ceremony) => {
            ceremony.sheets(&order.dealing(code, true))?;
            ceremony.close();
            context.hint("each bag goes to its safe today, and each holder reports it: `breakglass log add STORE`");
        }
        None => order.tell_what_follows(context),
    }
    Ok(Exit::Done)
}

/// A rotation has to know what the platform calls the credential; where there is only ever one, its target says it.
fn name_for_the_driver(ui: &Ui, described: &Described, method: &Method, terms: &mut Terms) {
    let names_itself = described.secret_fields.iter().any(|field| field == "id");
    if !terms.credential_id.is_empty() || names_itself {
        return;
    }
    let target = method.rotation.as_ref().map(|rotation| &rotation.target);
    let user = target.and_then(|target| target.get("user"));
    match user.map(|user| credential_id(user)) {
        Some(Ok(user)) if described.mode == Mode::Replace => terms.credential_id = user,
        _ => ui.warn(
            "without `--credential-id ID` a rotation does not know what the platform calls this credential",
        ),
    }
}

pub(super) fn warn_about_swap(ui: &Ui) {
    if harden::swap_is_on() {
        ui.warn("swap is on: secrets in memory may reach the disk; `swapoff -a` turns it off");
    }
}

/// Lays every page out with something in the place of the credential: what does not fit is known before there is one.
pub(super) fn lay_out(context: &Context, order: &Order, stand_in: &Secret) -> Result<(), Failure> {
    let Order { method, press, terms, .. } = order;
    let passphrases = method.locked_by_passphrase().map(|c| (c.sheet, stand_in_passphrase()));
    make(context, stand_in, terms.clone(), method, &passphrases.collect(), press).map(|_| ())
}

/// What a set is made of, and where its papers go.
pub(super) struct Order {
    pub(super) kit: Kit,
    pub(super) method: Method,
    pub(super) method_text: String,
    pub(super) press: Press,
    /// New or empty.
    pub(super) folder: PathBuf,
    pub(super) terms: Terms,
    /// Whose clock `terms.created` is by.
    pub(super) clock: Source,
    /// Why fewer than k shares are unlocked, and what that is the reason for.
    pub(super) exception: Option<(String, String)>,
}

impl Order {
    /// Returns what a ceremony has to know of the set and its files.
    pub(super) fn dealing(&self, code: Code, may_abort: bool) -> Dealing<'_> {
        let sizes = self.method.custodians.iter().map(|c| (c.sheet, self.press.size_of(c)));
        let sizes = sizes.collect();
        Dealing { kit: &self.kit, code, folder: &self.folder, sizes, may_abort }
    }

    /// Says what is done with the papers.
    pub(super) fn tell_what_follows(&self, context: &Context) {
        let deed = match self.press {
            Press::Paper(..) => "print each file alone",
            Press::File => "copy each file alone onto the stick or card of its holder",
        };
        context.hint(&format!(
            "{deed}, hand it over in person, then delete `{}`; \
             fewer than {} sheets open nothing, and nobody can make new ones from them",
            self.folder.display(),
            self.method.threshold.k()
        ));
    }
}

/// Returns what the manifest of a generation says.
pub(super) fn terms(method: &Method, method_text: &str, generation: u32) -> Terms {
    Terms {
        threshold: method.threshold,
        generation,
        created: Instant::now().unix(),
        expires: None,
        revoke_within: method.revoke_within,
        max_session: method.max_session,
        uses: method.uses,
        method_hash: sha256(&[method_text.as_bytes()]),
        method: method.id.clone(),
        scope: method.scope.clone(),
        credential_id: String::new(),
    }
}

/// Deals, records, writes the papers and reads them back; returns the set code.
pub(super) fn produce(
    context: &Context,
    order: &Order,
    credential: &Secret,
) -> Result<Code, Failure> {
    let ui = &context.ui;
    let Order { kit, method, method_text, press, folder, terms, clock, exception } = order;
    let (book, generation) = (kit.logbook(), terms.generation);
    if matches!(press, Press::File) {
        ui.warn("a file is copied without a trace: seal stick or card in a bag, as paper would be");
    }
    let media = press.media(method)?;
    let passphrases = locks::new_passphrases(ui, method)?;
    let (dealt, papers) = make(context, credential, terms.clone(), method, &passphrases, press)?;

    let subject = Subject { method: method.id.clone(), generation, set: dealt.code };
    let when = When { at: Instant::from_unix(terms.created), source: *clock };
    let program = context.signature();
    files::make_private_folder(folder)?;
    if State::of_book(&book)?.0.records == 0 {
        book.append(&Draft::begin(when, &program, &method.id), &[])?;
    }
    let issue = Draft::issue(when, &program, (&dealt.manifest, dealt.code), &dealt.sheets, &media);
    if let Some((why, words)) = exception {
        let kind = "few unlocked shares";
        let words = Some(words.clone());
        book.append(&Draft::exception(when, &program, &subject, kind, why, words), &[])?;
    }
    let issued = book.append(&issue, &[])?;
    let finished = kit
        .save_set(&dealt.code, method_text, &dealt.manifest, &dealt.sealed)
        .map_err(Failure::from)
        .and_then(|()| write_papers(folder, &papers))
        .and_then(|()| read_back(context, &dealt, credential, folder, &papers, &[]));
    if let Err(failure) = finished {
        return Err(aborted(context, &book, when, &subject, failure, folder, &papers));
    }
    report(ui, method, &dealt, folder, &papers, press);
    let code = issued.check_code();
    ui.must_say("");
    ui.must_say(&format!(
        "Write into the paper book: {} generation {generation}, set code",
        method.id
    ));
    ui.must_say(&format!("  {}", Ui::strong(&dealt.code.to_string())));
    ui.must_say(&format!("and the check code of record {} (ISSUE)", issued.seq));
    ui.must_say(&format!("  {}", Ui::strong(&code.to_string())));
    Ok(dealt.code)
}

/// Records that the set is void, deletes its papers, and says so behind what went wrong.
fn aborted(
    context: &Context,
    book: &Logbook,
    when: When,
    subject: &Subject,
    failure: Failure,
    folder: &Path,
    papers: &Papers,
) -> Failure {
    let why = failure.message.lines().next().unwrap_or_default().to_owned();
    let abort = Draft::abort(when, &context.signature(), subject, &why);
    let left = delete_papers(folder, papers);
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
        failure.message, subject.set
    );
    Failure { message, ..failure }
}

/// Deals and locks in memory and lays every page out, before the first record: a text that does not fit costs nothing.
fn make(
    context: &Context,
    credential: &Secret,
    terms: Terms,
    method: &Method,
    passphrases: &Passphrases,
    press: &Press,
) -> Result<(Dealt, Papers), Failure> {
    let sheets: Vec<SheetId> = method.custodians.iter().map(|c| c.sheet).collect();
    let mut dealt = dealing::deal(credential, terms, &sheets, &mut rng::os())
        .map_err(|e| Failure::invalid(e.to_string()))?;
    lock_all(context, &mut dealt, method, passphrases)?;
    let papers = press.render(&dealt, method)?;
    Ok((dealt, papers))
}

/// Locks every sheet whose custodian has a lock.
pub(super) fn lock_all(
    context: &Context,
    dealt: &mut Dealt,
    method: &Method,
    passphrases: &Passphrases,
) -> Result<(), Failure> {
    let person = locks::person(&context.ui);
    for custodian in &method.custodians {
        let lock = match &custodian.lock {
            None => continue,
            Some(Lock::Recipients(recipients)) => lock::Lock::Recipients(recipients),
            Some(Lock::Passphrase) => match passphrases.get(&custodian.sheet) {
                Some(passphrase) => lock::Lock::Passphrase(passphrase),
                // never silently printed unlocked
                None => {
                    return Err(Failure::invalid(format!("{} has no passphrase", custodian.name)));
                }
            },
        };
        let (sheet, name) = (custodian.sheet, &custodian.name);
        dealt
            .lock(sheet, lock, &person)
            .map_err(|e| Failure::invalid(format!("sheet {sheet} of {name}: {e}")))?;
    }
    Ok(())
}

/// A lock is one more thing that can be missing at four in the morning: k shares stay unlocked, or somebody says
/// why not. Returns the reason and what it is the reason for.
pub(super) fn few_unlocked(
    ui: &Ui,
    method: &Method,
    exception: Option<&str>,
    dry_run: bool,
) -> Result<Option<(String, String)>, Failure> {
    let mut open: Vec<u8> =
        method.custodians.iter().filter(|c| c.lock.is_none()).map(|c| c.sheet.x()).collect();
    open.dedup();
    let (open, k) = (open.len(), method.threshold.k());
    if open >= usize::from(k) {
        return Ok(None);
    }
    let words = format!("only {open} shares are unlocked, and {k} are needed to open the set");
    if let Some(why) = exception {
        let why = ask::exception_reason(why)?;
        ui.warn(&words);
        return Ok(Some((why, words)));
    }
    let hint = "take a lock off in method.toml, or say why it has to be so with `--exception WHY`";
    if !ui.can_ask() || dry_run {
        return Err(Failure::invalid(words).hint(hint));
    }
    ui.warn(&format!("{words}: without the keys or passphrases of the others nobody gets in"));
    let why = ui.ask("Why has it to be so? (Enter stops) ", "`--exception WHY`")?;
    match ask::exception_reason(&why) {
        Ok(why) => Ok(Some((why, words))),
        Err(_) => Err(Failure::invalid(words).hint(hint)),
    }
}

/// What a dry run locks with.
fn stand_in_passphrase() -> Secret {
    Secret::new(vec![b'x'; locks::SHORTEST])
}

/// Papers of an earlier generation that are still out there are easily forgotten.
fn warn_about_the_past(ui: &Ui, state: &State) {
    let out = state.sets.iter().rev().find(|set| state.stage(set) != Stage::Destroyed);
    if let Some(set) = out {
        let end = match state.stage(set) {
            Stage::Retired => "until they are destroyed",
            _ => "until that credential is revoked and they are destroyed",
        };
        ui.warn(&format!(
            "generation {} ({}) is still out: its sheets open what they were made for {end}",
            set.generation, set.code
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

/// Both keys of a lock in one place are one key.
fn warn_about_second_ways(ui: &Ui, method: &Method) {
    for custodian in &method.custodians {
        if matches!(custodian.lock, Some(Lock::Recipients(_))) && custodian.second_way.is_empty() {
            ui.warn(&format!(
                "the method file does not say under second_way where the other key of sheet {} is",
                custodian.sheet
            ));
        }
    }
}

fn announce(ui: &Ui, method: &Method, generation: u32) {
    let (k, n) = (method.threshold.k(), method.threshold.n());
    ui.say(&format!("Method      {}: {} (owner: {})", method.id, method.name, method.owner_team));
    ui.say(&format!("Generation  {generation}"));
    ui.say(&format!("Opened by   any {k} of {n} different shares"));
    for (i, custodian) in method.custodians.iter().enumerate() {
        let label = if i == 0 { "Sheets" } else { "" };
        let lock = match &custodian.lock {
            None => String::new(),
            Some(Lock::Passphrase) => "  (locked: passphrase)".to_owned(),
            Some(Lock::Recipients(all)) => format!("  (locked: any of {} keys)", all.len()),
        };
        let (sheet, name, site) = (custodian.sheet, &custodian.name, &custodian.site);
        ui.say(&format!("{label:<12}{sheet:<4}{name}, {site}{lock}"));
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

/// Reads every page from the files that were written, and opens the set from them once, with other sheets where these
/// alone do not.
pub(super) fn read_back(
    context: &Context,
    dealt: &Dealt,
    credential: &Secret,
    folder: &Path,
    papers: &Papers,
    others: &[SheetShare],
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
    dealing::read_back(dealt, credential, &read, others)
        .map_err(|e| Failure::invalid(e.to_string()))
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
