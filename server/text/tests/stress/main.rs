//! Edits and merges made up by the thousand, against oracles that know what they must come to.
//!
//! A usual run tries a moderate number of fixed cases. `GALLEY_STRESS=20` tries twenty times as many, `GALLEY_SEED`
//! begins at another seed.

mod blocks;
mod dice;
mod draft;
mod merges;
mod patches;
mod source;

use std::collections::BTreeMap;

use blocks::Kind;
use dice::{Dice, cases, first_seed};
use draft::{Case, Verdict};

#[derive(Default)]
struct Count {
    applied: usize,
    refused_rightly: usize,
    refused_safely: usize,
    refused_wrongly: usize,
}

enum Judged {
    Applied,
    RefusedRightly,
    RefusedSafely,
    RefusedWrongly(String),
    Wrong(String),
}

fn judge(case: &Case) -> Judged {
    match galley_text::batch::edit(case.format, &case.patch, case.files.clone()) {
        Err(refusal) => match case.verdict {
            Verdict::Refuse => Judged::RefusedRightly,
            Verdict::ApplyOrRefuse => Judged::RefusedSafely,
            Verdict::Apply => Judged::RefusedWrongly(format!("{}: {}", refusal.kind, refusal.message)),
        },
        Ok(files) if case.verdict == Verdict::Refuse => {
            if files == case.files {
                Judged::RefusedRightly
            } else {
                Judged::Wrong(shown(case, &files))
            }
        }
        Ok(files) if case.outcomes.contains(&files) => Judged::Applied,
        Ok(files) => Judged::Wrong(shown(case, &files)),
    }
}

/// What went wrong, as a patch from what was expected to what came.
fn shown(case: &Case, files: &BTreeMap<String, String>) -> String {
    let expected = if case.verdict == Verdict::Refuse { &case.files } else { &case.outcomes[0] };
    let mut out = String::new();
    for (path, text) in files {
        let wanted = expected.get(path).map_or("", String::as_str);
        out += &galley_text::diff::unified("expected", "got", wanted, text, 3);
    }
    out
}

fn run(kinds: &[Kind], usual: u64) {
    let mut wrong = Vec::new();
    let mut poor = Vec::new();
    for (name, make) in kinds {
        let mut count = Count::default();
        let mut example = String::new();
        for seed in first_seed()..first_seed() + cases(usual) {
            let Some(case) = make(&mut Dice::new(seed)) else { continue };
            match judge(&case) {
                Judged::Applied => count.applied += 1,
                Judged::RefusedRightly => count.refused_rightly += 1,
                Judged::RefusedSafely => count.refused_safely += 1,
                Judged::RefusedWrongly(why) => {
                    count.refused_wrongly += 1;
                    if example.is_empty() {
                        example = format!("seed {seed}: {why}\n{}", case.patch);
                    }
                }
                Judged::Wrong(how) => {
                    let files = if dice::shows_files() { format!("{:?}", case.files) } else { String::new() };
                    wrong.push(format!("== {name}, seed {seed}\n{}\n-- {how}{files}", case.patch));
                }
            }
        }
        let Count { applied, refused_rightly, refused_safely, refused_wrongly } = count;
        println!(
            "{name:>42}: {applied:>5} applied {refused_rightly:>5} rightly refused {refused_safely:>5} safely {refused_wrongly:>4} wrongly"
        );
        if refused_wrongly * 20 > applied + refused_wrongly {
            poor.push(format!(
                "== {name}: {refused_wrongly} of {} refused\n{example}",
                applied + refused_wrongly
            ));
        }
    }
    for line in wrong.iter().filter_map(|text| text.lines().next()) {
        println!("{line}");
    }
    let mut seen = std::collections::HashSet::new();
    let one_of_a_kind = wrong.iter().filter(|text| seen.insert(text.split(", seed").next()));
    let shown: Vec<&str> = one_of_a_kind.take(12).map(String::as_str).collect();
    println!("{}", poor.join("\n"));
    assert!(wrong.is_empty(), "{} wrong results\n{}", wrong.len(), shown.join("\n"));
    assert!(poor.is_empty(), "refused too often\n{}", poor.join("\n"));
}

#[test]
fn sloppy_blocks_come_out_right_or_are_refused() {
    run(blocks::KINDS, 60);
}

#[test]
fn sloppy_patches_come_out_right_or_are_refused() {
    run(patches::KINDS, 60);
}
