//! Checks a file of position cases, one JSON value a line: `positions FILE`.
#![allow(clippy::disallowed_methods)] // An example reads its cases; it is no part of the crate.

#[path = "../tests/support/position_cases.rs"]
mod position_cases;

fn main() {
    let path = std::env::args().nth(1).expect("a file of cases");
    let cases = std::fs::read_to_string(path).expect("a readable file");
    let faults = position_cases::check(&cases);
    faults.iter().take(20).for_each(|fault| println!("{fault}"));
    println!("{} cases, {} faults", cases.lines().count(), faults.len());
    std::process::exit(i32::from(!faults.is_empty()));
}
