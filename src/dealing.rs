//! From a credential to sheets of paper that are known to open.
//!
//! [`deal`] seals and shares in memory; the caller records ISSUE and writes the pages; [`read_back`] reads every page
//! that was written and opens the set from them, before anybody says "made".

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::clock::Instant;
use crate::codes::code::{Code, CodeKind};
use crate::codes::grid::{self, Slot};
use crate::codes::lines;
use crate::codes::payload::{self, Kind, LockedShare, Payload, SealedPart};
use crate::method::{self, Method};
use crate::opening::{self, Case, Codes, Origin, Pile};
use crate::paper::{LockText, SheetText};
use crate::rng::CryptoRng;
use crate::scan::{Page, Pass, Reading};
use crate::sealing::lock::{self, Lock, LockError};
use crate::sealing::plugin::Person;
use crate::sealing::{self, SealingError};
use crate::secret::Secret;
use crate::set::manifest::{ManifestError, Terms};
use crate::set::{Manifest, SheetId, SheetShare, parts, share};
use crate::sharing::{self, Share};

/// A set that exists in memory only. No `Debug`: it holds every share.
pub struct Dealt {
    /// Set code.
    pub code: Code,
    /// Manifest.
    pub manifest: Manifest,
    /// Sealed credential.
    pub sealed: Vec<u8>,
    /// One per sheet of paper.
    pub sheets: Vec<SheetShare>,
    /// The locked shares, as their sheets carry them.
    pub locked: Vec<LockedShare>,
}

/// The texts of one sheet's codes.
struct CodeTexts {
    /// The key code; on a locked sheet the locked share.
    share: Zeroizing<String>,
    /// The manifest, where it is a code of its own: on a locked sheet.
    manifest: Option<Zeroizing<String>>,
    sealed: Vec<Zeroizing<String>>,
}

impl CodeTexts {
    fn of(&self, slot: Slot) -> &str {
        match (slot, &self.manifest) {
            (Slot::Sealed(part), _) => &self.sealed[part],
            (Slot::Manifest, Some(manifest)) => manifest,
            _ => &self.share,
        }
    }
}

/// Why a set was not made.
#[derive(Debug, thiserror::Error)]
pub enum DealingError {
    /// The credential cannot be sealed.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The texts of the method do not fit a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A page that was written does not read back.
    #[error("sheet {sheet}, page {page} does not read back: {what}")]
    Page {
        /// Which sheet.
        sheet: SheetId,
        /// Which page of its file.
        page: u32,
        /// What is wrong.
        what: String,
    },
    /// The pages read back, but the set does not open from them.
    #[error("the pages read back, but the set does not open from them: {0}")]
    Closed(String),
}

/// Seals the credential to a fresh identity and shares that among the sheets; nothing leaves memory.
///
/// `sheets` are the method's, in order; copies of one number get the same share and tokens of their own.
pub fn deal(
    credential: &Secret,
    terms: Terms,
    sheets: &[SheetId],
    rng: &mut impl CryptoRng,
) -> Result<Dealt, DealingError> {
    let identity = sealing::new_identity(rng);
    let sealed = sealing::seal(credential, &identity)?;
    let shares = sharing::split(&identity, terms.threshold, rng);
    let manifest = Manifest::new(terms, &sealed, &shares)?;
    let code = Code::stretch(CodeKind::Set, &manifest.hash());
    let sheets = sheets
        .iter()
        .filter_map(|id| {
            let share = shares.get(usize::from(id.x()) - 1)?.clone();
            let token = share::new_token(rng);
            Some(SheetShare { set: code.bytes(), copy: id.copy(), share, token })
        })
        .collect();
    Ok(Dealt { code, manifest, sealed, sheets, locked: Vec::new() })
}

/// Makes one further sheet of a set that was dealt before, with a token of its own.
pub fn further(case: &Case, share: Share, copy: u8, rng: &mut impl CryptoRng) -> Dealt {
    let sheet = SheetShare { set: case.code.bytes(), copy, share, token: share::new_token(rng) };
    Dealt {
        code: case.code,
        manifest: case.manifest.clone(),
        sealed: case.sealed().to_vec(),
        sheets: vec![sheet],
        locked: Vec::new(),
    }
}

impl Dealt {
    /// Locks a sheet; a passphrase is tried on its lock at once.
    pub fn lock(
        &mut self,
        sheet: SheetId,
        lock: Lock<'_>,
        person: &Person,
    ) -> Result<(), LockError> {
        let Some(share) = self.sheets.iter().find(|s| s.id() == sheet) else { return Ok(()) };
        let content = share.content();
        let locked = lock::close(&*content, lock, person)?;
        if let Lock::Passphrase(passphrase) = lock
            && lock::open_with_passphrase(&locked, passphrase)?.expose() != &content[..]
        {
            return Err(LockError::Content);
        }
        self.locked.push(LockedShare { set: self.code.bytes(), sheet, locked });
        Ok(())
    }

    /// Returns what a sheet carries of its own: its share, or its locked share.
    fn own(&self, sheet: &SheetShare) -> Payload {
        match self.locked.iter().find(|locked| locked.sheet == sheet.id()) {
            Some(locked) => Payload::Locked(locked.clone()),
            None => Payload::Share(sheet.clone()),
        }
    }

    fn code_texts(&self, sheet: &SheetShare) -> CodeTexts {
        let own = self.own(sheet);
        let manifest = Payload::Manifest(Box::new(self.manifest.clone()));
        let sealed = self.sealed_payloads().iter().map(Payload::text).collect();
        if own.kind() == Kind::Locked {
            CodeTexts { share: own.text(), manifest: Some(manifest.text()), sealed }
        } else {
            CodeTexts { share: payload::join(&[&own, &manifest]), manifest: None, sealed }
        }
    }

    /// Returns the texts of one sheet for the page.
    pub fn sheet_text(&self, sheet: &SheetShare, method: &Method) -> SheetText {
        let own = self.own(sheet);
        let manifest = Payload::Manifest(Box::new(self.manifest.clone()));
        let sealed: Vec<Payload> = self.sealed_payloads();
        let typed = |payload: &Payload| lines::encode(payload.kind(), 0, &payload.to_bytes());
        let custodian = method.custodian(sheet.id());
        let lock = custodian.and_then(|c| {
            let recipients = match c.lock.as_ref()? {
                method::Lock::Passphrase => Vec::new(),
                method::Lock::Recipients(all) => all.iter().map(|r| method::short(r)).collect(),
            };
            Some(LockText {
                recipients,
                second_way: c.second_way.clone(),
                len: own.to_bytes().len(),
            })
        });
        let codes = self.code_texts(sheet);
        SheetText {
            method: method.id.clone(),
            name: method.name.clone(),
            owner_team: method.owner_team.clone(),
            owner_contact: method.owner_contact.clone(),
            platform: method.platform.clone(),
            scope: method.scope.clone(),
            credential_id: self.manifest.credential_id.clone(),
            generation: self.manifest.generation,
            set_code: self.code.to_string(),
            k: self.manifest.threshold.k(),
            n: self.manifest.threshold.n(),
            sheet: sheet.id().to_string(),
            holder: custodian.map(|c| c.name.clone()).unwrap_or_default(),
            lock,
            created: Instant::from_unix(self.manifest.created).date(),
            expires: self.manifest.expires.map(|at| Instant::from_unix(at).date()),
            uses: method.uses_in_words(),
            max_session: minutes(self.manifest.max_session),
            revoke_within: format!("{} h", self.manifest.revoke_within),
            login: method.login.clone(),
            also_needed: method.also_needed.clone(),
            laptop: method.laptop.clone(),
            share_code: codes.share,
            manifest_code: codes.manifest.map(|text| text.to_string()),
            sealed_codes: codes.sealed.iter().map(|text| text.to_string()).collect(),
            share_lines: typed(&own),
            manifest_lines: typed(&manifest).to_string(),
            sealed_lines: match &sealed[..] {
                [only] => Some(typed(only).to_string()),
                _ => None,
            },
            sealed_len: self.sealed.len(),
        }
    }

    fn sealed_payloads(&self) -> Vec<Payload> {
        (0..)
            .zip(parts(&self.sealed))
            .map(|(index, part)| {
                Payload::Sealed(SealedPart { set: self.code.bytes(), index, bytes: part.to_vec() })
            })
            .collect()
    }
}

/// Writes minutes for people: `4 h`, `90 min`.
pub fn minutes(minutes: u16) -> String {
    if minutes.is_multiple_of(60) {
        format!("{} h", minutes / 60)
    } else {
        format!("{minutes} min")
    }
}

/// One written sheet, as a reader saw it.
pub struct ReadSheet {
    /// Which sheet.
    pub sheet: SheetId,
    /// Its pages, or its text.
    pub reading: Reading,
}

/// Holds every page that was read back against what was dealt, opens the set once from the pages alone, and checks
/// that every share lies on the polynomial and that the credential is the one that was given. `others` are sheets of the
/// same set that were not made now.
pub fn read_back(
    dealt: &Dealt,
    credential: &Secret,
    read: &[ReadSheet],
    others: &[SheetShare],
) -> Result<(), DealingError> {
    let mut pile = Pile::default();
    for other in others {
        let origin = Origin { file: other.id().to_string(), place: None };
        pile.add_code(&Payload::Share(other.clone()).text(), &origin);
    }
    for (sheet, read) in dealt.sheets.iter().zip(read) {
        let pages = match &read.reading {
            Reading::Pages(pages) => pages,
            Reading::Text(text) => {
                check_text(dealt, sheet, text)?;
                let origin = Origin { file: read.sheet.to_string(), place: None };
                for line in text.lines() {
                    pile.add_line(line, &origin);
                }
                continue;
            }
        };
        check_pages(dealt, sheet, pages)?;
        for page in pages {
            let origin = Origin {
                file: read.sheet.to_string(),
                place: Some(format!("page {}", page.number)),
            };
            for code in &page.codes {
                pile.add_code(&code.text, &origin);
            }
        }
    }
    // their pages carry what was locked, to the byte; what is in it only the holders can read
    for locked in &dealt.locked {
        if let Some(share) = dealt.sheets.iter().find(|share| share.id() == locked.sheet) {
            pile.unlock(locked, share.clone());
        }
    }
    let closed = |what: &str| DealingError::Closed(what.to_owned());
    let groups = opening::groups(&pile, &[], &mut Codes::default());
    let group = groups.first().filter(|g| g.code == dealt.code);
    let group = group.ok_or_else(|| closed("another set was read"))?;
    let case = opening::examine(&pile, group, &[]);
    let opened = case.open().map_err(|e| closed(&e.to_string()))?;
    if !opened.dealt_wrong.is_empty() {
        return Err(closed("a share is not on the polynomial"));
    }
    if !opened.credential.same_as(credential) {
        return Err(closed("it opens to something else"));
    }
    Ok(())
}

/// A sheet's text has its codes, each on a line, and comments.
fn check_text(dealt: &Dealt, sheet: &SheetShare, text: &str) -> Result<(), DealingError> {
    let codes = dealt.code_texts(sheet);
    let found = text.lines().filter(|line| !line.starts_with('#'));
    let own = [&codes.share].into_iter().chain(&codes.manifest);
    let expected = own.chain(&codes.sealed).map(|text| text.as_str());
    if found.eq(expected) {
        return Ok(());
    }
    let what = "a code in it is not the one that was dealt".to_owned();
    Err(DealingError::Page { sheet: sheet.id(), page: 1, what })
}

/// A sheet's pages carry its codes where the grid says, each read as printed.
fn check_pages(dealt: &Dealt, sheet: &SheetShare, pages: &[Page]) -> Result<(), DealingError> {
    let failed =
        |page, what: &str| DealingError::Page { sheet: sheet.id(), page, what: what.to_owned() };
    let codes = dealt.code_texts(sheet);
    let leaves = grid::leaves(codes.manifest.is_some(), codes.sealed.len());
    for (number, slots) in (1..).zip(&leaves) {
        let page = pages.iter().find(|page| page.number == number);
        let page = page.ok_or_else(|| failed(number, "the page is missing"))?;
        if let Some(problem) = page.problem {
            return Err(failed(number, &format!("it {problem}")));
        }
        let expected: BTreeSet<&str> = slots.iter().map(|slot| codes.of(*slot)).collect();
        let found: BTreeSet<&str> = page.codes.iter().map(|code| code.text.as_str()).collect();
        if found != expected {
            return Err(failed(
                number,
                "a code on it cannot be read, or is not the one that was dealt",
            ));
        }
        // what a plain look cannot read on a perfect picture will not live long in a safe
        if page.codes.iter().any(|code| code.pass != Pass::Plain) {
            return Err(failed(number, "a code on it can only be read with effort"));
        }
    }
    Ok(())
}
