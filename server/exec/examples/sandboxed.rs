//! Runs a command at a level, to look at a sandbox from inside: `sandboxed [namespaces|landlock|copy] COMMAND…`.

use std::io::Write;

use galley_exec::{Level, Spec, Stream, probe, probe_report, run};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let level = match words.first().map(String::as_str) {
        Some("namespaces") => Level::Namespaces,
        Some("landlock") => Level::Landlock,
        Some("copy") => Level::Copy,
        _ => {
            println!("the strongest level here: {}", probe());
            for (level, why) in probe_report() {
                println!("not {level}: {why}");
            }
            return Ok(());
        }
    };
    words.remove(0);
    let spec = Spec::new(words, std::env::current_dir()?);
    let mut on_output = |stream: Stream, bytes: &[u8]| {
        // A closed terminal is no reason to stop.
        let _ = match stream {
            Stream::Stdout => std::io::stdout().write_all(bytes),
            Stream::Stderr => std::io::stderr().write_all(bytes),
        };
    };
    let outcome = run(&spec, level, &mut on_output, &CancellationToken::new()).await?;
    eprintln!("[{} after {:?}, level {}]", outcome.status, outcome.duration, outcome.level);
    Ok(())
}
