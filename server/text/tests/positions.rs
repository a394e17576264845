//! Positions in all encodings over a fixture of awkward texts.

#[path = "support/position_cases.rs"]
mod position_cases;

#[test]
fn every_case_of_the_fixture_holds() {
    let faults = position_cases::check(include_str!("fixtures/positions.jsonl"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
