//! What each project comes to.

use std::collections::BTreeMap;

use crate::duration::Duration;

/// Work is billed in quarter hours.
const STEP: u32 = 15;

/// One line of the timesheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was worked on.
    pub project: String,
    /// For how long.
    pub time: Duration,
}

impl Entry {
    /// Reads `project 1h20m`.
    pub fn parse(line: &str) -> Result<Entry, String> {
        let (project, time) = line.trim().rsplit_once(' ').ok_or("a line is a project and a time")?;
        Ok(Entry { project: project.trim().to_string(), time: Duration::parse(time)? })
    }
}

/// The time of each project.
pub fn totals(entries: &[Entry]) -> BTreeMap<String, Duration> {
    let mut sums = BTreeMap::new();
    for entry in entries {
        let sum = sums.entry(entry.project.clone()).or_insert_with(Duration::default);
        *sum = *sum + entry.time.rounded(STEP);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(lines: &[&str]) -> String {
        let entries: Vec<Entry> = lines.iter().map(|line| Entry::parse(line).unwrap()).collect();
        let parts: Vec<String> = totals(&entries).iter().map(|(project, time)| format!("{project} {time}")).collect();
        parts.join(", ")
    }

    #[test]
    fn projects_are_added_up_apart() {
        assert_eq!(total(&["a 1h", "b 30m", "a 15m"]), "a 1h15m, b 0h30m");
    }

    #[test]
    fn a_project_may_have_spaces_in_its_name() {
        assert_eq!(total(&["code review 1h", "code review 1h"]), "code review 2h00m");
    }

    #[test]
    fn many_short_entries_are_not_lost() {
        assert_eq!(total(&["mail 7m", "mail 7m", "mail 7m", "mail 7m"]), "mail 0h30m");
    }

    #[test]
    fn a_line_without_a_time_is_refused() {
        assert!(Entry::parse("lunch").is_err());
    }
}
