//! Steps with paper: the old set is opened, the new one dealt, read back and opened.

use super::Run;
use super::platform::lost;
use crate::cli::{Confirm, Ink, Intake, Media};
use crate::clock::{Instant, Source};
use crate::commands::papers::{Press, papers_folder, size};
use crate::commands::rehearsal::{self, Wanted};
use crate::commands::{confirm, split};
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::Draft;
use crate::logbook::record::When;
use crate::rotation::parts;
use crate::rotation::plan::Successor;
use crate::rotation::protocol::{Credential, Fields};
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
        let Some(old) = &self.old else { return Ok(()) };
        let secret = self.fields(secret)?;
        let known = &old.credential;
        let of_field =
            || secret.get("id").map(|id| String::from_utf8_lossy(id.expose()).into_owned());
        let id = if known.is_empty() { of_manifest.or_else(of_field) } else { Some(known.clone()) };
        let id = id.unwrap_or_default();
        let named = secret.get("id").map(|id| String::from_utf8_lossy(id.expose()).into_owned());
        if id.is_empty() {
            return Err(Failure::invalid("the records do not know the public id of the old credential, and it does not say it itself")
                .hint("record it: `breakglass log add CORRECT --record SEQ --credential ID`, with the number of its ISSUE"));
        }
        if named.is_some_and(|named| named != id) {
            return Err(Failure::invalid(format!("the records call the old credential {id}, and it calls itself by another id"))
                .hint("record the right one: `breakglass log add CORRECT --record SEQ --credential ID`, with the number of its ISSUE"));
        }
        self.old_credential = Some(Credential { id, secret });
        self.facts.old_in_hand = true;
        Ok(())
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
            terms: split::terms(&method, &method_text, self.state()?.next_generation()),
            folder: papers_folder(&self.kit, self.args.output.as_deref())?,
            kit: Kit::open(self.kit.dir())?,
            press,
            method,
            method_text,
        };
        split::warn_about_swap(self.ui());
        let names = self.described.secret_fields.iter();
        let stand_in = names.map(|name| (name.clone(), Secret::new(vec![b'x'; 40]))).collect();
        let stand_in = self.composed(&stand_in, &order)?;
        split::check_layout(&order.method, &stand_in)?;
        split::lay_out(self.context, &order, &stand_in)?;
        self.order = Some(order);
        Ok(())
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
        order.terms.created = Instant::now().unix();
        order.terms.expires = expires.map(Instant::unix);
        order.terms.credential_id.clone_from(&made.id);
        let code = split::produce(self.context, &order, &credential)?;
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
        if self.changed_for_it()? {
            return Err(Failure::new(
                Exit::StillValid,
                format!("generation {generation} may be the one that works: it is not voided"),
            )
            .hint("scan its sheets back with `breakglass confirm SCANS`, then rotate"));
        }
        if self.ui().can_ask()
            && !self.ui().confirm(&format!("Void generation {generation}?"), "`--no-input`")?
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
            let args = Confirm { intake, ink, custody: self.args.custody.clone() };
            let (_, secret) = confirm::confirm(self.context, &args, Some(&wanted))?;
            // two sheets in one hand are one: the records decide whether that is enough
            if !self.state()?.set(&wanted).is_some_and(crate::state::Set::is_confirmed) {
                return Err(Failure::new(Exit::No, "the new set does not count as confirmed: too few shares are in different hands; the old credential was not touched")
                    .hint("confirm further sheets in other hands with `breakglass confirm SCANS`, then rotate"));
            }
            secret.ok_or_else(|| Failure::invalid("the new set was not opened"))?
        } else {
            self.open(&intake, &ink, &wanted)?.0
        };
        self.facts.successor = Successor::Confirmed;
        self.facts.opened = true;
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
