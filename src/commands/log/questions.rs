//! What a record needs, from flags, from what is known, or asked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::flags;
use crate::audit::desk;
use crate::cli::LogAdd;
use crate::commands::ask::answer;
use crate::commands::people::{ask_person, by_sheet, holder, names};
use crate::files;
use crate::logbook::event::Event;
use crate::logbook::member::{BySheet, Member, Person, by_sheet_value, typed};
use crate::logbook::{hex, record};
use crate::method::{Method, file::MAX_FILE};
use crate::set::{SheetId, SheetShare, sha256};
use crate::state::{INTACT, Set, State};
use crate::ui::{Failure, Ui};

/// Largest file whose hash is recorded, bytes.
const MAX_EVIDENCE: usize = 1 << 30;

/// Everything at hand when the questions are asked.
pub(super) struct Desk<'a> {
    pub(super) ui: &'a Ui,
    pub(super) args: &'a LogAdd,
    pub(super) event: Event,
    pub(super) state: &'a State,
    /// The set that it is about.
    pub(super) set: Option<&'a Set>,
    pub(super) method: Option<&'a Method>,
    /// Sheets that were read for it.
    pub(super) read: &'a [SheetShare],
    /// The method file as it is now.
    pub(super) method_path: &'a std::path::Path,
}

impl Desk<'_> {
    /// Returns everything that the record says, asking for what it cannot do without.
    pub(super) fn members(&self, method: &str) -> Result<BTreeMap<Member, Value>, Failure> {
        let mut members = BTreeMap::from([(Member::Method, method.into())]);
        let takes_set = self.event.takes(Member::Set);
        if let Some(set) = self.set.filter(|_| takes_set) {
            members.insert(Member::Generation, set.generation.into());
            members.insert(Member::Set, set.code.clone().into());
        }
        let sheets = self.sheets()?;
        if !sheets.is_empty() {
            members.insert(Member::Sheets, record::list(&sheets));
        }
        for member in Member::ALL.iter().copied().filter(|m| self.event.takes(*m)) {
            if members.contains_key(&member) {
                continue;
            }
            let needed = self.event.needs().contains(&member);
            if let Some(value) = self.value(member, needed, &sheets)? {
                members.insert(member, value);
            }
        }
        flags::check(self.args, self.event)?;
        if self.event == Event::Correct {
            self.correction(&mut members)?;
        }
        Ok(members)
    }

    /// A correction says something; what is most often missing is asked for.
    fn correction(&self, members: &mut BTreeMap<Member, Value>) -> Result<(), Failure> {
        let frame = [Member::Method, Member::Generation, Member::Set, Member::Record];
        let says = |members: &BTreeMap<Member, Value>| members.keys().any(|m| !frame.contains(m));
        if !says(members) && self.ui.can_ask() {
            self.which_finding(members)?;
        }
        if !says(members) && self.ui.can_ask() {
            for (member, question) in [
                (Member::Ticket, "Ticket (Enter: leave it): "),
                (Member::Witness, "Witness, like Fay Adams (E2001) (Enter: leave it): "),
                (Member::Note, "In words (Enter: nothing): "),
            ] {
                let text = crate::commands::ask::answer_or_empty(self.ui, question, "--ticket")?;
                if text.is_empty() {
                    continue;
                }
                let value = match member {
                    Member::Witness => (&Person::parse(&text).map_err(Failure::invalid)?).into(),
                    _ => text.into(),
                };
                members.insert(member, value);
            }
        }
        if says(members) {
            return Ok(());
        }
        Err(Failure::invalid("this corrects nothing").hint(
            "say what: `--ticket`, `--witness`, `--accountable`, `--bag`, `--finding`, `--note`",
        ))
    }

    fn value(
        &self,
        member: Member,
        needed: bool,
        sheets: &[SheetId],
    ) -> Result<Option<Value>, Failure> {
        let args = self.args;
        let text = |given: &Option<String>, question: &str, flag: &str| {
            self.text(given.as_deref(), needed, question, flag)
        };
        match member {
            Member::Bags => self.bags(needed, sheets),
            Member::Seals => self.seals(needed, sheets),
            Member::Custodians => self.custodians(needed, sheets),
            Member::Witness
            | Member::Approver
            | Member::Reviewer
            | Member::Accountable
            | Member::Operator => self.person(member, needed),
            Member::Record => self.record(needed),
            Member::Kind => text(&args.kind, self.kind_question(), "--kind"),
            Member::Result => text(&args.result, "How did it end", "--result"),
            Member::Finding => args.finding.map(|number| self.finding(number)).transpose(),
            Member::ReasonText => text(&args.reason, "Why", "--reason"),
            Member::Ticket => text(&args.ticket, "Ticket", "--ticket"),
            Member::How => text(&args.how, "How (in person, phone)", "--how"),
            Member::To => text(&args.to, "Who was told", "--to"),
            Member::Place => text(&args.place, "Where it lies now", "--place"),
            Member::Note => text(&args.note, self.note_question(), "--note"),
            Member::Credential => {
                let known = self.set.map(|set| set.credential.clone()).filter(|id| !id.is_empty());
                let given = args.credential.clone().or(known.filter(|_| needed));
                text(&given, "Public id of the credential (or `none`)", "--credential")
            }
            Member::Evidence => self.evidence(needed),
            Member::Paper => args.paper.as_deref().map(place).transpose(),
            Member::MethodHash => {
                let bytes = files::read(self.method_path, MAX_FILE)?;
                Ok(Some(hex(&sha256(&[&bytes])).into()))
            }
            _ => Ok(None),
        }
    }

    fn text(
        &self,
        given: Option<&str>,
        needed: bool,
        question: &str,
        flag: &str,
    ) -> Result<Option<Value>, Failure> {
        if given.is_none() && !needed {
            return Ok(None);
        }
        Ok(Some(answer(self.ui, given, &format!("{question}: "), flag)?.into()))
    }

    /// What is corrected of a drill is most often that something it found is mended.
    fn which_finding(&self, members: &mut BTreeMap<Member, Value>) -> Result<(), Failure> {
        let about = members.get(&Member::Record).and_then(Value::as_u64);
        let open = || {
            let of_drill = self.state.findings.iter().filter(|f| Some(f.record) == about);
            of_drill.filter(|f| f.closed.is_none())
        };
        if open().next().is_none() {
            return Ok(());
        }
        for finding in open() {
            self.ui
                .must_say(&format!("  {}  {} ({})", finding.number, finding.what, finding.owner));
        }
        loop {
            let question = "Which of them is mended (Enter: none of them): ";
            let text = crate::commands::ask::answer_or_empty(self.ui, question, "--finding")?;
            if text.is_empty() {
                return Ok(());
            }
            if let Some(finding) = open().find(|f| f.number.to_string() == text) {
                members.insert(Member::Finding, finding.number.into());
                let how = answer(self.ui, None, "How was it mended: ", "--note")?;
                members.insert(Member::Note, how.into());
                return Ok(());
            }
        }
    }

    /// A finding is one that a drill has, and nobody has mended yet.
    fn finding(&self, number: u64) -> Result<Value, Failure> {
        let mut open = self.state.findings.iter().filter(|finding| finding.closed.is_none());
        let about = self.args.record;
        if open.clone().any(|f| Some(f.record) == about && f.number == number) {
            return Ok(number.into());
        }
        let known: Vec<String> = open
            .by_ref()
            .map(|f| format!("record {} finding {}: {}", f.record, f.number, f.what))
            .collect();
        let failure = Failure::invalid(format!("no drill has an open finding {number} there"));
        Err(if known.is_empty() {
            failure
        } else {
            failure.hint(format!("open are: {}", known.join("; ")))
        })
    }

    fn kind_question(&self) -> &'static str {
        match self.event {
            Event::Destroy => "How was it destroyed (cross-cut, burnt, pulped, chip shredded)",
            Event::Tamper => "What is it (`bag or seal`, or other words)",
            _ => "What kind of it, in a word or two",
        }
    }

    fn note_question(&self) -> &'static str {
        match self.event {
            Event::Lost => "What is known about it",
            Event::Abort => "Why the papers of that set are void",
            Event::Compromise => "Who knows it, and since when",
            Event::Void => "What did not come true",
            Event::Close => "Why the book ends, and which one follows",
            _ => "In words",
        }
    }

    /// Returns the sheets that it is about, each of them one of the set.
    fn sheets(&self) -> Result<Vec<SheetId>, Failure> {
        if !self.event.takes(Member::Sheets) {
            return Ok(Vec::new());
        }
        let args = self.args;
        let flags = [&args.bag, &args.seal, &args.custodian];
        let named = flags.into_iter().flatten().filter_map(|text| text.split_once('='));
        let mut words: Vec<String> = args.sheet.clone();
        words.extend(named.map(|(sheet, _)| sheet.to_owned()));
        let mut sheets: BTreeSet<SheetId> = self.read.iter().map(SheetShare::id).collect();
        if words.is_empty() && sheets.is_empty() {
            if !self.event.needs().contains(&Member::Sheets) {
                return Ok(Vec::new());
            }
            let all = self.set.map(|set| names(set.sheets.keys())).unwrap_or_default();
            let question = format!("Which sheets ({all}): ");
            words = self.ask_sheets(&question)?;
        }
        for word in words {
            let sheet = SheetId::parse(word.trim().to_ascii_lowercase().as_str());
            sheets.insert(sheet.ok_or_else(|| {
                Failure::invalid(format!("`{word}` is no sheet; a sheet is called like `3b`"))
            })?);
        }
        if let (Some(set), Some(stranger)) = (
            self.set,
            sheets.iter().find(|id| self.set.is_some_and(|s| !s.sheets.contains_key(id))),
        ) {
            let all = names(set.sheets.keys());
            let generation = set.generation;
            return Err(Failure::invalid(format!(
                "generation {generation} has no sheet {stranger}; it has {all}"
            )));
        }
        Ok(sheets.into_iter().collect())
    }

    /// Asks until every word is a sheet of the set; `all` are all of them.
    fn ask_sheets(&self, question: &str) -> Result<Vec<String>, Failure> {
        let known: Vec<String> =
            self.set.iter().flat_map(|set| set.sheets.keys()).map(ToString::to_string).collect();
        loop {
            let text = answer(self.ui, None, question, "--sheet")?.to_ascii_lowercase();
            if text == "all" && !known.is_empty() {
                return Ok(known);
            }
            let words = text.split(|c: char| c == ',' || c.is_whitespace());
            let words: Vec<String> =
                words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
            match words.iter().find(|word| !known.is_empty() && !known.contains(word)) {
                Some(word) => self.ui.must_say(&format!("`{word}` is none of them.")),
                None => return Ok(words),
            }
        }
    }

    fn bags(&self, needed: bool, sheets: &[SheetId]) -> Result<Option<Value>, Failure> {
        let known = |id: &SheetId| self.set?.sheets.get(id)?.bag.clone();
        let each = |id: &SheetId| {
            let old = known(id);
            let question = match &old {
                Some(bag) => format!("Bag of sheet {id} now (Enter: {bag}): "),
                None => format!("Bag that sheet {id} is in: "),
            };
            if !self.ui.can_ask() {
                return old.ok_or_else(|| missing("--bag"));
            }
            loop {
                let text = crate::commands::ask::answer_or_empty(self.ui, &question, "--bag")?;
                match (text.is_empty(), &old) {
                    (false, _) => return Ok(text),
                    (true, Some(bag)) => return Ok(bag.clone()),
                    (true, None) => {}
                }
            }
        };
        by_sheet(&self.args.bag, "--bag", needed, sheets, typed, each)
            .map(|map| map.map(|map| by_sheet_value(&map, |bag| bag.clone().into())))
    }

    fn seals(&self, needed: bool, sheets: &[SheetId]) -> Result<Option<Value>, Failure> {
        let each = |id: &SheetId| {
            let question =
                format!("Seal of sheet {id} (Enter: intact, or what is wrong with it): ");
            let text = crate::commands::ask::answer_or_empty(self.ui, &question, "--seal")?;
            Ok(if text.is_empty() { INTACT.to_owned() } else { text })
        };
        by_sheet(&self.args.seal, "--seal", needed, sheets, typed, each)
            .map(|map| map.map(|map| by_sheet_value(&map, |seal| seal.clone().into())))
    }

    fn custodians(&self, needed: bool, sheets: &[SheetId]) -> Result<Option<Value>, Failure> {
        let each = |id: &SheetId| {
            // only a transfer changes hands
            if self.event != Event::Transfer
                && let Some(holder) = holder(self.set, self.method, *id)
            {
                return Ok(holder);
            }
            ask_person(self.ui, &format!("Who holds sheet {id} now"), "--custodian")
        };
        by_sheet(&self.args.custodian, "--custodian", needed, sheets, Person::parse, each)
            .map(|map| map.map(|map| by_sheet_value(&map, |person| person.into())))
    }

    fn person(&self, member: Member, needed: bool) -> Result<Option<Value>, Failure> {
        let args = self.args;
        let (given, question) = match member {
            Member::Witness => (&args.witness, "Witness, who holds no sheet of this set"),
            Member::Approver => (&args.approver, "Who has agreed"),
            Member::Reviewer => (&args.reviewer, "Who has looked through the records"),
            Member::Accountable => (&args.accountable, "Who sees to the revocation"),
            _ => (&args.operator, "The operator"),
        };
        let flag = format!("--{}", member.name());
        match given {
            Some(text) => {
                let person = Person::parse(text);
                let person = person.map_err(|e| Failure::invalid(format!("`{flag}`: {e}")))?;
                Ok(Some((&person).into()))
            }
            None if needed => Ok(Some((&ask_person(self.ui, question, &flag)?).into())),
            None => Ok(None),
        }
    }

    fn record(&self, needed: bool) -> Result<Option<Value>, Failure> {
        if self.event == Event::End && self.args.record.is_none() {
            let open: Vec<String> =
                self.state.unended().map(|release| release.record.to_string()).collect();
            if open.len() > 1 {
                let all = open.join(", ");
                return Err(Failure::invalid(format!("several releases are open: records {all}"))
                    .hint("name the one that ends with `--record SEQ`"));
            }
        }
        let open = self.set.and_then(Set::open_release);
        let last = self.set.and_then(|set| set.releases.last());
        let default = match self.event {
            Event::End => open.map(|release| release.record),
            Event::Revoke | Event::Correct => last.map(|release| release.record),
            Event::Review => Some(self.state.records),
            _ => None,
        };
        let number = match self.args.record.or(default) {
            Some(number) => number,
            // which one did not come true is never guessed
            None if !needed && self.event != Event::Void => return Ok(None),
            None if self.event == Event::End => {
                return Err(Failure::invalid("no release is open").hint(
                    "`breakglass status` shows releases; name another record with `--record SEQ`",
                ));
            }
            None => {
                let text = answer(self.ui, None, "Number of the record: ", "--record")?;
                text.parse().map_err(|_| Failure::invalid(format!("`{text}` is no number")))?
            }
        };
        if number == 0 || number > self.state.records {
            let records = self.state.records;
            return Err(Failure::invalid(format!(
                "there is no record {number}; there are 1 to {records}"
            )));
        }
        if self.event == Event::End && self.state.release(number).is_none() {
            return Err(Failure::invalid(format!("record {number} is no release")));
        }
        Ok(Some(number.into()))
    }

    fn evidence(&self, needed: bool) -> Result<Option<Value>, Failure> {
        let mut paths = self.args.evidence.clone();
        if paths.is_empty() && needed {
            paths.push(answer(self.ui, None, "File: ", "--evidence")?.into());
        }
        let mut list = Vec::new();
        for path in &paths {
            let bytes = files::read(path, MAX_EVIDENCE)?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let name = typed(&name).map_err(Failure::invalid)?;
            if !desk::is_known(path) {
                self.ui.warn(&format!(
                    "`{name}` is nothing that an audit reads as an export; its hash is recorded all the same"
                ));
            }
            list.push(json!({ "file": name, "sha256": hex(&sha256(&[&bytes])) }));
        }
        Ok((!list.is_empty()).then(|| list.into()))
    }
}

fn missing(flag: &str) -> Failure {
    Failure::invalid("nobody can be asked").hint(format!("give it with `{flag}`"))
}

/// Reads `B1/3/7`.
fn place(text: &str) -> Result<Value, Failure> {
    let wrong = || Failure::invalid(format!("`{text}` is no place in a book, like `B1/3/7`"));
    let mut parts = text.rsplitn(3, '/');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (line, page) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
    let book = typed(parts.next().unwrap_or_default()).map_err(Failure::invalid)?;
    if book.is_empty() {
        return Err(wrong());
    }
    Ok(json!({ "book": book, "page": page, "line": line }))
}

/// Returns the persons that a record is going to name, by sheet.
pub(super) fn persons(members: &BTreeMap<Member, Value>, member: Member) -> BySheet<Person> {
    each(members, member, Person::of)
}

/// Returns the texts that a record is going to say of each sheet.
pub(super) fn texts(members: &BTreeMap<Member, Value>, member: Member) -> BySheet<String> {
    each(members, member, |value| value.as_str().map(str::to_owned))
}

fn each<T>(
    members: &BTreeMap<Member, Value>,
    member: Member,
    read: impl Fn(&Value) -> Option<T>,
) -> BySheet<T> {
    let map = members.get(&member).and_then(Value::as_object);
    let each = map.into_iter().flatten();
    each.filter_map(|(sheet, value)| Some((SheetId::parse(sheet)?, read(value)?))).collect()
}
