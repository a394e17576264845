//! Counting the processes below a supervisor, by `/proc`.

use std::fs;

use crate::Level;
use crate::plan::Report;
use crate::sys;

/// The processes that a supervisor answers for.
pub(super) struct Tree {
    /// In namespaces `/proc` shows only the tree; elsewhere the tree is what descends from this process.
    root: Option<u32>,
    page: u64,
}

struct Process {
    pid: u32,
    parent: u32,
    threads: u64,
}

impl Tree {
    pub(super) fn of(level: Level, init: i32) -> Tree {
        let root = (level != Level::Namespaces).then_some(init.unsigned_abs());
        Tree { root, page: sys::page_size() }
    }

    /// Numbers of the direct children of a process.
    pub(super) fn children(of: u32) -> Vec<i32> {
        all().into_iter().filter(|p| p.parent == of).map(|p| p.pid.cast_signed()).collect()
    }

    /// What to say if a limit is passed now.
    pub(super) fn over_limit(&self, memory: Option<u64>, processes: Option<u32>) -> Option<Report> {
        if memory.is_none() && processes.is_none() {
            return None;
        }
        let members = self.members();
        let count: u64 = members.iter().map(|p| p.threads).sum();
        if processes.is_some_and(|most| count > u64::from(most)) {
            return Some(Report::ProcessLimit);
        }
        let most = memory?;
        let used: u64 = members.iter().filter_map(|p| self.private_memory(p.pid)).sum();
        (used > most).then_some(Report::MemoryLimit)
    }

    fn members(&self) -> Vec<Process> {
        let mut all = all();
        let Some(root) = self.root else { return all };
        let mut tree = std::collections::HashSet::from([root]);
        // Children may have smaller numbers than their parents, so go on until nothing is added.
        loop {
            let before = tree.len();
            tree.extend(all.iter().filter(|p| tree.contains(&p.parent)).map(|p| p.pid).collect::<Vec<_>>());
            if tree.len() == before {
                break;
            }
        }
        all.retain(|p| tree.contains(&p.pid));
        all
    }

    fn private_memory(&self, pid: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut pages = text.split(' ').skip(1).map_while(|n| n.parse::<u64>().ok());
        let (resident, shared) = (pages.next()?, pages.next()?);
        Some(resident.saturating_sub(shared) * self.page)
    }
}

fn all() -> Vec<Process> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    let threads = fields.nth(15)?.parse().ok()?;
    Some(Process { pid, parent, threads })
}
