//! What a record can say: the names of its members, the forms of their values, and who checks them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock::Instant;
use crate::set::SheetId;
use crate::set::manifest::has_forbidden;

/// Most characters of a text that people typed.
pub const MAX_WORDS: usize = 1000;

/// What a value looks like in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words on one line: no control characters, no direction marks.
    Words,
    /// The exact bytes of another line.
    Line,
    /// A whole number.
    Number,
    /// true or false.
    Flag,
    /// UTC as in `at`.
    Time,
    /// `["1a", …]`.
    Sheets,
    /// `{"1a": words, …}`.
    BySheet,
    /// `{"name": …, "id": …}`.
    Person,
    /// `{"1a": {"name": …, "id": …}, …}`.
    PersonBySheet,
    /// `[{"file": …, "sha256": …}, …]`.
    Evidence,
    /// `{"book": …, "page": …, "line": …}`.
    Place,
    /// `{"login": "yes", …}`.
    Answers,
    /// `[{"what": …, "owner": …, "due": …}, …]`.
    Findings,
}

macro_rules! members {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal $form:ident;)*) => {
        /// A member of a record, in the order in which it is written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Member {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Member {
            /// Every member.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns its name in the line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Returns the form of its value.
            pub fn form(self) -> Form {
                match self { $(Self::$name => Form::$form,)* }
            }

            /// Returns what it means, in words.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)* }
            }
        }
    };
}

members! {
    /// method id
    Method "method" Words;
    /// generation
    Generation "generation" Number;
    /// set code as written
    Set "set" Words;
    /// sheets by number and copy
    Sheets "sheets" Sheets;
    /// per sheet, `codes/format.md` §6
    SheetHashes "sheet_hashes" BySheet;
    /// SHA-256 of what was printed with
    Template "template" Words;
    /// the same by sheet, where sheets differ
    Templates "templates" BySheet;
    /// `file`: each sheet is a text file for a stick or a card; missing: paper
    Media "media" Words;
    /// SHA-256 of the method file
    MethodHash "method_hash" Words;
    /// number of the bag that a sheet is in now
    Bags "bags" BySheet;
    /// `intact`, or what is wrong with it
    Seals "seals" BySheet;
    /// number of the seal, where it is not the bag's own
    SealNumbers "seal_numbers" BySheet;
    /// the one named person
    Operator "operator" Person;
    /// who holds a sheet from now on, or has looked at it
    Custodians "custodians" PersonBySheet;
    /// who watched and holds no sheet of this set
    Witness "witness" Person;
    /// who has agreed
    Approver "approver" Person;
    /// who has looked through the records
    Reviewer "reviewer" Person;
    /// who sees to the revocation
    Accountable "accountable" Person;
    /// who led the ceremony or the drill
    Lead "lead" Person;
    /// how many shares open the set
    K "k" Number;
    /// what kind of it, in a word or two
    Kind "kind" Words;
    /// a permitted use
    Reason "reason" Words;
    /// why, in words
    ReasonText "reason_text" Words;
    /// incident ticket
    Ticket "ticket" Words;
    /// `in person` or `phone`
    How "how" Words;
    /// who was told
    To "to" Words;
    /// where it lies now
    Place "place" Words;
    /// by when the credential has to be revoked
    RevokeDue "revoke_due" Time;
    /// the credential's public id
    Credential "credential" Words;
    /// number of the record that it is about
    Record "record" Number;
    /// whether this machine had a network route
    Network "network" Flag;
    /// how it ended: `passed` or `failed`, or words
    Result "result" Words;
    /// when the first custodian was called
    Called "called" Time;
    /// seconds from there to the first sheet
    FirstSheet "first_sheet" Number;
    /// seconds to as many as it takes
    Quorum "quorum" Number;
    /// how long it took; with `called`, from there
    Seconds "seconds" Number;
    /// when a recording began
    Started "started" Time;
    /// exit status of what was run, 128 and the signal where one ended it
    Exit "exit" Number;
    /// bytes that the terminal showed
    Bytes "bytes" Number;
    /// events of a recording: input, output, changes of size, marks
    Events "events" Number;
    /// inputs that were masked, because the terminal did not show them
    Masked "masked" Number;
    /// places where the credential was taken out of a recording
    Redacted "redacted" Number;
    /// values of the credential that are too short to be looked for in a recording
    TooShort "too_short" Number;
    /// places where the credential was found afterwards and is still
    Traces "traces" Number;
    /// what was asked in a drill, `yes` or `no` to each
    Checks "checks" Answers;
    /// what a drill has found, who mends it, and by which day
    Findings "findings" Findings;
    /// number of the finding that is mended, from 1
    Finding "finding" Number;
    /// files and their SHA-256
    Evidence "evidence" Evidence;
    /// where it stands in the paper book
    Paper "paper" Place;
    /// the exact line of a record made elsewhere
    Line "line" Line;
    /// words
    Note "note" Words;
}

impl Member {
    /// Finds a member by its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|member| member.name() == name)
    }

    /// Checks the form of a value; the message says what it should be.
    pub fn check(self, value: &Value) -> Result<(), String> {
        self.form().fits(value).map_err(|what| format!("its {} {what}", self.name()))
    }
}

impl Form {
    fn fits(self, value: &Value) -> Result<(), String> {
        let fine = match self {
            Self::Words => return words(value),
            Self::Line => value.is_string(),
            Self::Number => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Time => value.as_str().is_some_and(is_utc),
            Self::Sheets => value.as_array().is_some_and(|list| {
                !list.is_empty() && list.iter().all(|v| v.as_str().is_some_and(is_sheet))
            }),
            Self::BySheet => return by_sheet(value, words),
            Self::Person => return person(value),
            Self::PersonBySheet => return by_sheet(value, person),
            Self::Evidence => value.as_array().is_some_and(|list| {
                !list.is_empty()
                    && list.iter().all(|v| {
                        has(v, &["file", "sha256"]) && v["sha256"].as_str().is_some_and(is_hash)
                    })
            }),
            Self::Place => {
                has(value, &["book"]) && value["page"].is_u64() && value["line"].is_u64()
            }
            Self::Answers => value.as_object().is_some_and(|all| {
                !all.is_empty() && all.values().all(|v| *v == "yes" || *v == "no")
            }),
            Self::Findings => value.as_array().is_some_and(|list| {
                !list.is_empty()
                    && list.iter().all(|v| {
                        let texts =
                            ["what", "owner", "due"].iter().all(|name| words(&v[*name]).is_ok());
                        texts && v["due"].as_str().is_some_and(is_day)
                    })
            }),
        };
        if fine { Ok(()) } else { Err(format!("is not {}", self.in_words())) }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Words | Self::Line => "a text",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
            Self::Time => "a time like 2026-11-24T04:02:11Z",
            Self::Sheets => "a list of sheets like [\"1a\",\"3b\"]",
            Self::BySheet => "a text per sheet like {\"1a\":\"TE-4411\"}",
            Self::Person => "a person like {\"name\":\"Ana Ruiz\",\"id\":\"E1001\"}",
            Self::PersonBySheet => "a person per sheet",
            Self::Evidence => "a list of files with their sha256",
            Self::Place => "a place like {\"book\":\"B1\",\"page\":3,\"line\":7}",
            Self::Answers => "answers like {\"login\":\"yes\"}",
            Self::Findings => {
                "findings like [{\"what\":\"bag torn\",\"owner\":\"Ana Ruiz\",\"due\":\"2026-12-24\"}]"
            }
        }
    }
}

fn words(value: &Value) -> Result<(), String> {
    let text = value.as_str().ok_or("is not a text")?;
    if has_forbidden(text) {
        return Err("holds control characters or direction marks".to_owned());
    }
    Ok(())
}

fn person(value: &Value) -> Result<(), String> {
    if !has(value, &["name", "id"]) {
        return Err(format!("is not {}", Form::Person.in_words()));
    }
    ["name", "id"].iter().try_for_each(|member| words(&value[*member]))
}

fn by_sheet(value: &Value, each: fn(&Value) -> Result<(), String>) -> Result<(), String> {
    let object = value.as_object().filter(|object| !object.is_empty());
    let object = object.ok_or_else(|| format!("is not {}", Form::BySheet.in_words()))?;
    for (sheet, value) in object {
        if !is_sheet(sheet) {
            return Err(format!("names `{sheet}`, which is no sheet"));
        }
        each(value)?;
    }
    Ok(())
}

fn has(value: &Value, texts: &[&str]) -> bool {
    texts.iter().all(|member| value.get(member).is_some_and(Value::is_string))
}

fn is_sheet(text: &str) -> bool {
    SheetId::parse(text).is_some()
}

fn is_utc(text: &str) -> bool {
    Instant::parse_rfc3339(text).is_some()
}

/// Says whether a text is a day like 2026-12-24.
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && is_utc(&format!("{text}T00:00:00Z"))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks words that people typed: one line, nothing that moves a terminal, not too long.
pub fn typed(text: &str) -> Result<String, String> {
    let text = text.trim();
    if has_forbidden(text) {
        return Err("control characters and direction marks may not stand in a record".to_owned());
    }
    if text.chars().count() > MAX_WORDS {
        return Err(format!("at most {MAX_WORDS} characters, please"));
    }
    Ok(text.to_owned())
}

/// A named person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Company id.
    pub id: String,
}

impl Person {
    /// Reads `Ana Ruiz (E1001)`; the id may be missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = typed(text)?;
        let (name, id) = match text.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
            Some((name, id)) => (name.trim(), id.trim()),
            None => (text.as_str(), ""),
        };
        if name.is_empty() {
            return Err("a person is written like `Ana Ruiz (E1001)`".to_owned());
        }
        Ok(Self { name: name.to_owned(), id: id.to_owned() })
    }

    /// Says whether both are the same person, as far as name or id can tell.
    pub fn is(&self, name: &str, id: &str) -> bool {
        let same = |a: &str, b: &str| !a.is_empty() && a.to_lowercase() == b.to_lowercase();
        same(&self.name, name) || same(&self.id, id)
    }

    /// Reads the value of a record.
    pub fn of(value: &Value) -> Option<Self> {
        let text = |member: &str| Some(value.get(member)?.as_str()?.to_owned());
        Some(Self { name: text("name")?, id: text("id")? })
    }
}

impl From<&Person> for Value {
    fn from(person: &Person) -> Self {
        json!({ "name": person.name, "id": person.id })
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.id.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{} ({})", self.name, self.id)
        }
    }
}

/// What a record says of each sheet.
pub type BySheet<T> = BTreeMap<SheetId, T>;

/// Writes what is said of each sheet.
pub fn by_sheet_value<T>(map: &BySheet<T>, each: impl Fn(&T) -> Value) -> Value {
    map.iter().map(|(sheet, value)| (sheet.to_string(), each(value))).collect::<Map<_, _>>().into()
}
