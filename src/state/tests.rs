#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::clock::Source;
use crate::logbook::record::{Program, When};
use crate::logbook::{Draft, Entry, Event, Member};
use crate::state::due::{Rules, Task};

const SET: &str = "S 7QK4-M2XD-9FTB-C3HW-S";
const START: u64 = 1_795_521_600;

/// A book written as fast as it can be told.
#[derive(Default)]
struct Tale {
    state: State,
    hours: u64,
}

impl Tale {
    fn tell(&mut self, event: Event, more: &[(Member, Value)]) -> u64 {
        let mut members = BTreeMap::from([(Member::Method, json!("m"))]);
        if event.takes(Member::Set) {
            members.extend([(Member::Generation, json!(1)), (Member::Set, json!(SET))]);
        }
        members.extend(more.iter().cloned());
        let at = Instant::from_unix(START + self.hours * 3600);
        let when = When { at, source: Source::System };
        let program = Program { version: "0".into(), sha256: "unknown".into() };
        let line = Draft::new(event, when, &program, members).unwrap();
        let seq = self.state.records + 1;
        let line = line.line(&format!("\"seq\":{seq},\"prev\":\"{}\"", "0".repeat(64)), &[]);
        self.state.fold(&Entry::read(line.as_bytes()).unwrap());
        self.hours += 1;
        seq
    }

    /// 2-of-4, confirmed and locked away.
    fn in_use() -> Self {
        let mut tale = Self::default();
        let all = ["1a", "2a", "3a", "4a"];
        let by_sheet = |value: &dyn Fn(&str) -> Value| {
            Value::from(
                all.iter().map(|s| ((*s).to_owned(), value(s))).collect::<serde_json::Map<_, _>>(),
            )
        };
        let hash = "0".repeat(32);
        tale.tell(Event::Begin, &[]);
        let sheets = (Member::Sheets, json!(all));
        let hashes = (Member::SheetHashes, by_sheet(&|_| json!(hash)));
        tale.tell(Event::Issue, &[sheets.clone(), hashes, (Member::K, json!(2))]);
        let bags = (Member::Bags, by_sheet(&|s| json!(format!("TE-{s}"))));
        let holders =
            (Member::Custodians, by_sheet(&|s| json!({ "name": format!("N{s}"), "id": s })));
        let custody = [sheets, bags, holders];
        tale.tell(Event::Confirm, &custody);
        tale.tell(Event::Store, &custody);
        tale
    }

    fn release(&mut self) -> u64 {
        let due = Instant::from_unix(START + 48 * 3600).rfc3339();
        let operator = json!({ "name": "B", "id": "E2" });
        self.tell(
            Event::Release,
            &[
                (Member::Sheets, json!(["1a", "2a"])),
                (Member::Operator, operator),
                (Member::Reason, json!("DRILL")),
                (Member::RevokeDue, json!(due)),
            ],
        )
    }

    fn stage(&self) -> &'static str {
        self.state.stage(&self.state.sets[0]).word()
    }

    fn tasks(&self) -> Vec<Task> {
        let mut tasks: Vec<Task> =
            self.state.due(&Rules::default()).iter().map(|due| due.task).collect();
        tasks.dedup();
        tasks
    }
}

#[test]
fn what_was_voided_is_taken_back() {
    let mut tale = Tale::in_use();
    assert_eq!(tale.stage(), "CURRENT");
    let release = tale.release();
    assert_eq!(tale.stage(), "RELEASED");
    let note = |words: &str| (Member::Note, json!(words));
    tale.tell(Event::Void, &[note("the screen was lost"), (Member::Record, json!(release))]);
    assert_eq!(tale.stage(), "CURRENT");

    let lost = tale.tell(Event::Lost, &[(Member::Sheets, json!(["4a"])), note("gone")]);
    assert!(matches!(
        tale.state.sets[0].sheets[&SheetId::parse("4a").unwrap()].fate,
        Fate::Lost(..)
    ));
    tale.tell(Event::Void, &[note("it was in the other safe"), (Member::Record, json!(lost))]);
    assert_eq!(tale.state.sets[0].usable_numbers(), 4);

    let revoke = tale.tell(Event::Revoke, &[(Member::Credential, json!("AKIA"))]);
    assert_eq!(tale.stage(), "RETIRED");
    tale.tell(Event::Void, &[note("another key"), (Member::Record, json!(revoke))]);
    assert_eq!(tale.stage(), "CURRENT");
}

#[test]
fn a_released_credential_is_due_for_revocation_whatever_is_said_of_its_papers() {
    let mut tale = Tale::in_use();
    tale.release();
    tale.tell(Event::Abort, &[(Member::Note, json!("a mistake, or worse"))]);
    assert!(tale.tasks().contains(&Task::Revoke), "{:?}", tale.tasks());
}

#[test]
fn a_second_issue_hides_nothing() {
    let mut tale = Tale::in_use();
    tale.release();
    let hashes = (Member::SheetHashes, json!({ "1a": "0".repeat(32) }));
    tale.tell(Event::Issue, &[(Member::Sheets, json!(["1a"])), hashes]);
    assert_eq!(tale.state.sets.len(), 1);
    assert_eq!(tale.stage(), "RELEASED");
}

#[test]
fn too_few_sheets_where_they_belong_is_something_to_do() {
    let mut tale = Tale::in_use();
    assert!(!tale.tasks().contains(&Task::Deal));
    for sheet in ["3a", "4a"] {
        let seals = (Member::Seals, json!({ sheet: "torn" }));
        tale.tell(Event::Inspect, &[(Member::Sheets, json!([sheet])), seals]);
    }
    assert_eq!(tale.state.sets[0].usable_numbers(), 2);
    let tasks = tale.tasks();
    assert!(tasks.contains(&Task::Deal) && tasks.contains(&Task::ClearUp), "{tasks:?}");
    // what is destroyed stays so, whatever is seen of it
    let destroy = [
        (Member::Sheets, json!(["4a"])),
        (Member::Kind, json!("burnt")),
        (Member::Witness, json!({ "name": "F", "id": "E9" })),
    ];
    tale.tell(Event::Destroy, &destroy);
    let seals = (Member::Seals, json!({ "4a": "torn" }));
    tale.tell(Event::Inspect, &[(Member::Sheets, json!(["4a"])), seals]);
    let fate = tale.state.sets[0].sheets[&SheetId::parse("4a").unwrap()].fate;
    assert!(matches!(fate, Fate::Destroyed(_)));
}

#[test]
fn two_sheets_in_one_hand_are_confirmed_once() {
    let mut tale = Tale::in_use();
    let one = json!({ "name": "n1a", "id": "another" });
    let bags = json!({ "2a": "X", "3a": "Y" });
    let holders = json!({ "2a": one, "3a": one });
    tale.tell(
        Event::Transfer,
        &[
            (Member::Sheets, json!(["2a", "3a"])),
            (Member::Bags, bags),
            (Member::Custodians, holders),
        ],
    );
    // 1a, and 4a: the names of the others are those of 1a
    assert_eq!(tale.state.sets[0].confirmed_numbers(), 2);
}

/// An EXCEPTION has no number of its release yet, so it excuses the one right behind it and no other.
#[test]
fn an_exception_excuses_the_release_right_behind_it() {
    let excuse = |tale: &mut Tale, more: &[(Member, Value)]| {
        let mut members = vec![
            (Member::Kind, json!(NO_RECORDING)),
            (Member::ReasonText, json!("the shell is broken")),
        ];
        members.extend(more.iter().cloned());
        tale.tell(Event::Exception, &members)
    };
    let excused = |tale: &Tale| -> Vec<Option<u64>> {
        tale.state.sets[0].releases.iter().map(|release| release.unrecorded).collect()
    };
    let mut tale = Tale::in_use();
    let first = excuse(&mut tale, &[]);
    // what else speaks against it stands between them
    tale.tell(Event::Exception, &[(Member::Kind, json!("x")), (Member::ReasonText, json!("y z"))]);
    let release = tale.release();
    tale.release();
    assert_eq!(excused(&tale), [Some(first), None]);
    // by hand, without a number, and something came between
    excuse(&mut tale, &[]);
    tale.tell(Event::End, &[(Member::Record, json!(release))]);
    tale.release();
    // of a record that is no release; taken back
    excuse(&mut tale, &[(Member::Record, json!(1))]);
    tale.release();
    let void = excuse(&mut tale, &[]);
    let why = (Member::Note, json!("never happened"));
    tale.tell(Event::Void, &[(Member::Record, json!(void)), why]);
    tale.release();
    assert_eq!(excused(&tale), [Some(first), None, None, None, None]);
    let last = excuse(&mut tale, &[(Member::Record, json!(release))]);
    assert_eq!(excused(&tale)[0], Some(last));
}
