//! What an append costs here: `append_cost DIR`.

use std::time::Instant;

use galley_journal::{Journal, JournalError, NewEntry, NewTask};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: append_cost DIR")?;
    let journal = Journal::open(std::path::Path::new(&folder))?;
    let id = format!("t{}", std::process::id());
    let text = |s: &str| s.to_owned();
    let (workspace, title, goal) = (text("/w"), text("title"), text("goal"));
    journal.create_task(&NewTask { id: id.clone(), workspace, title, goal, created_ms: 1 })?;
    let payload = json!({"text": "some words of a stream ".repeat(10)});

    let report =
        |name: &str, count: u32, run: &dyn Fn() -> Result<u64, JournalError>| -> Result<(), JournalError> {
            let started = Instant::now();
            for _ in 0..count {
                run()?;
            }
            println!("{name}: {:?} each", started.elapsed() / count);
            Ok(())
        };
    report("synced", 300, &|| journal.append(&id, "k", &payload, 1))?;
    report("progress", 5000, &|| journal.append_progress(&id, "k", &payload, 1))?;
    let many = vec![NewEntry::new(&id, "k", &payload, 1)?; 100];
    report("hundred at once", 50, &|| journal.append_many(&many))?;
    let started = Instant::now();
    let verified = journal.verify()?;
    println!("verify: {} entries in {:?}", verified.entries, started.elapsed());
    Ok(())
}
