//! Stretched 80-bit codes that people write by hand: set code and check code (`codes/format.md` §5).

use std::fmt;

use crate::codes::crockford::{self, multiply, power};

/// What a code names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// A set, by its manifest.
    Set,
    /// A record of the logbook, by its line.
    Record,
}

impl CodeKind {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Record => "check",
        }
    }

    /// Returns the letter that is written before the code.
    pub fn letter(self) -> char {
        match self {
            Self::Set => 'S',
            Self::Record => 'R',
        }
    }
}

/// Sixteen symbols and a check symbol, written `S 7QK4-M2XD-9FTB-C3HW-S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    kind: CodeKind,
    bytes: [u8; 10],
}

/// Why a typed text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that is no symbol.
    #[error("`{0}` is not one of the symbols used in codes")]
    Symbol(char),
    /// Not 17 symbols.
    #[error("a code has 17 signs in five groups, this has {0}")]
    Length(usize),
    /// A code of the other kind.
    #[error("that is a {} code, and a {} code is wanted here", .0.word(), .1.word())]
    Kind(CodeKind, CodeKind),
    /// The check symbol does not fit: some sign was read or written wrong.
    #[error("the code does not fit its last sign: one of the signs is wrong")]
    Check,
}

impl Code {
    /// Stretches a hash: scrypt, N = 2¹⁵, r = 8, p = 1; about 0.1 s and 32 MiB.
    ///
    /// # Panics
    /// Never: the parameters are constants that scrypt accepts.
    pub fn stretch(kind: CodeKind, hash: &[u8; 32]) -> Self {
        let salt = format!("breakglass/1 code {}", kind.letter());
        let mut bytes = [0; 10];
        let params = scrypt::Params::new(15, 8, 1, 32).expect("constant parameters");
        scrypt::scrypt(hash, salt.as_bytes(), &params, &mut bytes).expect("ten bytes of output");
        Self { kind, bytes }
    }

    /// Takes the ten bytes that a payload carries.
    pub fn from_bytes(kind: CodeKind, bytes: [u8; 10]) -> Self {
        Self { kind, bytes }
    }

    /// Returns the ten bytes.
    pub fn bytes(&self) -> [u8; 10] {
        self.bytes
    }

    /// Returns the first group, enough to tell sets apart in a message.
    pub fn short(&self) -> String {
        crockford::encode(&self.bytes)[..4].to_owned()
    }

    /// Returns the name of the set's folder: the four groups without the check symbol.
    pub fn folder(&self) -> String {
        grouped(&crockford::encode(&self.bytes))
    }

    /// Reads a code as people write it: with or without its letter and hyphens, in any case.
    ///
    /// The kind's letter before the code may be left out.
    pub fn parse(kind: CodeKind, text: &str) -> Result<Self, CodeError> {
        let values = values(kind, text)?;
        let bytes = crockford::bytes(&values[..16]).map_err(|_| CodeError::Check)?;
        if values[16] != check_symbol(kind, &values[..16]) {
            return Err(CodeError::Check);
        }
        let mut code = Self { kind, bytes: [0; 10] };
        code.bytes.copy_from_slice(&bytes);
        Ok(code)
    }

    /// Returns at how many signs a typed text differs from this code; `None` when it is no code at all.
    ///
    /// One is a slip of the pen: the caller asks "did you write …?". The check sign counts too.
    pub fn slips(&self, text: &str) -> Option<usize> {
        let typed = values(self.kind, text).ok()?;
        let expected = crockford::values(&self.to_string()[2..]).ok()?;
        Some(typed.iter().zip(expected.iter()).filter(|(a, b)| a != b).count())
    }
}

/// Reads 17 values; the kind's letter may stand before them.
fn values(kind: CodeKind, text: &str) -> Result<Vec<u8>, CodeError> {
    let mut signs: Vec<char> = text.chars().filter(|&c| !crockford::is_filler(c)).collect();
    if signs.len() == 18 && signs[0].to_ascii_uppercase() == kind.letter() {
        signs.remove(0);
    }
    let other = match kind {
        CodeKind::Set => CodeKind::Record,
        CodeKind::Record => CodeKind::Set,
    };
    if signs.len() == 18 && signs[0].to_ascii_uppercase() == other.letter() {
        return Err(CodeError::Kind(other, kind));
    }
    if signs.len() != 17 {
        return Err(CodeError::Length(signs.len()));
    }
    signs.into_iter().map(|c| crockford::value(c).ok_or(CodeError::Symbol(c))).collect()
}

fn check_symbol(kind: CodeKind, values: &[u8]) -> u8 {
    let start = crockford::value(kind.letter()).unwrap_or(0);
    values.iter().enumerate().fold(start, |sum, (i, &v)| sum ^ multiply(power(i + 1), v))
}

fn grouped(symbols: &str) -> String {
    let mut out = String::with_capacity(symbols.len() * 5 / 4);
    for (i, c) in symbols.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.push(c);
    }
    out
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbols = crockford::encode(&self.bytes);
        let values = crockford::values(&symbols).map_err(|_| fmt::Error)?;
        let check = crockford::symbol(check_symbol(self.kind, &values));
        write!(f, "{} {}-{check}", self.kind.letter(), grouped(&symbols))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CODE: Code = Code { kind: CodeKind::Set, bytes: [7; 10] };

    #[test]
    fn every_single_slip_and_every_swap_is_noticed() {
        let written = CODE.to_string();
        assert_eq!(Code::parse(CodeKind::Set, &written).unwrap(), CODE);
        let signs: Vec<char> = written[2..].chars().filter(|c| *c != '-').collect();
        for i in 0..17 {
            for v in 0..32 {
                let mut typed = signs.clone();
                typed[i] = crockford::symbol(v);
                let typed: String = typed.iter().collect();
                let slips = CODE.slips(&typed).unwrap();
                assert_eq!(Code::parse(CodeKind::Set, &typed).is_ok(), slips == 0, "{typed}");
            }
            if i > 0 && signs[i] != signs[i - 1] {
                let mut typed = signs.clone();
                typed.swap(i, i - 1);
                assert!(Code::parse(CodeKind::Set, &typed.iter().collect::<String>()).is_err());
            }
        }
    }

    #[test]
    fn it_is_typed_as_people_type() {
        let written = CODE.to_string();
        for typed in
            [written.to_lowercase(), written[2..].replace('-', " "), written.replace('0', "o")]
        {
            assert_eq!(Code::parse(CodeKind::Set, &typed).unwrap(), CODE, "{typed}");
        }
        assert_eq!(Code::parse(CodeKind::Set, "S 12"), Err(CodeError::Length(3)));
        assert!(Code::parse(CodeKind::Record, &written).is_err());
    }
}
