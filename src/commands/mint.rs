//! `combine --mint`: the operator gets a personal credential that ends by itself, and never sees the one on paper.
//!
//! The platform's own log then names the operator, and what leaks ends on its own.

use super::objection::network_route;
use super::{Context, ask, driver};
use crate::credential::Layout;
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::record::Release;
use crate::method::{Method, Rotation};
use crate::rotation::answer::Described;
use crate::rotation::driver::Driver;
use crate::rotation::parts;
use crate::rotation::protocol::{Credential, Request, Verb};
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
        if !described.can(Verb::Mint) {
            return Err(no(format!("{} makes no personal credentials", described.name)));
        }
        Ok(Self { driver: found, described, rotation })
    }

    /// Makes it with the secret that was opened. Where that fails somebody decides whether the secret itself is given.
    pub(super) fn instead_of(
        &self,
        context: &Context,
        (secret, id): (&Secret, &str),
        method: &Method,
        release: &Release,
    ) -> Result<Secret, Failure> {
        let ui = &context.ui;
        if network_route() == Some(false) && ui.can_ask() {
            ask::enter(ui, "Switch the network ON, then Enter: ")?;
        }
        let failure = match self.made(context, (secret, id), method, release) {
            Ok(personal) => return Ok(personal),
            Err(failure) => failure,
        };
        ui.warn(&format!("no personal credential was made: {}", failure.message));
        if ui.can_ask() && ui.confirm("Give out the credential itself instead?", "`--no-input`")? {
            return Ok(Secret::new(secret.expose().to_vec()));
        }
        Err(failure
            .hint("the release is recorded; run `breakglass combine` again without `--mint`"))
    }

    fn made(
        &self,
        context: &Context,
        (secret, id): (&Secret, &str),
        method: &Method,
        release: &Release,
    ) -> Result<Secret, Failure> {
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
        let made = driver::told(&context.ui, |tell| self.driver.mint(&request, tell))
            .map_err(|e| Failure::invalid(e.to_string()))?;
        let until = made.expires_at.as_deref().map(|at| format!(", ends {at}")).unwrap_or_default();
        context.ui.must_say(&format!(
            "Personal credential {} for {}{}",
            made.credential.id,
            release.operator,
            crate::ui::plain(&until)
        ));
        parts::credential(&made.credential.secret, None, Layout::Lines).map_err(invalid)
    }
}
