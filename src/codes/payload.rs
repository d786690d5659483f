//! Payloads and their texts (`codes/format.md` §6).

use zeroize::Zeroizing;

use crate::codes::crockford::{self, Base32Error};
use crate::set::{
    CodeBytes, Manifest, ManifestError, PART_LEN, SheetId, SheetShare, share::TOKEN_LEN, short_hash,
};
use crate::sharing::{IDENTITY_LEN, Share};

/// What every text starts with.
pub const MAGIC: &str = "BG1";

/// What joins payloads in one code; not a symbol.
const JOIN: char = 'U';

/// Most characters of one code's text; the largest that is ever printed has some 1 500.
pub const MAX_TEXT: usize = 8 * 1024;

/// Fewest symbols of a code's text; a typed line has 28 at most.
const SHORTEST: usize = 30;

/// Most bytes of the age file of a locked share: its payload is at most 72 typed lines.
const MAX_LOCK: usize = 1080 - 12 - CHECKSUM;

const CHECKSUM: usize = 4;

/// What stands for the number of a loose record.
const LOOSE: u32 = u32::MAX;

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An open share.
    Share,
    /// A locked share.
    Locked,
    /// The manifest.
    Manifest,
    /// A part of the sealed credential.
    Sealed,
    /// A part of a record of the logbook; it has no typed lines.
    Record,
}

impl Kind {
    /// Returns the kind's letter.
    pub fn letter(self) -> char {
        match self {
            Self::Share => 'K',
            Self::Locked => 'P',
            Self::Manifest => 'M',
            Self::Sealed => 'S',
            Self::Record => 'R',
        }
    }

    /// Returns the kind with that letter, in either case.
    pub fn from_letter(letter: char) -> Option<Self> {
        Some(match letter.to_ascii_uppercase() {
            'K' => Self::Share,
            'P' => Self::Locked,
            'M' => Self::Manifest,
            'S' => Self::Sealed,
            'R' => Self::Record,
            _ => return None,
        })
    }

    /// Returns the value of the kind's letter as a symbol.
    pub fn value(self) -> u8 {
        crockford::value(self.letter()).unwrap_or(0)
    }

    /// Returns the place in a list: what a sheet is about first.
    pub fn place(self) -> u8 {
        match self {
            Self::Share => 0,
            Self::Locked => 1,
            Self::Manifest => 2,
            Self::Sealed => 3,
            Self::Record => 4,
        }
    }

    /// Returns the word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Locked => "locked share",
            Self::Manifest => "manifest",
            Self::Sealed => "sealed credential",
            Self::Record => "record strip",
        }
    }
}

/// A locked share, still closed: age over y and token.
#[derive(Clone, PartialEq, Eq)]
pub struct LockedShare {
    /// The set it says it belongs to.
    pub set: CodeBytes,
    /// The sheet it says it is.
    pub sheet: SheetId,
    /// The age file.
    pub locked: Vec<u8>,
}

/// A part of the sealed credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPart {
    /// The set it says it belongs to.
    pub set: CodeBytes,
    /// Counted from 0.
    pub index: u8,
    /// At most 570 bytes.
    pub bytes: Vec<u8>,
}

/// A part of a record of the logbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPart {
    /// First bytes of the hash of the logbook's first line; zeros on a loose record.
    pub log: [u8; 8],
    /// The record's number; `None` on a loose one.
    pub seq: Option<u32>,
    /// Counted from 0.
    pub part: u8,
    /// How many there are.
    pub parts: u8,
    /// At most 570 bytes of the deflated line.
    pub bytes: Vec<u8>,
}

/// What one payload holds. No `Debug`: it may be a share.
#[derive(Clone)]
pub enum Payload {
    /// `K`
    Share(SheetShare),
    /// `P`
    Locked(LockedShare),
    /// `M`
    Manifest(Box<Manifest>),
    /// `S`
    Sealed(SealedPart),
    /// `R`
    Record(RecordPart),
}

/// Why a text is no payload of ours, or a damaged one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Does not start with `BG1`.
    #[error("not a breakglass code")]
    Foreign,
    /// Starts with `BG` and another version.
    #[error("a code of format version {0}, this program knows version 1")]
    Version(char),
    /// A kind that this version of the program does not read.
    #[error("a code of kind `{0}`, which this program does not read")]
    Kind(char),
    /// Not base32.
    #[error("a {} code with a sign read wrong: {source}", kind.word())]
    Base32 {
        /// The kind it says it is.
        kind: Kind,
        /// What is wrong.
        source: Base32Error,
    },
    /// The checksum does not fit.
    #[error("a {} code that does not fit its checksum: a sign was read or typed wrong", .0.word())]
    Checksum(Kind),
    /// The checksum fits but the content may not be.
    #[error("a {} code with content that may not be: {what}", kind.word())]
    Content {
        /// The kind it says it is.
        kind: Kind,
        /// What is wrong.
        what: &'static str,
    },
    /// A manifest that breaks a rule.
    #[error("a manifest code that may not be: {0}")]
    Manifest(#[from] ManifestError),
    /// Longer than anything that is ever printed.
    #[error("a text of {0} characters, longer than any code")]
    TooLong(usize),
}

impl Payload {
    /// Returns what it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Share(_) => Kind::Share,
            Self::Locked(_) => Kind::Locked,
            Self::Manifest(_) => Kind::Manifest,
            Self::Sealed(_) => Kind::Sealed,
            Self::Record(_) => Kind::Record,
        }
    }

    /// Writes the bytes, checksum included.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(1024));
        match self {
            Self::Share(sheet) => {
                out.extend(sheet.set);
                out.extend([sheet.copy, sheet.share.x()]);
                out.extend(sheet.share.y());
                out.extend(&*sheet.token);
            }
            Self::Locked(locked) => {
                out.extend(locked.set);
                out.extend([locked.sheet.copy(), locked.sheet.x()]);
                out.extend(&locked.locked);
            }
            Self::Manifest(manifest) => out.extend(manifest.to_bytes()),
            Self::Sealed(part) => {
                out.extend(part.set);
                out.push(part.index);
                out.extend(&part.bytes);
            }
            Self::Record(part) => {
                out.extend(part.log);
                out.extend(part.seq.unwrap_or(LOOSE).to_be_bytes());
                out.extend([part.part, part.parts]);
                out.extend(&part.bytes);
            }
        }
        let checksum = checksum(self.kind(), &out);
        out.extend(checksum);
        out
    }

    /// Reads the bytes of a payload of that kind, checksum included.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self, PayloadError> {
        let (body, sum) =
            bytes.split_last_chunk::<CHECKSUM>().ok_or(PayloadError::Checksum(kind))?;
        if *sum != checksum(kind, body) {
            return Err(PayloadError::Checksum(kind));
        }
        let content = |what| PayloadError::Content { kind, what };
        if kind == Kind::Manifest {
            return Ok(Self::Manifest(Box::new(Manifest::parse(body)?)));
        }
        if kind == Kind::Record {
            return record(body).map(Self::Record).map_err(content);
        }
        let (set, rest) = body.split_first_chunk().ok_or(content("it is too short"))?;
        let set = *set;
        if kind == Kind::Sealed {
            let (&index, part) = rest.split_first().ok_or(content("it is too short"))?;
            return match part.len() {
                1..=PART_LEN => Ok(Self::Sealed(SealedPart { set, index, bytes: part.to_vec() })),
                _ => Err(content("the part is empty or too long")),
            };
        }
        let (&[copy, x], rest) = rest.split_first_chunk().ok_or(content("it is too short"))?;
        let sheet = SheetId::new(x, copy).ok_or(content("the sheet number cannot be"))?;
        if kind == Kind::Locked {
            let locked = rest.to_vec();
            let fine = (1..=MAX_LOCK).contains(&locked.len());
            return fine
                .then_some(Self::Locked(LockedShare { set, sheet, locked }))
                .ok_or(content("the lock is empty or too long"));
        }
        let (y, token) =
            rest.split_first_chunk::<IDENTITY_LEN>().ok_or(content("it is too short"))?;
        let token: [u8; TOKEN_LEN] =
            token.try_into().map_err(|_| content("its length is wrong"))?;
        let share =
            Share::new(x, Zeroizing::new(*y)).map_err(|_| content("the number is wrong"))?;
        Ok(Self::Share(SheetShare { set, copy, share, token: Zeroizing::new(token) }))
    }

    /// Writes the text, `BG1K…`.
    pub fn text(&self) -> Zeroizing<String> {
        join(&[self])
    }
}

fn record(body: &[u8]) -> Result<RecordPart, &'static str> {
    let (log, rest) = body.split_first_chunk().ok_or("it is too short")?;
    let (seq, rest) = rest.split_first_chunk().ok_or("it is too short")?;
    let (&[part, parts], bytes) = rest.split_first_chunk().ok_or("it is too short")?;
    let seq = u32::from_be_bytes(*seq);
    if part >= parts || bytes.is_empty() || bytes.len() > PART_LEN {
        return Err("the part is empty, too long, or beyond the last");
    }
    let seq = (seq != LOOSE).then_some(seq);
    Ok(RecordPart { log: *log, seq, part, parts, bytes: bytes.to_vec() })
}

fn checksum(kind: Kind, body: &[u8]) -> [u8; CHECKSUM] {
    short_hash(&[b"BG1", &[kind.letter() as u8], body])
}

/// Writes several payloads as one code's text, `BG1K…UM…`.
pub fn join(payloads: &[&Payload]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(2048));
    out.push_str(MAGIC);
    for (i, payload) in payloads.iter().enumerate() {
        if i > 0 {
            out.push(JOIN);
        }
        out.push(payload.kind().letter());
        out.push_str(&crockford::encode(&payload.to_bytes()));
    }
    out
}

/// Says whether a text is meant to be a code of ours, of any version.
pub fn looks_like_a_code(text: &str) -> bool {
    let mut signs =
        text.chars().filter(|&c| !crockford::is_filler(c)).map(|c| c.to_ascii_uppercase());
    let starts = signs.next() == Some('B') && signs.next() == Some('G');
    let digit = signs.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, 'I' | 'L' | 'O'));
    // a typed line without its label may begin like this too, but is shorter than any code
    starts && digit && signs.count() + 3 >= SHORTEST
}

/// Reads a code's text whose payloads are all good.
pub fn parse(text: &str) -> Result<Vec<Payload>, PayloadError> {
    parse_each(text)?.into_iter().collect()
}

/// Reads a code's text, payload by payload: a bad one does not spoil the others.
pub fn parse_each(text: &str) -> Result<Vec<Result<Payload, PayloadError>>, PayloadError> {
    if text.len() > MAX_TEXT {
        return Err(PayloadError::TooLong(text.len()));
    }
    if !looks_like_a_code(text) {
        return Err(PayloadError::Foreign);
    }
    let mut signs = Zeroizing::new(String::with_capacity(text.len()));
    signs
        .extend(text.chars().filter(|&c| !crockford::is_filler(c)).map(|c| c.to_ascii_uppercase()));
    match signs.as_bytes()[2] {
        b'1' | b'I' | b'L' => {}
        other => return Err(PayloadError::Version(char::from(other))),
    }
    Ok(signs[3..].split(JOIN).map(one).collect())
}

fn one(text: &str) -> Result<Payload, PayloadError> {
    let letter = text.chars().next().ok_or(PayloadError::Foreign)?;
    let kind = Kind::from_letter(letter).ok_or(PayloadError::Kind(letter))?;
    let base32 = |source| PayloadError::Base32 { kind, source };
    let values = crockford::values(&text[1..]).map_err(base32)?;
    let bytes = crockford::bytes(&values).map_err(base32)?;
    Payload::from_bytes(kind, &bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn share() -> Payload {
        Payload::Share(SheetShare {
            set: [1; 10],
            copy: 2,
            share: Share::new(3, Zeroizing::new([4; 32])).unwrap(),
            token: Zeroizing::new([5; 12]),
        })
    }

    fn error(text: &str) -> PayloadError {
        parse(text).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_key_code_holds_both() {
        let part = Payload::Sealed(SealedPart { set: [1; 10], index: 0, bytes: vec![9; 570] });
        let text = join(&[&share(), &part]);
        let read = parse(&text.to_lowercase()).unwrap();
        assert!(
            matches!(&read[..], [Payload::Share(s), Payload::Sealed(_)] if s.id().to_string() == "3b")
        );
        assert_eq!(share().to_bytes().len(), 60);
    }

    #[test]
    fn each_fault_has_its_word() {
        let text = share().text();
        assert_eq!(error("hello"), PayloadError::Foreign);
        assert_eq!(error(&format!("BG2{}", &text[3..])), PayloadError::Version('2'));
        assert_eq!(error(&format!("BG1Q{}", &text[4..])), PayloadError::Kind('Q'));
        assert!(matches!(error(&format!("{}!", &*text)), PayloadError::Base32 { .. }));
        assert_eq!(error(&text[..text.len() - 8]), PayloadError::Checksum(Kind::Share));
        assert!(matches!(error(&"BG1K".repeat(3000)), PayloadError::TooLong(_)));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        for (copy, x) in [(0, 1), (27, 1), (1, 0), (1, 33)] {
            let mut body = vec![1; 10];
            body.extend([copy, x]);
            body.extend([0; 44]);
            body.extend(checksum(Kind::Share, &body));
            let read = Payload::from_bytes(Kind::Share, &body).map(|_| ());
            assert!(matches!(read, Err(PayloadError::Content { .. })), "{copy} {x}");
        }
    }
}
