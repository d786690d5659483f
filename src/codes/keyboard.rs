//! Hand-held scanners type what they read as if on an American keyboard; a machine set to another layout hears other
//! signs. These maps undo that, where a text is no code as it came (`codes/format.md` §6).

use zeroize::Zeroizing;

/// What arrives, and what was meant, for a German, Swiss, Austrian, Czech or Hungarian layout.
const QWERTZ: [(char, char); 4] = [('Y', 'Z'), ('Z', 'Y'), ('y', 'z'), ('z', 'y')];

/// The same for a French or Belgian layout; digits lie on Shift there, M lies elsewhere.
const AZERTY: [(char, char); 22] = [
    ('A', 'Q'),
    ('Q', 'A'),
    ('Z', 'W'),
    ('W', 'Z'),
    ('a', 'q'),
    ('q', 'a'),
    ('z', 'w'),
    ('w', 'z'),
    ('?', 'M'),
    (',', 'm'),
    ('à', '0'),
    ('&', '1'),
    ('é', '2'),
    ('"', '3'),
    ('\'', '4'),
    ('(', '5'),
    ('-', '6'),
    ('§', '6'),
    ('è', '7'),
    ('_', '8'),
    ('!', '8'),
    ('ç', '9'),
];

/// Returns what a text would be, had it been typed on an American keyboard; the ways that change nothing left out.
pub fn readings(text: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let maps = [&QWERTZ[..], &AZERTY[..]];
    maps.into_iter().filter_map(move |map| {
        let mut out = Zeroizing::new(String::with_capacity(text.len()));
        let meant =
            |sign: char| map.iter().find(|(from, _)| *from == sign).map_or(sign, |(_, to)| *to);
        out.extend(text.chars().map(meant));
        (*out != text).then_some(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a machine hears when an American scanner types `0123456789ABCDEFGHJKMNPQRSTVWXYZ`.
    #[test]
    fn every_symbol_comes_through_every_layout() {
        let symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for heard in [
            "0123456789ABCDEFGHJKMNPQRSTVWXZY",
            "à&é\"'(-è_çQBCDEFGHJK?NPARSTVZXYW",
            "à&é\"'(§è!çQBCDEFGHJK?NPARSTVZXYW",
        ] {
            assert!(readings(heard).any(|text| *text == symbols), "{heard}");
            let (heard, symbols) = (heard.to_lowercase().replace('?', ","), symbols.to_lowercase());
            assert!(readings(&heard).any(|text| *text == symbols), "{heard}");
        }
    }
}
