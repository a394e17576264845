//! The fuzz target's function on arbitrary texts and steps, for a stable compiler.

#[path = "../../../../tests/fuzz/entries/proposals.rs"]
mod entry;

use crate::dice::{Dice, cases, first_seed};

fn text(dice: &mut Dice) -> String {
    let lines =
        ["a\n", "b\n", "}\n", "\n", "let x = 1;\n", "let y = 2;\r\n", "z\r", "\u{1f600}\u{e9}", "tail"];
    (0..dice.roll(12)).map(|_| lines[dice.roll(lines.len())]).collect()
}

#[test]
fn nothing_that_happens_breaks_a_proposal() {
    for seed in first_seed()..first_seed() + cases(300) {
        let run = || {
            let mut dice = Dice::new(seed);
            let (before, after) = (text(&mut dice), text(&mut dice));
            let steps: Vec<u8> = (0..4 * dice.roll(20)).map(|_| dice.roll(256) as u8).collect();
            entry::proposals(&before, &after, &steps);
        };
        if let Err(panic) = std::panic::catch_unwind(run) {
            println!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
