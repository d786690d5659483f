//! Copies of one code laid over each other: what one has lost, another may have kept.
//!
//! Which measurements are copies of one code shows in the measurements themselves: two codes of
//! one version agree on about half of their modules, two copies on nearly all.

use zeroize::Zeroizing;

use super::soft::Soft;
use super::{Code, Page, Pass};

/// Measurements that agree more than this are of one code.
const SAME: f32 = 0.6;

/// The most codes that are kept apart.
const MOST: usize = 256;

/// Codes that could not be read alone.
#[derive(Default)]
pub struct Overlay {
    codes: Vec<Laid>,
}

struct Laid {
    sum: Soft,
    count: usize,
    read: bool,
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
                self.codes.push(Laid { sum: soft.copy(), count: 1, read: false });
            }
            return None;
        };
        let laid = &mut self.codes[at];
        if laid.read {
            return None;
        }
        laid.sum.add(soft);
        laid.count += 1;
        let text = laid.sum.text();
        laid.read = text.is_some();
        text
    }
}
