//! `combine --mint`: the operator gets a personal credential that ends by itself, and never sees the one on paper.
//!
//! The platform's own log then names the operator, and what leaks ends on its own. Which of the two was given stands in the
//! logbook, before it is given.

use super::objection::network_route;
use super::{Context, ask, driver};
use crate::clock::{Instant, Source};
use crate::credential::Layout;
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::Draft;
use crate::logbook::record::{Release, Subject, When};
use crate::method::{Method, Rotation};
use crate::rotation::answer::Described;
use crate::rotation::driver::Driver;
use crate::rotation::parts;
use crate::rotation::protocol::{Credential, Request};
use crate::secret::Secret;
use crate::ui::Failure;

/// A driver that makes personal credentials.
pub(super) struct Mint {
    driver: Driver,
    described: Described,
    rotation: Rotation,
}

impl Mint {
    /// Finds it, before anything is opened.
    pub(super) fn find(context: &Context, method: Option<&Method>) -> Result<Self, Failure> {
        let no = |what: String| {
            Failure::new(Exit::No, what)
                .hint("release the credential itself: `breakglass combine` without `--mint`")
        };
        let rotation = method.and_then(|method| method.rotation.clone());
        let rotation =
            rotation.ok_or_else(|| no("the method as it was dealt names no driver".to_owned()))?;
        let kit: Kit = context.kit()?;
        let mut found = driver::find(context, &kit, &rotation)?;
        let described = driver::described(context, &mut found, &rotation)?;
        if let Some(what) = described.cannot_mint(&rotation.target) {
            return Err(no(what));
        }
        Ok(Self { driver: found, described, rotation })
    }

    /// Finds it where the method names a driver that makes them; what stands in the way is said, and stops nobody.
    pub(super) fn find_quietly(context: &Context, method: Option<&Method>) -> Option<Self> {
        method.and_then(|method| method.rotation.as_ref())?;
        match Self::find(context, method) {
            Ok(mint) => Some(mint),
            Err(failure) if failure.exit == Exit::No => None,
            Err(failure) => {
                context.ui.warn(&format!("no personal credential: {}", failure.message));
                None
            }
        }
    }

    /// Makes it with the secret that was opened. Where that fails somebody decides, with a reason, whether the secret itself is
    /// given. With it comes what has to be recorded first.
    pub(super) fn instead_of(
        &self,
        context: &Context,
        (secret, id): (&Secret, &str),
        (method, subject): (&Method, &Subject),
        (release, record): (&Release, Option<u64>),
    ) -> Result<(Secret, Option<Draft>), Failure> {
        let ui = &context.ui;
        if network_route() == Some(false) && ui.can_ask() {
            ask::enter(ui, "Switch the network ON, then Enter: ")?;
        }
        let when = When { at: Instant::now(), source: Source::System };
        let failure = match self.made(context, (secret, id), method, release) {
            Ok((personal, id, until)) => {
                let note = format!("a personal credential was given, {id}, which ends {until}");
                // away from the logbook the release has no number; its check code is in ink
                let given = record.map(|record| {
                    Draft::supplement(when, &context.signature(), subject, (record, &id), &note)
                });
                return Ok((personal, given));
            }
            Err(failure) => failure,
        };
        ui.warn(&format!("no personal credential was made: {}", failure.message));
        let stop = failure
            .hint("the release is recorded; run `breakglass combine` again without `--mint`");
        if !ui.can_ask() {
            return Err(stop);
        }
        let prompt = "Give out the credential on paper itself? Why (Enter: no): ";
        let why = ask::answer_or_empty(ui, prompt, "--no-input")?;
        if !ask::is_a_reason(&why) {
            return Err(stop);
        }
        let kind = "the credential itself instead of a personal one";
        let given = Draft::exception(when, &context.signature(), subject, kind, &why, None);
        Ok((Secret::new(secret.expose().to_vec()), Some(given)))
    }

    /// Returns it, its public id, and when it ends.
    fn made(
        &self,
        context: &Context,
        (secret, id): (&Secret, &str),
        method: &Method,
        release: &Release,
    ) -> Result<(Secret, String, String), Failure> {
        let invalid = |e: parts::FieldsError| Failure::invalid(e.to_string());
        let fields = parts::fields(secret, method.layout, &self.described.secret_fields);
        let auth = Credential { id: id.to_owned(), secret: fields.map_err(invalid)? };
        let seconds = u64::from(method.max_session) * 60;
        let request = Request {
            target: Some(&self.rotation.target),
            auth: Some(&auth),
            operator: Some((&release.operator.id, seconds, &release.reason)),
            ..Request::default()
        };
        let made = driver::asked(&context.ui, |tell| self.driver.mint(&request, tell))
            .map_err(|e| Failure::invalid(e.to_string()))?;
        let plain = |text: &str| crate::ui::plain(text).chars().take(100).collect::<String>();
        let id = plain(&made.credential.id);
        let Some(until) = made.expires_at.as_deref().map(plain).filter(|at| !at.is_empty()) else {
            let what = format!("{id} does not say when it ends, so it is not given to anybody");
            return Err(Failure::invalid(what));
        };
        context
            .ui
            .must_say(&format!("Personal credential {id} for {}, ends {until}", release.operator));
        let secret = parts::credential(&made.credential.secret, None, Layout::Lines);
        Ok((secret.map_err(invalid)?, id, until))
    }
}
