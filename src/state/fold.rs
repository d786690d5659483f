//! Record by record: what each event changes.

use serde_json::Value;

use super::{FORGED, Fate, Finding, INTACT, NO_RECORDING, Release, Set, Sheet, State, WITHOUT};
use crate::clock::Instant;
use crate::logbook::{Entry, Event, Member, Person};
use crate::set::SheetId;

impl State {
    /// Takes one more record.
    pub fn fold(&mut self, entry: &Entry) {
        self.records = self.records.max(entry.seq);
        if let Some(inner) = entry.imported() {
            if let Some(number) = inner.number("seq") {
                self.aliases.insert(number, entry.seq);
            }
            let about = inner.record().map(|n| self.aliases.get(&n).copied().unwrap_or(n));
            self.take(&inner, about.filter(|_| inner.number("seq").is_some()));
        } else {
            self.take(entry, entry.record());
        }
    }

    fn take(&mut self, entry: &Entry, about: Option<u64>) {
        let (Some(event), Some(at)) = (entry.event, entry.at()) else { return };
        self.latest = self.latest.max(Some(at));
        self.follow(event, entry, about, at);
        // it stands right before its release, but for what else speaks against that
        if !matches!(event, Event::Exception | Event::Tamper) {
            self.announced = None;
        }
    }

    fn follow(&mut self, event: Event, entry: &Entry, about: Option<u64>, at: Instant) {
        match event {
            Event::Begin => entry.text("method").clone_into(&mut self.method),
            Event::MethodChange => {
                entry.text("method_hash").clone_into(&mut self.approved_method);
            }
            Event::Issue => self.issue(entry, at),
            // nobody has reviewed what comes after the review
            Event::Review => {
                self.reviewed = self.reviewed.max(about.unwrap_or_default().min(entry.seq));
            }
            Event::Close => self.closed = true,
            Event::Drill => self.drill(entry, at),
            Event::Void => self.void(entry, about),
            Event::Correct => self.correct(entry, about),
            Event::End => {
                let mut releases = self.sets.iter_mut().flat_map(|set| &mut set.releases);
                if let Some(release) = releases.find(|r| Some(r.record) == about) {
                    release.ended.get_or_insert((entry.seq, at));
                }
            }
            Event::Session => {
                let named = entry.members.get("evidence").and_then(Value::as_array);
                let files = named.into_iter().flatten().filter_map(|file| file["file"].as_str());
                self.recorded.extend(files.map(|file| (file.to_owned(), entry.seq)));
                let mut releases = self.sets.iter_mut().flat_map(|set| &mut set.releases);
                let release = releases.find(|r| Some(r.record) == about);
                if let Some(release) = release.filter(|_| entry.text("kind") != WITHOUT) {
                    release.sessions.push(entry.seq);
                }
            }
            Event::Exception if entry.text("kind") == NO_RECORDING => {
                let mut releases = self.sets.iter_mut().flat_map(|set| &mut set.releases);
                if let Some(release) = releases.find(|r| Some(r.record) == about) {
                    release.unrecorded = Some(entry.seq);
                } else if about.is_none() {
                    // the release has no number yet
                    self.announced = Some((entry.text("set").to_owned(), entry.seq));
                }
            }
            Event::Keep => self.keep(entry, about, at),
            _ => {
                let code = entry.text("set");
                let announced = self.announced.as_ref().filter(|(of, _)| of == code);
                let unrecorded = announced.map(|(_, record)| *record);
                if let Some(set) = self.sets.iter_mut().rev().find(|set| set.code == code) {
                    set.take(event, entry, at);
                    if event == Event::Release
                        && let Some(release) = set.releases.last_mut()
                    {
                        release.unrecorded = unrecorded;
                    }
                }
            }
        }
    }

    /// Evidence is about a release, named by its record or by that of its revocation, or about all of a set.
    fn keep(&mut self, entry: &Entry, about: Option<u64>, at: Instant) {
        for set in &mut self.sets {
            let of_set = match about {
                Some(record) => set.revoked.is_some_and(|(revoked, _)| revoked == record),
                None => set.code == entry.text("set"),
            };
            for release in &mut set.releases {
                if of_set || about == Some(release.record) {
                    release.kept = release.kept.max(Some((entry.seq, at)));
                }
            }
        }
    }

    fn issue(&mut self, entry: &Entry, at: Instant) {
        // a set is dealt once: a second ISSUE of its code must not hide what happened to it since
        if self.set(entry.text("set")).is_some() {
            return;
        }
        let hashes = entry.by_sheet(Member::SheetHashes, |v| unhex(v.as_str()?));
        let new = |(id, hash)| (id, Sheet { hash: Some(hash), ..Sheet::default() });
        self.sets.push(Set {
            code: entry.text("set").to_owned(),
            generation: u32::try_from(entry.generation()).unwrap_or_default(),
            issue: (entry.seq, at),
            k: entry.number("k").and_then(|k| u8::try_from(k).ok()).unwrap_or_default(),
            credential: entry.text("credential").to_owned(),
            sheets: hashes.into_iter().map(new).collect(),
            aborted: None,
            compromised: None,
            revoked: None,
            disabled: None,
            releases: Vec::new(),
            openings: Vec::new(),
        });
    }

    fn drill(&mut self, entry: &Entry, at: Instant) {
        let kind = entry.text("kind").to_owned();
        if entry.text("result") == "passed" {
            self.failed_drills.remove(&kind);
            let last = self.drills.entry(kind).or_insert(at);
            *last = (*last).max(at);
        } else {
            self.failed_drills.insert(kind, (entry.seq, at));
        }
        let found = entry.members.get(Member::Findings.name()).and_then(Value::as_array);
        for (number, found) in (1..).zip(found.into_iter().flatten()) {
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            let due = Instant::parse_rfc3339(&format!("{}T23:59:59Z", text("due"))).unwrap_or(at);
            let (what, owner) = (text("what"), text("owner"));
            self.findings.push(Finding {
                record: entry.seq,
                number,
                what,
                owner,
                due,
                closed: None,
            });
        }
        let code = entry.text("set");
        if let Some(set) = self.sets.iter_mut().rev().find(|set| set.code == code) {
            set.mark_read(entry, at);
            set.look_at(entry, at);
        }
    }

    /// Without a number it is the last opening of its set that did not come true.
    fn void(&mut self, entry: &Entry, about: Option<u64>) {
        self.findings.retain(|finding| Some(finding.record) != about);
        self.recorded.retain(|_, record| Some(*record) != about);
        let code = entry.text("set");
        for set in self.sets.iter_mut().filter(|set| about.is_some() || set.code == code) {
            let last = set.releases.iter().map(|r| r.record);
            let last = last.chain(set.openings.iter().map(|o| o.0)).max();
            if let Some(void) = about.or(last) {
                set.take_back(void);
            }
        }
    }

    fn correct(&mut self, entry: &Entry, about: Option<u64>) {
        let number = entry.number(Member::Finding.name());
        let mut findings = self.findings.iter_mut();
        let finding = findings.find(|f| Some(f.record) == about && Some(f.number) == number);
        if let (Some(finding), Some(at)) = (finding, entry.at()) {
            finding.closed = finding.closed.or(Some((entry.seq, at)));
        }
        for set in &mut self.sets {
            if let Some(release) = set.releases.iter_mut().find(|r| Some(r.record) == about) {
                let ticket = entry.text("ticket");
                if !ticket.is_empty() {
                    release.ticket = Some(ticket.to_owned());
                }
                release.witness = entry.person(Member::Witness).or(release.witness.take());
                release.accountable =
                    entry.person(Member::Accountable).or(release.accountable.take());
            }
            if set.code == entry.text("set") {
                set.move_sheets(entry);
            }
            let credential = entry.text("credential");
            if Some(set.issue.0) == about && !credential.is_empty() {
                credential.clone_into(&mut set.credential);
            }
        }
    }
}

impl Set {
    fn take(&mut self, event: Event, entry: &Entry, at: Instant) {
        let record = (entry.seq, at);
        match event {
            Event::Abort => self.aborted = Some(entry.seq),
            Event::Compromise => self.compromised = Some(record),
            Event::Revoke => self.revoked = self.revoked.or(Some(record)),
            Event::Disable => self.disabled = Some(record),
            Event::Release => self.release(entry, at),
            Event::Opening => {
                self.openings.push((entry.seq, at, entry.text("kind").to_owned()));
                self.mark_read(entry, at);
            }
            Event::Reissue => {
                for (id, hash) in entry.by_sheet(Member::SheetHashes, |v| unhex(v.as_str()?)) {
                    let reissued = Some(entry.seq);
                    self.sheets
                        .insert(id, Sheet { hash: Some(hash), reissued, ..Sheet::default() });
                }
                self.move_sheets(entry);
            }
            Event::Confirm => {
                self.each(entry, |sheet| sheet.confirmed = Some(at));
                self.move_sheets(entry);
            }
            Event::Store | Event::Receive | Event::Transfer => {
                self.each(entry, |sheet| {
                    sheet.in_custody = Some(at);
                    sheet.inspected = Some(at);
                    // a doubt about bag or seal ends when the very sheet was read since, and is in a new bag
                    if let Fate::Tampered(_, doubted) = sheet.fate
                        && sheet.read.is_some_and(|read| read >= doubted)
                    {
                        sheet.fate = Fate::Kept;
                    }
                });
                self.move_sheets(entry);
            }
            Event::Inspect => self.look_at(entry, at),
            Event::Destroy => self.each(entry, |s| {
                s.fate = Fate::Destroyed(entry.seq);
                s.gone = Some(at);
            }),
            Event::Lost => self.each(entry, |s| s.fate = Fate::Lost(entry.seq, at)),
            // a forged paper says nothing about the one in the safe: what people report does
            Event::Tamper if !FORGED.contains(&entry.text("kind")) => {
                self.each(entry, |s| s.fate = Fate::Tampered(entry.seq, at));
            }
            _ => {}
        }
    }

    /// What a voided record said is taken back; a destroyed sheet stays destroyed.
    fn take_back(&mut self, void: u64) {
        self.releases.retain(|release| release.record != void);
        self.sheets.retain(|_, sheet| sheet.reissued != Some(void));
        self.openings.retain(|opening| opening.0 != void);
        for release in &mut self.releases {
            release.ended = release.ended.filter(|(record, _)| *record != void);
            release.kept = release.kept.filter(|(record, _)| *record != void);
            release.sessions.retain(|record| *record != void);
            release.unrecorded = release.unrecorded.filter(|record| *record != void);
        }
        self.aborted = self.aborted.filter(|record| *record != void);
        for stamp in [&mut self.revoked, &mut self.compromised, &mut self.disabled] {
            *stamp = stamp.filter(|(record, _)| *record != void);
        }
        for sheet in self.sheets.values_mut() {
            if let Fate::Lost(record, _) | Fate::Tampered(record, _) = sheet.fate
                && record == void
            {
                sheet.fate = Fate::Kept;
            }
        }
    }

    fn each(&mut self, entry: &Entry, mut change: impl FnMut(&mut Sheet)) {
        for id in entry.sheets() {
            if let Some(sheet) = self.sheets.get_mut(&id) {
                change(sheet);
            }
        }
    }

    fn move_sheets(&mut self, entry: &Entry) {
        for (id, bag) in entry.texts_by_sheet(Member::Bags) {
            if let Some(sheet) = self.sheets.get_mut(&id) {
                sheet.bag = Some(bag);
            }
        }
        for (id, holder) in entry.by_sheet(Member::Custodians, Person::of) {
            if let Some(sheet) = self.sheets.get_mut(&id) {
                if sheet.holder.as_ref() != Some(&holder) {
                    sheet.held.push((entry.seq, holder.clone()));
                }
                sheet.holder = Some(holder);
            }
        }
    }

    /// Bags and seals were looked at; a seal that is not intact puts the sheet in doubt.
    fn look_at(&mut self, entry: &Entry, at: Instant) {
        for (id, seal) in entry.texts_by_sheet(Member::Seals) {
            if let Some(sheet) = self.sheets.get_mut(&id) {
                sheet.inspected = Some(at);
                if seal != INTACT && sheet.fate == Fate::Kept {
                    sheet.fate = Fate::Tampered(entry.seq, at);
                }
            }
        }
    }

    fn mark_read(&mut self, entry: &Entry, at: Instant) {
        let tags = entry.members.get("presence").and_then(Value::as_object);
        for id in tags.into_iter().flat_map(|tags| tags.keys()).filter_map(|id| SheetId::parse(id))
        {
            if let Some(sheet) = self.sheets.get_mut(&id) {
                sheet.read = Some(at);
                // its bag was cut open; the next STORE says which one it is in now
                sheet.bag = None;
                sheet.in_custody = None;
            }
        }
    }

    fn release(&mut self, entry: &Entry, at: Instant) {
        let operator = entry.person(Member::Operator);
        let ticket = Some(entry.text("ticket").to_owned()).filter(|ticket| !ticket.is_empty());
        self.releases.push(Release {
            record: entry.seq,
            at,
            operator: operator.unwrap_or(Person { name: "somebody".into(), id: String::new() }),
            reason: entry.text("reason").to_owned(),
            sheets: entry.sheets(),
            ticket,
            witness: entry.person(Member::Witness),
            revoke_due: Instant::parse(entry.text("revoke_due")).unwrap_or(at),
            accountable: entry.person(Member::Accountable),
            ended: None,
            kept: None,
            sessions: Vec::new(),
            unrecorded: None,
        });
        self.mark_read(entry, at);
        self.move_sheets(entry);
    }
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    for (i, byte) in out.iter_mut().enumerate().filter(|_| plain) {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    plain.then_some(out)
}
