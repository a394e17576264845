//! How long one change of a document takes, by the file's size and the number of hunks on it.
//!
//! Run with `cargo run --release -p galley-review --example rebase_bench`. Each figure is the median of many runs.
#![allow(clippy::disallowed_methods)] // A bench reads the clock; it is no part of the crate.

use std::hint::black_box;
use std::time::{Duration, Instant};

use galley_review::{HunkId, Proposal, ProposalId};
use galley_text::change::ChangeSet;
use galley_text::format::FileChange;
use galley_text::path::RelPath;

const RUNS: usize = 300;

fn main() {
    println!(
        "{:>7} {:>6} | {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "lines", "hunks", "far", "before", "inside", "swallow", "whole", "accept"
    );
    for (lines, hunks) in
        [(1_000, 20), (1_000, 200), (10_000, 20), (10_000, 200), (10_000, 1_000), (100_000, 200)]
    {
        row(lines, hunks);
    }
    println!("microseconds; far: a key behind all hunks; before: a key before all; inside: a key in a hunk;");
    println!(
        "swallow: 100 lines with their hunks deleted; whole: the whole document sent with one line changed;"
    );
    println!("accept: plan and enter the accept of one hunk");
}

fn row(lines: usize, hunks: usize) {
    let line = |at: usize| format!("    let value_{at} = compute(input, {at}); // line {at}\n");
    let before: String = (0..lines).map(line).collect();
    let every = lines / hunks;
    let after: String = (0..lines)
        .map(|at| if at % every == every / 2 { line(at).replace("compute", "derive") } else { line(at) })
        .collect();
    let Ok(path) = RelPath::new("src/long.rs") else { return };
    let mut count = 0;
    let mut next = || {
        count += 1;
        HunkId(format!("h{count}"))
    };
    let change = FileChange::Update { path: path.clone(), before: before.clone(), after };
    let proposal = Proposal::new(ProposalId("p".into()), "t", "bench", vec![change], &mut next);
    let found = proposal.all().count();
    let hunk = &proposal.files[0].hunks[found / 2];
    let (id, inside) = (hunk.id.clone(), hunk.range.start + 8);
    let hundred = {
        let start = hunk.range.start;
        let end: usize = before[start..].split_inclusive('\n').take(100).map(str::len).sum();
        start..start + end
    };
    let edited = before.replacen("value_7 ", "value_seven ", 1);
    let change = |range: std::ops::Range<usize>, text: &str| ChangeSet::single(before.len(), range, text);
    let cases = [
        change(before.len() - 3..before.len() - 3, "x"),
        change(3..3, "x"),
        change(inside..inside, "x"),
        change(hundred, ""),
        change(0..before.len(), &edited),
    ];
    let times = cases.into_iter().flatten().map(|change| {
        median(|| {
            let mut proposal = proposal.clone();
            let start = Instant::now();
            black_box(proposal.document_changed(&path, &change, Some(1)));
            start.elapsed()
        })
    });
    let mut figures: Vec<Duration> = times.collect();
    figures.push(median(|| {
        let mut proposal = proposal.clone();
        let start = Instant::now();
        let _ = black_box(proposal.plan_accept(std::slice::from_ref(&id), false));
        black_box(proposal.accepted(std::slice::from_ref(&id)));
        start.elapsed()
    }));
    let shown: Vec<String> =
        figures.iter().map(|time| format!("{:>9.1}", time.as_secs_f64() * 1e6)).collect();
    println!("{lines:>7} {found:>6} | {}", shown.join(" "));
}

fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort_unstable();
    times[RUNS / 2]
}
