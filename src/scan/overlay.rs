//! Copies of one code laid over each other: what one has lost, another may have kept.
//!
//! Which measurements are copies of one code shows in the measurements themselves: two codes of
//! one version agree on about half of their modules, two copies on nearly all.

use zeroize::Zeroizing;

use super::soft::{SAME, Soft};
use super::{Code, Page, Pass};

/// More copies than these on all leaves and sheets do not help, and each attempt takes time.
const MOST_ATTEMPTS: usize = 24;

/// The most codes that are kept apart.
const MOST: usize = 256;

/// Codes that could not be read alone.
#[derive(Default)]
pub struct Overlay {
    codes: Vec<Laid>,
}

struct Laid {
    sum: Soft,
    read: bool,
    /// Times that laying one more over it was not enough.
    failed: usize,
}

impl Overlay {
    /// Takes what could not be read on a page; gives the codes that can be read now, each without
    /// corners.
    pub fn take(&mut self, page: &Page) -> Vec<Code> {
        let read = page.unread.iter().filter_map(|soft| self.lay(soft));
        read.map(|text| Code { text, corners: [(0.0, 0.0); 4], pass: Pass::Merged }).collect()
    }

    /// Lays a measurement over its copies; gives the text if that makes it readable.
    pub(super) fn lay(&mut self, soft: &Soft) -> Option<Zeroizing<String>> {
        let near = self.codes.iter().enumerate().map(|(at, laid)| (at, laid.sum.agreement(soft)));
        let nearest = near.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, same)| *same > SAME);
        let Some((at, _)) = nearest else {
            if self.codes.len() < MOST {
                self.codes.push(Laid { sum: soft.copy(), read: false, failed: 0 });
            }
            return None;
        };
        let laid = &mut self.codes[at];
        if laid.read || laid.failed >= MOST_ATTEMPTS {
            return None;
        }
        laid.sum.add(soft);
        let text = laid.sum.text();
        laid.read = text.is_some();
        laid.failed += usize::from(text.is_none());
        text
    }

    /// Tells whether a measurement is a copy of a code that was read here.
    pub(super) fn has_read(&self, soft: &Soft) -> bool {
        self.codes.iter().any(|laid| laid.read && laid.sum.is_copy(soft))
    }
}
