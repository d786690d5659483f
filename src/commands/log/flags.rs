//! Which flags of `log add` an event has a use for.

use crate::cli::LogAdd;
use crate::logbook::{Event, Member};
use crate::ui::Failure;

/// A flag that the event has no use for is a misunderstanding.
pub(super) fn check(args: &LogAdd, event: Event) -> Result<(), Failure> {
    let given = [
        (!args.sheet.is_empty(), Member::Sheets, "--sheet"),
        (!args.bag.is_empty(), Member::Bags, "--bag"),
        (!args.seal.is_empty(), Member::Seals, "--seal"),
        (!args.custodian.is_empty(), Member::Custodians, "--custodian"),
        (args.witness.is_some(), Member::Witness, "--witness"),
        (args.approver.is_some(), Member::Approver, "--approver"),
        (args.reviewer.is_some(), Member::Reviewer, "--reviewer"),
        (args.accountable.is_some(), Member::Accountable, "--accountable"),
        (args.operator.is_some(), Member::Operator, "--operator"),
        (args.record.is_some(), Member::Record, "--record"),
        (args.finding.is_some(), Member::Finding, "--finding"),
        (args.kind.is_some(), Member::Kind, "--kind"),
        (args.result.is_some(), Member::Result, "--result"),
        (args.reason.is_some(), Member::ReasonText, "--reason"),
        (args.ticket.is_some(), Member::Ticket, "--ticket"),
        (args.how.is_some(), Member::How, "--how"),
        (args.to.is_some(), Member::To, "--to"),
        (args.place.is_some(), Member::Place, "--place"),
        (args.credential.is_some(), Member::Credential, "--credential"),
        (!args.evidence.is_empty(), Member::Evidence, "--evidence"),
        (args.paper.is_some(), Member::Paper, "--paper"),
        (!args.scan.is_empty(), Member::Sheets, "--scan"),
    ];
    let stranger = given.iter().find(|(is, member, _)| *is && !event.takes(*member));
    match stranger {
        None => Ok(()),
        Some((_, _, flag)) => {
            let word = event.word();
            Err(Failure::invalid(format!("{word} does not take `{flag}`")))
        }
    }
}
