//! What each standard request answers, one file each.

pub mod code_action;
pub mod code_lens;
pub mod definition;
pub mod document_symbol;
pub mod folding_range;
pub mod initialize;
pub mod places;
pub mod references;
pub mod selection_range;
pub mod workspace_symbol;
