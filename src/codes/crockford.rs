//! Crockford's base32 and the field GF(32) that the check symbols live in (`codes/format.md` §2, §7).

use zeroize::Zeroizing;

/// The symbols, value 0 to 31.
pub const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Returns the symbol of a value below 32.
pub fn symbol(value: u8) -> char {
    char::from(SYMBOLS[usize::from(value & 31)])
}

/// Returns the value of a symbol as people type it: lower case, `O` for 0, `I` and `L` for 1.
pub fn value(symbol: char) -> Option<u8> {
    let upper = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = SYMBOLS.iter().position(|&s| char::from(s) == upper)?;
    u8::try_from(position).ok()
}

/// Says whether a character may stand between symbols and means nothing.
pub fn is_filler(c: char) -> bool {
    c == '-' || c.is_whitespace()
}

/// Writes bytes as symbols, most significant bit first, the last symbol filled with zero bits.
pub fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    let (mut buffer, mut bits) = (0_u16, 0);
    for &byte in bytes {
        buffer = buffer << 8 | u16::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(symbol((buffer >> bits & 31) as u8));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(symbol((buffer << (5 - bits) & 31) as u8));
    }
    out
}

/// Why values are not the base32 of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Base32Error {
    /// A character that is no symbol.
    #[error("`{symbol}` at position {position} is not one of the symbols used")]
    Symbol {
        /// The character.
        symbol: char,
        /// Where it stands, from 1, fillers not counted.
        position: usize,
    },
    /// A number of symbols that no number of bytes gives.
    #[error("{0} symbols are one too many or too few")]
    Length(usize),
    /// The last symbol's filling bits are not zero.
    #[error("the last symbol is wrong")]
    Padding,
}

/// Reads the values of typed symbols; fillers are skipped.
pub fn values(text: &str) -> Result<Zeroizing<Vec<u8>>, Base32Error> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    for c in text.chars().filter(|&c| !is_filler(c)) {
        let position = out.len() + 1;
        out.push(value(c).ok_or(Base32Error::Symbol { symbol: c, position })?);
    }
    Ok(out)
}

/// Turns values below 32 into bytes.
pub fn bytes(values: &[u8]) -> Result<Zeroizing<Vec<u8>>, Base32Error> {
    if !matches!(values.len() % 8, 0 | 2 | 4 | 5 | 7) {
        return Err(Base32Error::Length(values.len()));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(values.len() * 5 / 8));
    let (mut buffer, mut bits) = (0_u16, 0);
    for &value in values {
        buffer = buffer << 5 | u16::from(value & 31);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xff) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    if buffer == 0 { Ok(out) } else { Err(Base32Error::Padding) }
}

/// Multiplies in GF(32), x⁵ + x² + 1.
pub const fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0_u16;
    let mut bit = 0;
    while bit < 5 {
        if b >> bit & 1 == 1 {
            product ^= (a as u16) << bit;
        }
        bit += 1;
    }
    let mut bit = 9;
    while bit >= 5 {
        if product >> bit & 1 == 1 {
            product ^= 0b10_0101 << (bit - 5);
        }
        bit -= 1;
    }
    (product & 31) as u8
}

/// α⁰ … α³⁰, α = 2.
const POWERS: [u8; 31] = {
    let mut powers = [1; 31];
    let mut i = 1;
    while i < 31 {
        powers[i] = multiply(powers[i - 1], 2);
        i += 1;
    }
    powers
};

/// Returns α to that power, α = 2.
pub fn power(exponent: usize) -> u8 {
    POWERS[exponent % 31]
}

/// Returns the inverse of a value that is not zero; 0 for 0.
pub fn inverse(value: u8) -> u8 {
    // the group has 31 elements: v³⁰ is the inverse
    (0..30).fold(1, |product, _| multiply(product, value)) * u8::from(value != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_come_back() {
        for len in 0..40_u8 {
            let input: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37) ^ 0xc3).collect();
            let text = encode(&input);
            assert_eq!(*bytes(&values(&text).unwrap()).unwrap(), input);
        }
    }

    #[test]
    fn people_type_as_they_like() {
        assert_eq!(*values("o0-iL 1z").unwrap(), [0, 0, 1, 1, 1, 31]);
        let error = values("AB U").unwrap_err();
        assert_eq!(error, Base32Error::Symbol { symbol: 'U', position: 3 });
    }

    #[test]
    fn only_one_way_to_write_bytes() {
        assert_eq!(bytes(&[0, 1]).unwrap_err(), Base32Error::Padding);
        assert_eq!(bytes(&[0]).unwrap_err(), Base32Error::Length(1));
        assert_eq!(bytes(&[0, 0, 0]).unwrap_err(), Base32Error::Length(3));
    }

    #[test]
    fn the_field_is_a_field() {
        for a in 1..32 {
            assert_eq!(multiply(a, inverse(a)), 1);
        }
        assert_eq!(power(5), 0b00101);
        assert_eq!(power(31), 1);
    }
}
