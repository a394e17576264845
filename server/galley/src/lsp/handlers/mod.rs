//! What each standard request answers, one file each.

pub mod code_action;
pub mod code_lens;
pub mod initialize;
