//! Counting the processes below a supervisor and what they use, by `/proc`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::disk::{self, Disk};
use crate::Level;
use crate::plan::{Plan, Report};
use crate::sys;

/// The processes that a supervisor answers for.
pub(super) struct Tree {
    /// In namespaces `/proc` shows only the tree; elsewhere the tree is what descends from this process.
    root: Option<u32>,
    page: u64,
    memory: Option<u64>,
    processes: Option<u32>,
    disk: Option<Disk>,
    /// The file system at the root as it was outside of namespaces.
    outside: Option<u64>,
}

struct Process {
    pid: u32,
    parent: u32,
    threads: u64,
}

impl Tree {
    pub(super) fn of(plan: &Plan, init: i32) -> Tree {
        let root = (plan.level != Level::Namespaces).then_some(init.unsigned_abs());
        Tree {
            root,
            page: sys::page_size(),
            memory: plan.memory_bytes,
            processes: plan.processes,
            disk: plan.disk_bytes.map(|most| Disk::of(&plan.view, most)),
            outside: fs::metadata("/").ok().map(|root| root.dev()),
        }
    }

    /// Numbers of all that descends from a process.
    pub(super) fn descendants(of: u32) -> Vec<i32> {
        let below = below(of).into_iter().filter(|p| p.pid != of);
        below.map(|p| p.pid.cast_signed()).collect()
    }

    /// What to say if a limit is passed now.
    pub(super) fn over_limit(&mut self) -> Option<Report> {
        if self.memory.is_none() && self.processes.is_none() && self.disk.is_none() {
            return None;
        }
        if !self.is_visible() {
            return None;
        }
        let members = self.root.map_or_else(all, below);
        let count: u64 = members.iter().map(|p| p.threads).sum();
        if self.processes.is_some_and(|most| count > u64::from(most)) {
            return Some(Report::ProcessLimit);
        }
        let used: u64 = members.iter().filter_map(|p| self.private_memory(p.pid)).sum();
        if self.memory.is_some_and(|most| used + self.private_files() > most) {
            return Some(Report::MemoryLimit);
        }
        let disk = self.disk.as_mut()?;
        disk.is_over(members.iter().filter_map(|p| written(p.pid)).sum()).then_some(Report::DiskLimit)
    }

    /// Whether this process sees what the command sees: in namespaces only once the init has changed the root. Before,
    /// `/proc` shows the whole machine, and nothing of the command's runs.
    fn is_visible(&self) -> bool {
        self.root.is_some() || fs::metadata("/").ok().map(|root| root.dev()) != self.outside
    }

    /// Bytes of the files that lie in memory.
    fn private_files(&self) -> u64 {
        if self.root.is_none() { disk::used(Path::new("/tmp")).unwrap_or(0) } else { 0 }
    }

    fn private_memory(&self, pid: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut pages = text.split(' ').skip(1).map_while(|n| n.parse::<u64>().ok());
        let (resident, shared) = (pages.next()?, pages.next()?);
        Some(resident.saturating_sub(shared) * self.page)
    }
}

/// A process and all that descends from it.
fn below(root: u32) -> Vec<Process> {
    let mut all = all();
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

/// Bytes that a process, and its children for whose end it waited, sent to disks.
fn written(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let count = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().parse::<u64>().ok()
    };
    Some(count("write_bytes")?.saturating_sub(count("cancelled_write_bytes").unwrap_or(0)))
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
