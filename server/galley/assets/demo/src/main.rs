use std::io::{self, Read};

use timesheet::{totals, Entry};

fn main() {
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        eprintln!("timesheet: {error}");
        std::process::exit(1);
    }
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match Entry::parse(line) {
            Ok(entry) => entries.push(entry),
            Err(error) => eprintln!("timesheet: line {}: {error}", number + 1),
        }
    }
    for (project, total) in totals(&entries) {
        println!("{project} {total}");
    }
}
