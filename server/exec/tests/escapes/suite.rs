//! Runs the table and prints it.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use galley_exec::{Level, Network, Spec, probe, probe_report, run};
use tokio_util::sync::CancellationToken;

use crate::call;
use crate::inside::{Inside, SECRET};
use crate::machine::{self, Machine};
use crate::table::{Escape, Then, all};

/// So many ways must have been proven to be ways, whoever runs the suite.
const LEAST: usize = 60;
/// The number of a descriptor that commands inherit where nobody closes it.
pub const LEAKED: i32 = 200;

pub fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        println!("no_way_out: test");
        return ExitCode::SUCCESS;
    }
    let role = std::env::var("ESCAPE_ROLE").unwrap_or_default();
    let done = match role.as_str() {
        "" => begin(),
        "suite" => suite(),
        "bystander" => machine::bystander(),
        _ => attempt(&role),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes a person's machine and starts the suite in it, as if it were their server: with secrets in its environment
/// and with a descriptor that it forgot to close.
fn begin() -> io::Result<bool> {
    let folder = tempfile::Builder::new()
        .prefix("galley-escapes-")
        .tempdir_in("/var/tmp")
        .or_else(|_| tempfile::tempdir())?;
    let base = fs::canonicalize(folder.path())?;
    let program = base.join("program");
    fs::copy(std::env::current_exe()?, &program)?;
    let home = base.join("home");
    fs::create_dir(&home)?;
    fs::write(base.join("leaked"), SECRET)?;
    let leaked = File::open(base.join("leaked"))?;
    call::leak_at(&leaked, LEAKED)?;
    let mut command = match std::env::var("GALLEY_ESCAPES_AS") {
        Ok(user) => {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&base, fs::Permissions::from_mode(0o755))?;
            let owned = Command::new("chown").args(["-R", &user]).arg(&base).status()?;
            assert!(owned.success(), "cannot give {} to {user}", base.display());
            let mut command = Command::new("setpriv");
            command
                .args([
                    "--reuid",
                    &user,
                    "--regid",
                    "65534",
                    "--clear-groups",
                    "--inh-caps=-all",
                    "--bounding-set=-all",
                ])
                .arg(&program);
            command
        }
        Err(_) => Command::new(&program),
    };
    let status = command
        .args(std::env::args_os().skip(1))
        .env("ESCAPE_ROLE", "suite")
        .env("ESCAPE_HOME", &base)
        .env("HOME", &home)
        .env("CARGO_HOME", home.join(".cargo"))
        .env("SSH_AUTH_SOCK", base.join("run/agent"))
        .env("SERVICE_TOKEN", SECRET)
        .env_remove("GALLEY_ESCAPES_AS")
        .current_dir(&base)
        .status()?;
    Ok(status.success())
}

/// Inside: tries one way.
fn attempt(name: &str) -> io::Result<bool> {
    call::alarm(20);
    let (name, next) = name.strip_prefix("next: ").map_or((name, false), |name| (name, true));
    let Some(escape) = all().into_iter().find(|escape| escape.name == name) else {
        return Err(io::Error::other("no such escape"));
    };
    let part = match escape.then {
        Then::Found(next_part) if next => next_part,
        _ => escape.attempt,
    };
    match part(&Inside) {
        Ok(()) => println!("OUT"),
        Err(error) => println!("held: {error}"),
    }
    Ok(true)
}

/// How an attempt ended.
enum End {
    Out(String),
    Held(String),
}

fn suite() -> io::Result<bool> {
    let base = PathBuf::from(std::env::var_os("ESCAPE_HOME").ok_or(io::ErrorKind::NotFound)?);
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let claimed: Vec<Level> =
        [Level::Namespaces, Level::Landlock].into_iter().filter(|l| *l >= probe()).collect();
    println!("\nlevels that are claimed here: {claimed:?}; not: {:?}\n", probe_report());
    let mut machine = Machine::new(base)?;
    let (mut proven, mut failures) = (0, Vec::new());
    for (number, escape) in all().iter().enumerate() {
        if wanted.as_ref().is_some_and(|wanted| !escape.name.contains(wanted.as_str())) {
            continue;
        }
        if let Some(why) = (escape.needs)() {
            println!("{:<52} not counted: {why}", escape.name);
            continue;
        }
        let mut row = format!("{:<52}", escape.name);
        let open = one(&mut machine, escape, &format!("{number}-open"), None)?;
        match &open {
            End::Out(_) => proven += 1,
            End::Held(why) => {
                failures.push(format!("{}: does not work without a sandbox either: {why}", escape.name))
            }
        }
        row.push_str(if matches!(open, End::Out(_)) { " works;" } else { " DOES NOT WORK;" });
        for level in &claimed {
            let beyond = escape.beyond_landlock.filter(|_| *level == Level::Landlock);
            let end = one(
                &mut machine,
                escape,
                &format!("{number}-{}", *level as u8),
                Some((*level, &Network::None)),
            )?;
            if escape.held_with_network {
                let mark = format!("{number}-{}-all", *level as u8);
                if let End::Out(how) = one(&mut machine, escape, &mark, Some((*level, &Network::All)))? {
                    failures.push(format!("{}: {level} with network: GOT OUT: {how}", escape.name));
                }
            }
            row.push_str(&match (&end, beyond) {
                (End::Out(_), Some(why)) => format!(" {level}: beyond it, {why};"),
                (End::Held(_), None) => format!(" {level}: held;"),
                (End::Held(why), Some(_)) => {
                    failures.push(format!("{}: {level} holds, though it is said not to: {why}", escape.name));
                    format!(" {level}: HELD;")
                }
                (End::Out(how), None) => {
                    failures.push(format!("{}: {level}: GOT OUT: {how}", escape.name));
                    format!(" {level}: OUT;")
                }
            });
        }
        println!("{}", row.trim_end_matches(';'));
    }
    println!("\n{proven} ways out proven without a sandbox; {} failures", failures.len());
    for failure in &failures {
        println!("{failure}");
    }
    let enough = wanted.is_some() || proven >= LEAST;
    if !enough {
        println!("fewer than {LEAST} could be proven here");
    }
    Ok(failures.is_empty() && enough)
}

/// One attempt at a level, or without a sandbox.
fn one(
    machine: &mut Machine,
    escape: &Escape,
    mark: &str,
    level: Option<(Level, &Network)>,
) -> io::Result<End> {
    machine.restore(&format!("{mark}-{}", std::process::id()))?;
    let mut said = command(machine, escape.name, machine.shadow(), level)?;
    let mut out = match escape.then {
        Then::Said => said.contains("OUT"),
        Then::Touched => false,
        Then::Left(seen) => seen(machine),
        Then::Found(_) => {
            let next = command(machine, &format!("next: {}", escape.name), machine.second_shadow(), level)?;
            said.push_str(&next);
            next.contains("OUT")
        }
    };
    let touched = machine.touched();
    if !touched.is_empty() {
        said.push_str(&format!(" touched: {touched:?}"));
        out = true;
    }
    let said = said.trim().to_owned();
    Ok(if out { End::Out(said) } else { End::Held(said) })
}

fn command(
    machine: &Machine,
    name: &str,
    shadow: PathBuf,
    level: Option<(Level, &Network)>,
) -> io::Result<String> {
    let program = machine.base.join("program");
    let mut variables = machine.facts();
    variables.push(("ESCAPE_ROLE".to_owned(), name.to_owned()));
    let Some((level, network)) = level else {
        let mut command = Command::new(program);
        command.envs(variables).current_dir(shadow).stdin(Stdio::null()).process_group(0);
        let output = command.output()?;
        return Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    };
    let mut spec = Spec::new([program.to_string_lossy()], shadow);
    spec.env = variables;
    spec.limits.wall = Duration::from_secs(30);
    spec.sandbox.network = network.clone();
    spec.sandbox.readable = vec![program, machine.base.join("deps")];
    spec.sandbox.readable_hidden = vec![machine.base.join("deps/hidden")];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(run(&spec, level, &mut |_, _| {}, &CancellationToken::new()));
    outcome.map(|outcome| format!("{} [{}]", outcome.output.text(), outcome.status)).map_err(io::Error::other)
}
