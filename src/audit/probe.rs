//! What a file is, by its content: never by its name.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, Read};

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;

use super::elements::Frame;

/// How much of a file is looked at.
const HEAD: u64 = 256 * 1024;

/// The first look at a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Nothing is in it.
    Empty,
    /// JSON.
    Json(Shape),
    /// Rows of cells; the names in the first row.
    Table(Vec<String>),
    /// Other text; its first lines.
    Text(String),
    /// No text; its first bytes.
    Bytes(Vec<u8>),
}

/// What is known of JSON without reading it through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Whether elements lie in a list.
    pub list: bool,
    /// Member names of the envelope up to its first list, or of the only object.
    pub names: BTreeSet<String>,
    /// The envelope's member that holds the list.
    pub holder: Option<String>,
    /// Member names of the first element; the object's own where there is one object or a line of them.
    pub element: BTreeSet<String>,
}

impl Shape {
    /// Says whether the first element has all these members.
    pub fn element_has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.element.contains(*name))
    }

    /// Says whether the envelope, or the one object, has all these members.
    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.names.contains(*name))
    }

    /// Returns how its elements lie.
    pub fn frame(&self) -> Frame {
        match &self.holder {
            Some(holder) => Frame::Within(holder.clone()),
            None if self.list => Frame::List,
            None => Frame::Lines,
        }
    }
}

impl Probe {
    /// Looks at the beginning of a file.
    pub fn of(source: impl BufRead) -> std::io::Result<Self> {
        let mut head = Vec::new();
        // of what is cut off the beginning still tells what it is
        if let Err(error) = source.take(HEAD).read_to_end(&mut head)
            && head.is_empty()
        {
            return Err(error);
        }
        Ok(Self::of_head(&head))
    }

    fn of_head(head: &[u8]) -> Self {
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            // a sign that the end of the head has cut in two
            Err(error) if error.error_len().is_none() && head.len() as u64 == HEAD => {
                std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Self::Bytes(head[..head.len().min(64)].to_vec()),
        };
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Self::Empty;
        }
        if text.contains('\0') {
            return Self::Bytes(head[..head.len().min(64)].to_vec());
        }
        if let Some(shape) = shape(text) {
            return Self::Json(shape);
        }
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let cells: Vec<String> =
            first.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect();
        let named = |cell: &String| {
            !cell.is_empty()
                && cell.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-'))
                && cell.starts_with(|c: char| c.is_ascii_alphabetic())
        };
        if cells.len() > 1 && cells.iter().all(named) {
            return Self::Table(cells);
        }
        Self::Text(text.lines().take(40).collect::<Vec<_>>().join("\n"))
    }

    /// Returns the shape when it is JSON that a condition holds for.
    pub fn json(&self, holds: impl FnOnce(&Shape) -> bool) -> bool {
        matches!(self, Self::Json(shape) if holds(shape))
    }

    /// Says whether it is a table that has these columns.
    pub fn table(&self, columns: &[&str]) -> bool {
        let Self::Table(head) = self else { return false };
        columns.iter().all(|column| head.iter().any(|name| name.eq_ignore_ascii_case(column)))
    }
}

/// Finds out the shape of JSON from its beginning.
fn shape(text: &str) -> Option<Shape> {
    let start = match text.trim_start().chars().next()? {
        '{' | '[' => text.len() - text.trim_start().len(),
        // a logger's prefix before the brace of each line
        _ => {
            let first = text.lines().next()?;
            let brace = first.find('{')?;
            serde_json::from_str::<IgnoredAny>(&first[brace..]).ok()?;
            brace
        }
    };
    let mut look = Look::default();
    let mut json = Deserializer::from_str(&text[start..]);
    // it stops at the first element, or where the head ends
    let done = json.deserialize_any(&mut look);
    let enough = look.stopped || done.is_ok() || done.is_err_and(|e| e.is_eof());
    if !enough || look.shape == Shape::default() && !look.empty {
        return None;
    }
    if !look.shape.list {
        look.shape.element.clone_from(&look.shape.names);
    }
    Some(look.shape)
}

#[derive(Default)]
struct Look {
    shape: Shape,
    stopped: bool,
    /// `{}` or `[]`.
    empty: bool,
}

impl Look {
    fn element<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        self.shape.list = true;
        match seq.next_element::<Names>()? {
            Some(Names(names)) => self.shape.element = names,
            None => self.empty = true,
        }
        self.stopped = true;
        Err(A::Error::custom("seen enough"))
    }
}

impl<'de> Visitor<'de> for &mut Look {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.element(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.empty = true;
        while let Some(name) = map.next_key::<String>()? {
            self.empty = false;
            self.shape.names.insert(name.clone());
            map.next_value_seed(Member { look: &mut *self, name })?;
        }
        Ok(())
    }
}

/// A member's value: the first list with objects in it holds the elements.
struct Member<'a> {
    look: &'a mut Look,
    name: String,
}

impl<'de> serde::de::DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let known = ["Records", "Events", "AccessKeyMetadata", "value", "entries", "logs"];
        if known.contains(&self.name.as_str()) {
            self.look.shape.holder = Some(self.name);
            return self.look.element(seq);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The member names of an object; nothing for what is no object.
struct Names(BTreeSet<String>);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, IgnoredAny>::deserialize(json)?;
        Ok(Self(map.into_keys().collect()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn json(text: &str) -> Shape {
        match Probe::of_head(text.as_bytes()) {
            Probe::Json(shape) => shape,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn shapes_of_json() {
        let records = json("{\"X\":[1],\"Records\":[{\"a\":{\"z\":1},\"b\":[2]},{\"c\":1}]}");
        assert!(records.list && records.element_has(&["a", "b"]) && !records.element_has(&["c"]));
        assert_eq!(records.holder.as_deref(), Some("Records"));
        assert!(json("[{\"a\":1}]").element_has(&["a"]));
        let lines = json("{\"a\":1}\n{\"b\":1}\n");
        assert!(!lines.list && lines.element_has(&["a"]) && lines.has(&["a"]));
        assert!(json("{\n \"a\": {\"x\": 1},\n \"b\": null }").element_has(&["a", "b"]));
        assert!(json("pre fix {\"time\":1}\npre fix {\"time\":2}").element_has(&["time"]));
        assert!(json("[]").list);
        // an envelope that is longer than the head
        let long = format!("{{\"Content\":\"{}", "x".repeat(1000));
        assert!(json(&long).has(&["Content"]));
    }

    #[test]
    fn what_is_no_json() {
        assert_eq!(Probe::of_head(b" \n"), Probe::Empty);
        let table = Probe::of_head(b"user,arn,access_key_1_active\na,b,true\n");
        assert!(table.table(&["User", "arn"]) && !table.table(&["event"]));
        assert!(matches!(Probe::of_head(b"root:$6$x:20780:0:99999:7:::\n"), Probe::Text(_)));
        assert!(matches!(Probe::of_head(b"SSHKRL\n\0\0\0"), Probe::Bytes(_)));
        assert!(matches!(Probe::of_head(b"{broken"), Probe::Text(_)));
        assert!(matches!(Probe::of_head(b"\xff\xd8\xff"), Probe::Bytes(_)));
    }
}
