//! What can happen, and what a record of it has to say.

use super::member::Member;

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal needs [$($need:ident),*] may [$($may:ident),*];)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Event {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Event {
            /// Every event, in the order of the format text.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the word in the record.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Returns what it is, in words.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)* }
            }

            /// Returns what a record of it cannot do without.
            pub fn needs(self) -> &'static [Member] {
                match self { $(Self::$name => &[$(Member::$need),*],)* }
            }

            /// Returns what a record of it may say besides.
            pub fn may(self) -> &'static [Member] {
                match self { $(Self::$name => &[$(Member::$may),*],)* }
            }
        }
    };
}

events! {
    /// a book begins
    Begin "BEGIN" needs [Method] may [Paper];
    /// the method file was changed: what is dealt from now on follows the new one
    MethodChange "METHOD" needs [Method, MethodHash, Approver] may [Paper];
    /// a set is dealt: the intent, before the first paper
    Issue "ISSUE" needs [Method, Generation, Set, Sheets, SheetHashes] may [K, Credential, Template, Templates, Media, Paper];
    /// a dealing did not end well: the papers of that set are void
    Abort "ABORT" needs [Method, Generation, Set, Note] may [Paper];
    /// sheets were scanned back and opened the set, and went into bags
    Confirm "CONFIRM" needs [Method, Generation, Set, Sheets, Bags, Custodians] may [Record, Seals, SealNumbers, Witness, Lead, Paper];
    /// a sheet was locked away by its custodian
    Store "STORE" needs [Method, Generation, Set, Sheets, Bags, Custodians] may [Witness, Place, Paper];
    /// a custodian has received a sheet in its bag
    Receive "RECEIVE" needs [Method, Generation, Set, Sheets, Bags, Custodians] may [Seals, Witness, Paper];
    /// bag and seal of a sheet were looked at
    Inspect "INSPECT" needs [Method, Generation, Set, Sheets, Seals] may [Bags, Custodians, How, Paper];
    /// the credential goes to one operator
    Release "RELEASE" needs [Method, Generation, Set, Sheets, Operator, Reason, RevokeDue]
        may [ReasonText, Ticket, Network, Bags, Seals, Custodians, Witness, Approver, Accountable, How, Credential, Paper];
    /// what was done at a terminal was recorded: under a release, which `record` names, or without one
    Session "SESSION" needs [Method, Evidence]
        may [Generation, Set, Record, Kind, Result, Started, Seconds, Exit, Bytes, Events, Masked, Redacted, TooShort, Traces, Paper];
    /// the operator is done
    End "END" needs [Method, Generation, Set, Record] may [Operator, Traces, Paper];
    /// the credential was switched off, but not revoked
    Disable "DISABLE" needs [Method, Generation, Set, Credential] may [Record, Evidence, Paper];
    /// the credential was revoked on its platform
    Revoke "REVOKE" needs [Method, Generation, Set, Credential] may [Record, Evidence, Witness, Paper];
    /// a newer generation is in use
    Rotate "ROTATE" needs [Method, Generation, Set] may [Record, Credential, Evidence, Paper];
    /// a destroyed sheet is printed anew
    Reissue "REISSUE" needs [Method, Generation, Set, Sheets, SheetHashes, ReasonText] may [Custodians, Template, Media, Paper];
    /// a sheet went to another custodian
    Transfer "TRANSFER" needs [Method, Generation, Set, Sheets, Bags, Custodians] may [Seals, Witness, Approver, Paper];
    /// a drill took place
    Drill "DRILL" needs [Method, Generation, Set, Kind, Result]
        may [Record, Sheets, Bags, Seals, Custodians, Lead, Called, FirstSheet, Quorum, Seconds, Checks, Findings, Paper];
    /// a set was opened for another purpose than a release
    Opening "OPENING" needs [Method, Generation, Set, Sheets, Kind] may [Network, Seconds, Custodians, Witness, Paper];
    /// a sheet was destroyed
    Destroy "DESTROY" needs [Method, Generation, Set, Sheets, Kind, Witness] may [Bags, Custodians, Result, Paper];
    /// a sheet is lost
    Lost "LOST" needs [Method, Generation, Set, Sheets, Note] may [Bags, Custodians, Paper];
    /// a sheet, bag or seal is not what it should be
    Tamper "TAMPER" needs [Method, Generation, Set, Sheets, Kind] may [Bags, Custodians, Paper];
    /// the credential is known to somebody who should not know it
    Compromise "COMPROMISE" needs [Method, Generation, Set, Note] may [Credential, Record, Paper];
    /// somebody was told
    Notify "NOTIFY" needs [Method, To] may [Generation, Set, Record, How, Paper];
    /// evidence was put aside
    Keep "EVIDENCE" needs [Method, Evidence] may [Generation, Set, Record, Paper];
    /// a rule was overridden, with the reason typed
    Exception "EXCEPTION" needs [Method, Kind, ReasonText] may [Generation, Set, Record, Approver, Paper];
    /// what a record before announced did not come true
    Void "VOID" needs [Method, Note] may [Generation, Set, Record, Paper];
    /// what a record before did not know yet, or has wrong
    Correct "CORRECT" needs [Method, Record]
        may [Generation, Set, Ticket, Bags, Seals, Custodians, Witness, Approver, Accountable, How, Credential, Evidence, Finding, Paper];
    /// somebody independent has looked through the records up to one of them
    Review "REVIEW" needs [Method, Record, Reviewer] may [Paper];
    /// records made elsewhere come in, with their original bytes
    Import "IMPORT" needs [Method, Line] may [Evidence];
    /// the book ends
    Close "CLOSE" needs [Method, Note] may [Paper];
}

impl Event {
    /// Finds an event by its word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.word().eq_ignore_ascii_case(word))
    }

    /// Says whether its record may or must hold a member.
    pub fn takes(self, member: Member) -> bool {
        member == Member::Note || self.needs().contains(&member) || self.may().contains(&member)
    }

    /// Says whether people report it themselves with `log add`; the others are written by the command that does them.
    pub fn is_reported(self) -> bool {
        !matches!(
            self,
            Self::Begin
                | Self::Issue
                | Self::Confirm
                | Self::Release
                | Self::Drill
                | Self::Session
                | Self::Reissue
                | Self::Opening
                | Self::Import
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fmt::Write as _;

    use super::*;
    use crate::logbook::member::Form;

    /// The tables of the format text are what the program does. `BREAKGLASS_DRAW=1` writes them anew.
    #[test]
    fn the_format_text_says_what_events_and_members_are() {
        let list = |members: &[Member]| {
            let names: Vec<String> = members.iter().map(|m| format!("`{}`", m.name())).collect();
            names.join(" ")
        };
        let mut events = String::from("| event | | says | may say |\n|---|---|---|---|\n");
        for event in Event::ALL {
            let (word, meaning) = (event.word(), event.meaning());
            let (needs, may) = (list(event.needs()), list(event.may()));
            writeln!(events, "| {word} | {meaning} | {needs} | {may} |").unwrap();
        }
        let mut members = String::from("| member | form | |\n|---|---|---|\n");
        for member in Member::ALL {
            let form = match member.form() {
                Form::Words => "text",
                Form::Line => "a line",
                Form::Number => "whole number",
                Form::Flag => "true, false",
                Form::Time => "as `at`",
                Form::Sheets => "list of sheets",
                Form::BySheet => "text by sheet",
                Form::Person => "person",
                Form::PersonBySheet => "person by sheet",
                Form::Evidence => "evidence",
                Form::Place => "place",
                Form::Answers => "answers",
                Form::Findings => "findings",
            };
            writeln!(members, "| `{}` | {form} | {} |", member.name(), member.meaning()).unwrap();
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/logbook/format.md");
        let text = std::fs::read_to_string(path).unwrap();
        if std::env::var_os("BREAKGLASS_DRAW").is_some() {
            let replaced = |text: &str, head: &str, table: &str| {
                let start = text.find(head).unwrap();
                let rest = &text[start..];
                let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
                format!("{}{table}{}", &text[..start], &rest[end..])
            };
            let place = |text: &str, word: &str, head: &str| {
                text.replacen(&format!("\n{word}\n"), &format!("\n{head}\n"), 1)
            };
            let text = place(&text, "EVENTS", "| event |");
            let text = place(&text, "MEMBERS", "| member |");
            let text = replaced(&text, "| event |", &events);
            std::fs::write(path, replaced(&text, "| member |", &members)).unwrap();
            return;
        }
        assert!(text.contains(&events), "{events}");
        assert!(text.contains(&members), "{members}");
    }
}
