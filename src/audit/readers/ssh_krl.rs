//! Lists of revoked SSH keys: the binary itself (OpenSSH PROTOCOL.krl), and what `ssh-keygen -Q -l` prints of it.
//!
//! A key on the list is refused only where sshd has `RevokedKeys` point at it. The list as a whole has one date.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::time::local;
use super::{Format, Input, whole};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};
use crate::audit::probe::Probe;
use crate::clock::Instant;
use crate::set::sha256;

/// Most serials of one bitmap.
const MOST_SERIALS: usize = 100_000;

const MAGIC: &[u8] = b"SSHKRL\n\0";

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "SSH key revocation list",
        platform: "ssh",
        kind: Kind::State,
        knows: |probe| matches!(probe, Probe::Bytes(head) if head.starts_with(MAGIC)),
        read: binary,
    },
    Format {
        name: "SSH key revocation list, listed",
        platform: "ssh",
        kind: Kind::State,
        knows: |probe| matches!(probe, Probe::Text(head) if head.starts_with("# KRL version")),
        read: listed,
    },
];

const NOTE: &str = "a key on this list is refused only where sshd has RevokedKeys point at it";

/// Reads the fields of the format: big-endian numbers, strings with their length in front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }
}

fn binary(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let bytes = whole(input)?;
    reading.note(NOTE);
    sections(&bytes, reading).ok_or_else(|| Broken {
        record: reading.found.records + 1,
        what: "it is not whole, or no list of version 1".to_owned(),
        at_end: true,
    })
}

fn sections(bytes: &[u8], reading: &mut Reading<'_>) -> Option<()> {
    let mut fields = Fields(bytes.strip_prefix(MAGIC)?);
    if fields.u32()? != 1 {
        return None;
    }
    let _version = fields.u64()?;
    let date = Instant::from_unix(fields.u64()?);
    let _flags = fields.u64()?;
    let (_reserved, _comment) = (fields.string()?, fields.string()?);
    reading.found.report_time = Some(date);
    let mut number = 0;
    let mut gone = |reading: &mut Reading<'_>, id: &str, word: &str| {
        number += 1;
        reading.at_record(number);
        reading.fact(Fact::new(What::Deleted, Span::until(date)).credential(id).word(word));
    };
    while !fields.0.is_empty() {
        let kind = fields.byte()?;
        let mut section = Fields(fields.string()?);
        match kind {
            1 => {
                let ca = section.string()?;
                let _reserved = section.string()?;
                let ca = if ca.is_empty() { "any CA".to_owned() } else { print(&sha256(&[ca])) };
                while !section.0.is_empty() {
                    let kind = section.byte()?;
                    let mut inside = Fields(section.string()?);
                    while !inside.0.is_empty() {
                        let id = match kind {
                            0x20 => format!("serial {}", inside.u64()?),
                            0x21 => format!("serial {} to {}", inside.u64()?, inside.u64()?),
                            0x22 => {
                                let from = inside.u64()?;
                                let map = inside.string()?;
                                for serial in bits(from, map).take(MOST_SERIALS) {
                                    gone(reading, &format!("serial {serial}"), &ca);
                                }
                                if bits(from, map).nth(MOST_SERIALS).is_some() {
                                    reading.partial("it has more serials than anybody looks at");
                                }
                                continue;
                            }
                            0x23 => format!("id {}", String::from_utf8_lossy(inside.string()?)),
                            _ => break,
                        };
                        gone(reading, &id, &ca);
                    }
                }
            }
            // whole keys; their fingerprints
            2 => {
                while !section.0.is_empty() {
                    let key = section.string()?;
                    gone(reading, &print(&sha256(&[key])), "key");
                }
            }
            3 => {
                reading.note("it names keys by their SHA-1, which are not told from here");
            }
            5 => {
                while !section.0.is_empty() {
                    let hash = section.string()?;
                    gone(reading, &print(hash), "key by hash");
                }
            }
            // signatures, extensions
            _ => {}
        }
    }
    Some(())
}

/// Serials of a bitmap: a big-endian number whose bit i stands for `from + i`.
fn bits(from: u64, map: &[u8]) -> impl Iterator<Item = u64> {
    let bytes = map.iter().rev().zip(0_u64..);
    bytes.flat_map(move |(byte, at)| {
        (0..8)
            .filter(move |bit| byte >> bit & 1 == 1)
            .map(move |bit| from.saturating_add(8 * at + bit))
    })
}

/// A fingerprint as a public id, without `SHA256:` in front.
fn print(hash: &[u8]) -> String {
    STANDARD_NO_PAD.encode(hash)
}

fn listed(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let bytes = whole(input)?;
    let text = String::from_utf8_lossy(&bytes);
    reading.note(NOTE);
    let mut when = Span::UNKNOWN;
    for (number, line) in (1..).zip(text.lines()) {
        reading.at_record(number);
        let line = line.trim();
        if let Some(date) = line.strip_prefix("# Generated at ") {
            // local time of whoever printed it
            match local(date, input.zone) {
                Some(at) => {
                    reading.found.report_time = Some(at);
                    when = Span::until(at);
                }
                None => {
                    reading.note(format!("`{date}` has no zone: `--tz`, or give the list itself"));
                }
            }
            continue;
        }
        let id = match line.split_once(": ") {
            Some(("hash" | "key", rest)) => {
                let print = rest.split_whitespace().next().unwrap_or_default();
                print.strip_prefix("SHA256:").unwrap_or(print).to_owned()
            }
            Some(("serial", rest)) => format!("serial {rest}"),
            Some(("id", rest)) => format!("id {rest}"),
            _ => continue,
        };
        reading.fact(Fact::new(What::Deleted, when).credential(&id).word("on the list"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_of_serials() {
        assert_eq!(bits(100, &[0b1, 0b1000_0001]).collect::<Vec<_>>(), [100, 107, 108]);
    }
}
