//! JSON of any length, element by element: a list, a list in an envelope, or one object after the other.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// Most bytes of one element. The longest record of any platform is 256 KiB.
const MAX_ELEMENT: u64 = 16 << 20;

/// How elements lie in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One after the other, usually one a line; something may stand before the brace.
    Lines,
    /// In a list.
    List,
    /// In the list of that name, in an object.
    Within(String),
}

/// Why elements cannot be read.
#[derive(Debug)]
pub struct Broken {
    /// Which element, from 1.
    pub record: u64,
    /// What is wrong.
    pub what: String,
    /// Whether it was the last thing in the file: an export that was cut off looks like this.
    pub at_end: bool,
}

/// What is done with elements and with what stands beside them in an envelope.
pub trait Take {
    /// Takes one element: its number from 1, and its JSON.
    fn element(&mut self, number: u64, json: &str) -> Result<(), String>;

    /// Takes a member of the envelope.
    fn beside(&mut self, name: &str, json: &str);
}

/// Gives every element to `take`, and returns how many there were.
pub fn each(mut source: impl BufRead, frame: &Frame, take: &mut dyn Take) -> Result<u64, Broken> {
    match frame {
        Frame::Lines => lines(&mut source, take),
        Frame::List => list(source, None, take),
        Frame::Within(holder) => list(source, Some(holder), take),
    }
}

/// Whether braces outside of strings are closed again, counted over bytes as they come.
#[derive(Default)]
struct Depth {
    open: i64,
    quoted: bool,
    escaped: bool,
}

impl Depth {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'{' if !self.quoted => self.open += 1,
                b'}' if !self.quoted => self.open -= 1,
                _ => {}
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.open <= 0 && !self.quoted
    }
}

fn lines(source: &mut dyn BufRead, take: &mut dyn Take) -> Result<u64, Broken> {
    let (mut line, mut number, mut records) = (Vec::new(), 0_u64, 0_u64);
    // an object that is not done at the end of its line: the next lines belong to it
    let mut open: Option<Depth> = None;
    loop {
        let before = line.len();
        let read = source.take(MAX_ELEMENT + 1 - before as u64).read_until(b'\n', &mut line);
        let broken = |what: String, at_end| Broken { record: records + 1, what, at_end };
        match read {
            Ok(0) if open.is_some() => return Err(broken("it is not whole".to_owned(), true)),
            Ok(0) => return Ok(records),
            Ok(_) if line.len() as u64 > MAX_ELEMENT => {
                return Err(broken(format!("it is longer than {MAX_ELEMENT} bytes"), false));
            }
            Ok(_) => number += 1,
            Err(error) => return Err(broken(error.to_string(), true)),
        }
        if let Some(depth) = &mut open {
            depth.take(&line[before..]);
            if !depth.is_closed() {
                continue;
            }
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            return Err(broken(format!("line {number} is not UTF-8"), is_end(source)));
        };
        let Some(start) = text.find('{').filter(|_| !text.trim().is_empty()) else {
            if text.trim().is_empty() {
                line.clear();
                continue;
            }
            return Err(broken(format!("line {number} is no JSON object"), is_end(source)));
        };
        let element = text[start..].trim_end();
        let closed = open.is_some() || element.ends_with('}');
        let taken = if closed { take.element(records + 1, element) } else { Err(String::new()) };
        if let Err(what) = taken {
            let mut depth = Depth::default();
            depth.take(element.as_bytes());
            if open.is_none() && !depth.is_closed() {
                open = Some(depth);
                continue;
            }
            let what = if what.is_empty() { format!("line {number} is not JSON") } else { what };
            return Err(Broken { record: records + 1, what, at_end: is_end(source) });
        }
        records += 1;
        open = None;
        line.clear();
    }
}

fn is_end(source: &mut dyn BufRead) -> bool {
    source.fill_buf().map_or(true, <[u8]>::is_empty)
}

/// Counts what is read since the last element, so that no element fills the memory.
pub struct Meter<R> {
    inner: R,
    since: Rc<Cell<u64>>,
}

impl<R> Meter<R> {
    /// Counts into `since`, which whoever takes elements sets back.
    pub fn new(inner: R, since: Rc<Cell<u64>>) -> Self {
        Self { inner, since }
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.since.set(self.since.get() + read as u64);
        if self.since.get() > MAX_ELEMENT + buf.len() as u64 {
            let what = format!("it is longer than {MAX_ELEMENT} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(read)
    }
}

struct Walk<'a> {
    take: &'a mut dyn Take,
    holder: Option<&'a str>,
    since: Rc<Cell<u64>>,
    records: u64,
}

fn list(source: impl BufRead, holder: Option<&str>, take: &mut dyn Take) -> Result<u64, Broken> {
    let since = Rc::new(Cell::new(0));
    let meter = Meter { inner: source, since: Rc::clone(&since) };
    let mut json = Deserializer::from_reader(io::BufReader::with_capacity(64 * 1024, meter));
    let mut walk = Walk { take, holder, since, records: 0 };
    let done = json.deserialize_any(&mut walk).and_then(|()| json.end());
    match done {
        Ok(()) => Ok(walk.records),
        Err(error) => Err(Broken {
            record: walk.records + 1,
            at_end: error.is_eof() || error.is_io(),
            what: error.to_string(),
        }),
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            self.records += 1;
            self.since.set(0);
            self.take.element(self.records, raw.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let list = self.holder == Some(&name);
            map.next_value_seed(Member { walk: &mut *self, name: &name, list })?;
        }
        Ok(())
    }
}

/// A member of the envelope: one holds the elements, whatever else there is stands beside.
struct Member<'a, 'b> {
    walk: &'a mut Walk<'b>,
    name: &'a str,
    list: bool,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if !self.list {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        (&mut *self.walk).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.walk.take.beside(self.name, "{}");
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.walk.take.beside(self.name, text);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.walk.take.beside(self.name, if flag { "true" } else { "false" });
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.walk.take.beside(self.name, &number.to_string());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Default)]
    struct Kept {
        elements: Vec<String>,
        beside: Vec<(String, String)>,
    }

    impl Take for Kept {
        fn element(&mut self, number: u64, json: &str) -> Result<(), String> {
            assert_eq!(number, self.elements.len() as u64 + 1);
            serde_json::from_str::<IgnoredAny>(json).map_err(|e| e.to_string())?;
            self.elements.push(json.split_whitespace().collect());
            Ok(())
        }

        fn beside(&mut self, name: &str, json: &str) {
            self.beside.push((name.to_owned(), json.to_owned()));
        }
    }

    fn read(text: &str, frame: &Frame) -> (Kept, Result<u64, Broken>) {
        let mut kept = Kept::default();
        let read = each(text.as_bytes(), frame, &mut kept);
        (kept, read)
    }

    #[test]
    fn the_same_elements_in_every_frame() {
        let expected = ["{\"a\":1}", "{\"a\":\"}{\"}"];
        for (text, frame) in [
            ("{\"a\":1}\n{\"a\":\"}{\"}\n", Frame::Lines),
            ("{\"a\":1}\n\n{\"a\":\"}{\"}", Frame::Lines),
            ("audit: {\"a\":1}\naudit: {\"a\":\"}{\"}\n", Frame::Lines),
            ("{\n \"a\": 1\n}\n{\n \"a\": \"}{\"\n}\n", Frame::Lines),
            ("[{\"a\":1},\n {\"a\":\"}{\"}]", Frame::List),
            (
                "{\"X\":[7],\"Records\":[{\"a\":1},{\"a\":\"}{\"}],\"NextToken\":\"t\"}",
                Frame::Within("Records".to_owned()),
            ),
        ] {
            let (kept, read) = read(text, &frame);
            assert_eq!(read.unwrap(), 2, "{text}");
            assert_eq!(kept.elements, expected, "{text}");
            let named = kept.beside.iter().any(|(name, _)| name == "NextToken");
            assert_eq!(named, text.contains("NextToken"));
        }
    }

    #[test]
    fn what_was_cut_off_is_told_from_what_is_broken() {
        for (text, frame, record, at_end) in [
            ("{\"a\":1}\n{\"a\":", Frame::Lines, 2, true),
            ("{\"a\":1}\n{\"a\":x}\n{\"a\":2}\n", Frame::Lines, 2, false),
            ("{\"a\":1}\nwords\n{\"a\":2}\n", Frame::Lines, 2, false),
            ("[{\"a\":1},{\"a\":", Frame::List, 2, true),
            ("[{\"a\":1},x]", Frame::List, 2, false),
        ] {
            let (_, read) = read(text, &frame);
            let broken = read.unwrap_err();
            assert_eq!((broken.record, broken.at_end), (record, at_end), "{text}: {broken:?}");
        }
    }

    #[test]
    fn an_element_does_not_fill_the_memory() {
        let long = "x".repeat((16 << 20) + 300_000);
        for (text, frame) in [
            (format!("{{\"a\":\"{long}\"}}"), Frame::Lines),
            (format!("[\"{long}\"]"), Frame::List),
        ] {
            let what = read(&text, &frame).1.unwrap_err().what;
            assert!(what.contains("longer than"), "{what}");
        }
    }
}
