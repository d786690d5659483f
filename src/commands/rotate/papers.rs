//! Steps with paper: the old set is opened, the new one dealt, read back and opened.

use super::platform::lost;
use super::{Run, Staged};
use crate::cli::{Confirm, Ink, Intake, Media};
use crate::clock::{Instant, Source};
use crate::commands::papers::{Press, papers_folder, size};
use crate::commands::rehearsal::{self, Wanted};
use crate::commands::{confirm, driver, split};
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::Draft;
use crate::logbook::record::When;
use crate::method::Method;
use crate::rotation::answer::{Mode, Validity};
use crate::rotation::parts;
use crate::rotation::plan::Successor;
use crate::rotation::protocol::{Credential, Fields, Request};
use crate::secret::Secret;
use crate::ui::Failure;

/// What OPENING records say of a rotation.
const KIND: &str = "rotate";

impl Run<'_> {
    /// Opens the old set.
    pub(super) fn open_old(&mut self) -> Result<(), Failure> {
        let Some(old) = &self.old else { return Ok(()) };
        let wanted = old.subject.set.to_string();
        let (secret, of_manifest) = self.open(&self.args.intake, &self.args.ink, &wanted)?;
        self.take_in_hand(&secret, of_manifest)
    }

    /// Has the old secret from here on, and knows what it is called.
    pub(super) fn take_in_hand(
        &mut self,
        secret: &Secret,
        of_manifest: Option<String>,
    ) -> Result<(), Failure> {
        self.has_opened = true;
        let Some(old) = &self.old else { return Ok(()) };
        let secret = self.fields(secret)?;
        let of_field = secret.get("id").map(|id| String::from_utf8_lossy(id.expose()).into_owned());
        // the paper knows better than a record, which anybody can append
        let of_paper = of_field.or(of_manifest.filter(|id| !id.is_empty()));
        let known = &old.credential;
        let id = match of_paper {
            // there is one, whatever it is called: the one of the target
            None if known.is_empty() && self.facts.mode == Mode::Replace => self.only_one(),
            None if known.is_empty() => {
                return Err(Failure::invalid("the records do not know the public id of the old credential, and it does not say it itself")
                    .hint(self.how_to_name_it()));
            }
            None => known.clone(),
            Some(id) if known.is_empty() || *known == id => id,
            Some(_) => {
                return Err(Failure::invalid(format!(
                    "the records call the old credential {known}, and its paper by another id"
                ))
                .hint(self.how_to_name_it()));
            }
        };
        self.old_credential = Some(Credential { id, secret });
        self.facts.old_in_hand = true;
        Ok(())
    }

    /// Returns what the only credential of a place is called.
    fn only_one(&self) -> String {
        let target = self.method.rotation.as_ref().map(|rotation| &rotation.target);
        let user = target.and_then(|target| target.get("user")).cloned();
        user.unwrap_or_else(|| self.method.id.clone())
    }

    /// Says how the public id of the old credential gets into the records.
    pub(super) fn how_to_name_it(&self) -> String {
        let issue = self.old.as_ref().map(|old| old.issue).unwrap_or_default();
        format!(
            "record the id that the platform has for it: `breakglass log add CORRECT --record {issue} --credential ID`"
        )
    }

    /// Opens a set from k of its sheets; another one than the wanted is refused before anything is recorded.
    fn open(
        &self,
        intake: &Intake,
        ink: &Ink,
        wanted: &str,
    ) -> Result<(Secret, Option<String>), Failure> {
        let time = self.args.custody.time.as_deref();
        let rehearsal = rehearsal::gather(self.context, intake, ink, time, Wanted::Quorum)?;
        rehearsal.refuse_other_than(Some(wanted))?;
        let go_on = "Enter to open it and record that, Ctrl-C to stop: ";
        let exceptions =
            rehearsal.exceptions(self.context, self.args.custody.exception.as_deref(), go_on)?;
        let (_, opened) = rehearsal.open(self.context, exceptions, KIND)?;
        let id = rehearsal.case.manifest.credential_id.clone();
        Ok((opened.credential, Some(id).filter(|id| !id.is_empty())))
    }

    /// Gets everything ready for the new sheets, and lays them out with something in the place of the credential:
    /// what does not fit is known before there is a credential that nobody has on paper.
    pub(super) fn prepare(&mut self) -> Result<(), Failure> {
        let (method, method_text) = self.kit.method()?;
        let press = match self.args.media {
            Media::File => Press::File,
            Media::Paper => {
                Press::on_paper(self.ui(), &self.kit, &method, self.args.paper.map(size))?
            }
        };
        let exception = self.args.custody.exception.as_deref();
        let order = split::Order {
            exception: split::few_unlocked(self.ui(), &method, exception, false)?,
            clock: Source::System,
            terms: split::terms(&method, &method_text, self.state()?.next_generation()),
            folder: papers_folder(&self.kit, self.args.output.as_deref())?,
            kit: Kit::open(self.kit.dir())?,
            press,
            method,
            method_text,
        };
        self.check_what_is_dealt(&order.method)?;
        split::warn_about_swap(self.ui());
        let names = self.described.secret_fields.iter();
        let stand_in = names.map(|name| (name.clone(), Secret::new(vec![b'x'; 40]))).collect();
        let stand_in = self.composed(&stand_in, &order)?;
        split::check_layout(&order.method, &stand_in)?;
        split::lay_out(self.context, &order, &stand_in)?;
        self.order = Some(order);
        Ok(())
    }

    /// The next set is dealt with what stands under `[rotation]` today. That has to work, and to mean the same place.
    fn check_what_is_dealt(&self, method: &Method) -> Result<(), Failure> {
        let Some(rotation) = &method.rotation else { return Ok(()) };
        if Some(rotation) == self.method.rotation.as_ref() {
            return Ok(());
        }
        let mut changed = driver::find(self.context, &self.kit, rotation)?;
        let described = driver::described(self.context, &mut changed, rotation)?;
        let Some(old) = &self.old_credential else { return Ok(()) };
        let stays =
            "the next set would be dealt with a [rotation] that its credential does not belong to";
        if described.mode != self.facts.mode
            || described.secret_fields != self.described.secret_fields
        {
            return Err(Failure::new(Exit::No, stays)
                .hint("make the first credential of another platform in a kit of its own"));
        }
        self.ui().warn("[rotation] is not the one that the old set was dealt with: the old credential is tried there, too");
        let request =
            Request { target: Some(&rotation.target), credential: Some(old), ..Request::default() };
        let verified = driver::asked(self.ui(), |tell| changed.verify(&request, tell))
            .map_err(|e| Failure::invalid(e.to_string()))?;
        if verified.status == Validity::Valid {
            return Ok(());
        }
        Err(Failure::new(Exit::No, format!("{stays}: it does not let the old credential in"))
            .hint("nothing was made; mend [rotation] in method.toml"))
    }

    /// Puts the next credential together, as the sheets will hold it.
    fn composed(&self, new: &Fields, order: &split::Order) -> Result<Secret, Failure> {
        let old = self.old_credential.as_ref().map(|old| &old.secret);
        parts::credential(new, old, order.method.layout)
            .map_err(|e| Failure::invalid(e.to_string()))
    }

    /// Seals the new credential and writes its sheets.
    pub(super) fn deal(&mut self) -> Result<(), Failure> {
        let (Some(made), Some(mut order)) = (&self.made, self.order.take()) else {
            return Err(lost());
        };
        let credential = self.composed(&made.secret, &order)?;
        let expires = self.made_expires.as_deref().map(Instant::parse).transpose();
        let expires =
            expires.map_err(|e| Failure::invalid(format!("the driver's expires_at: {e}")))?;
        let now = self.staged.as_ref().map(|staged| staged.ceremony.now());
        let now = now.unwrap_or(When { at: Instant::now(), source: Source::System });
        (order.terms.created, order.clock) = (now.at.unix(), now.source);
        order.terms.expires = expires.map(Instant::unix);
        order.terms.credential_id.clone_from(&made.id);
        self.papers = Some(order.folder.clone());
        let code = split::produce(self.context, &order, &credential)?;
        match &mut self.staged {
            Some(staged) => staged.dealt = Some((order, code)),
            None => order.tell_what_follows(self.context),
        }
        self.new_code = Some(code.to_string());
        self.facts.successor = Successor::Fresh;
        if !self.facts.at_once {
            self.forget_made();
        }
        Ok(())
    }

    /// From here on the secret comes from paper only.
    fn forget_made(&mut self) {
        self.made = None;
        self.facts.made = false;
    }

    /// Voids a set that an earlier run left half made: too few of its sheets were ever read back.
    pub(super) fn void(&mut self) -> Result<(), Failure> {
        let state = self.state()?;
        let subject = self.new_subject(&state)?;
        let generation = subject.generation;
        if !self.args.void
            && !self.ui().confirm(&format!("Void generation {generation}?"), "`--void`")?
        {
            return Err(Failure::new(Exit::No, "nothing was voided")
                .hint("scan its sheets back with `breakglass confirm SCANS`, then `breakglass rotate` goes on with them"));
        }
        let when = When { at: Instant::now(), source: Source::System };
        let why = "the rotation was interrupted before enough sheets were read back";
        let abort = Draft::abort(when, &self.context.signature(), &subject, why);
        self.append(&[abort])?;
        self.ui().warn(&format!(
            "destroy the papers of generation {}: they are void",
            subject.generation
        ));
        self.new_code = None;
        self.facts.successor = Successor::None;
        Ok(())
    }

    /// Reads the new sheets back and opens the set from them, in this run: nothing is revoked without that.
    pub(super) fn open_new(&mut self) -> Result<(), Failure> {
        let wanted = self.new_code.clone().unwrap_or_default();
        let intake = Intake {
            sheets: self.args.new.clone(),
            watch: self.args.new_watch.clone(),
            identity: self.args.intake.identity.clone(),
            plain: self.args.intake.plain,
            typed: false,
        };
        let ink = Ink { set_code: self.args.new_set_code.clone(), no_book: self.args.new_no_book };
        let secret = if self.facts.successor == Successor::Fresh {
            // where the old one has been ended already, these papers are the only ones that work
            let (staged, ended) = (self.staged.as_ref(), self.facts.end_asked);
            let secret = if let Some(Staged { ceremony, dealt: Some((order, code)), .. }) = staged {
                ceremony.sheets(&order.dealing(*code, !ended))?
            } else {
                let args = Confirm { intake, ink, custody: self.args.custody.clone() };
                confirm::confirm(self.context, &args, Some(&wanted))?.1
            };
            // two sheets in one hand are one: the records decide whether that is enough
            if !self.state()?.set(&wanted).is_some_and(crate::state::Set::is_confirmed) {
                let old = if self.facts.end_asked {
                    "the old credential has been ended already, so these papers are the only ones that work"
                } else {
                    "the old credential was not touched"
                };
                return Err(Failure::new(Exit::No, format!("the new set does not count as confirmed: too few shares are in different hands; {old}"))
                    .hint("confirm further sheets in other hands with `breakglass confirm SCANS`, then rotate"));
            }
            secret.ok_or_else(|| Failure::invalid("the new set was not opened"))?
        } else {
            self.open(&intake, &ink, &wanted)?.0
        };
        self.facts.successor = Successor::Confirmed;
        self.facts.opened = true;
        self.has_opened = true;
        self.forget_made();
        let state = self.state()?;
        let id = state.set(&wanted).map(|set| set.credential.clone()).unwrap_or_default();
        // as it was dealt with, which may be another layout than that of the old one
        let method = self.kit.method_of(&wanted);
        let layout = method.map_or(self.method.layout, |method| method.layout);
        let secret = parts::fields(&secret, layout, &self.described.secret_fields)
            .map_err(|e| Failure::invalid(e.to_string()))?;
        self.new_credential = Some(Credential { id, secret });
        Ok(())
    }
}
