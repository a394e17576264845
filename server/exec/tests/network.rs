//! The network of a command: none, named hosts through the proxy, or all.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use galley_exec::{ExecError, Level, Network, Outcome, Refusal, Spec, probe, run, which};
use tokio_util::sync::CancellationToken;

const TARGET: &str = "GALLEY_TEST_TARGET";

/// Not a test by itself: the command inside of the sandbox, which asks the proxy it is told of for a host.
#[test]
fn the_command() {
    let Ok(target) = std::env::var(TARGET) else { return };
    let answer = std::env::var("HTTPS_PROXY").map_or_else(
        |_| TcpStream::connect(&target).map(|_| "connected without a proxy".to_owned()),
        |proxy| {
            let mut stream = TcpStream::connect(proxy.trim_start_matches("http://"))?;
            write!(stream, "CONNECT {target} HTTP/1.1\r\n\r\n")?;
            stream.write_all(b"hello")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        },
    );
    println!("{}", answer.unwrap_or_else(|e| format!("failed: {e}")));
}

/// A host on this machine that says its name to whoever connects. It lives as long as the test program.
fn host() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut heard = [0; 1024];
            let length = client.read(&mut heard).unwrap_or(0);
            let body = format!("the host heard {length} bytes");
            // Who only knocks hears nothing.
            let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

fn within(spec: &Spec, level: Level) -> Result<Outcome, ExecError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(spec, level, &mut |_, _| {}, &CancellationToken::new()))
}

fn ask(target: &str, network: Network, level: Level) -> Result<Outcome, ExecError> {
    let program: PathBuf = std::env::current_exe().unwrap();
    let mut spec = Spec::new([program.to_str().unwrap(), "--exact", "the_command", "--nocapture"], "/usr");
    spec.sandbox.writable.clear();
    spec.sandbox.readable = vec![program];
    spec.sandbox.network = network;
    spec.env.push((TARGET.to_owned(), target.to_owned()));
    within(&spec, level)
}

fn hosts(granted: &[String]) -> Network {
    Network::Hosts(granted.iter().map(|host| host.parse().unwrap()).collect())
}

#[test]
fn a_granted_host_is_reached_by_name_and_another_one_is_refused() {
    if probe() != Level::Namespaces {
        return;
    }
    let (granted, other) = (host(), host());
    let network = || hosts(&[format!("localhost:{granted}")]);
    let reached = ask(&format!("localhost:{granted}"), network(), Level::Namespaces).unwrap();
    assert!(reached.output.text().contains("the host heard 5 bytes"), "{}", reached.output.text());
    assert!(reached.refused.is_empty());

    for refused in
        [format!("localhost:{other}"), format!("127.0.0.1:{granted}"), "evil.example:443".to_owned()]
    {
        let outcome = ask(&refused, network(), Level::Namespaces).unwrap();
        let text = outcome.output.text();
        assert!(
            text.contains("403 Forbidden") && text.contains(&format!("reach {refused}: it is not granted")),
            "{text}"
        );
        assert_eq!(outcome.refused, [Refusal { host: refused, why: "it is not granted".to_owned() }]);
    }
}

#[test]
fn a_real_program_finds_the_proxy() {
    if probe() != Level::Namespaces || which("curl").is_none() {
        return;
    }
    let (granted, other) = (host(), host());
    let line = format!(
        "curl -sS --noproxy '' http://localhost:{granted}/; curl -sSi --noproxy '' http://localhost:{other}/"
    );
    let mut spec = Spec::shell(&line, "/usr");
    spec.sandbox.writable.clear();
    spec.sandbox.network = hosts(&[format!("localhost:{granted}")]);
    let outcome = within(&spec, Level::Namespaces).unwrap();
    let text = outcome.output.text();
    assert!(text.contains("the host heard") && text.contains("403 Forbidden"), "{text}");
    assert!(text.contains(&format!("does not let this command reach localhost:{other}")), "{text}");
}

#[test]
fn around_the_proxy_there_is_nothing() {
    if probe() != Level::Namespaces || which("bash").is_none() {
        return;
    }
    let port = host();
    let line = format!(
        "(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo OUT; grep -v lo: /proc/net/dev | grep : && echo OUT"
    );
    let mut spec = Spec::new(["bash", "-c", &line], "/usr");
    spec.sandbox.writable.clear();
    spec.sandbox.network = hosts(&[format!("localhost:{port}")]);
    let outcome = within(&spec, Level::Namespaces).unwrap();
    assert_eq!(outcome.output.stdout(), "");
}

#[test]
fn the_whole_network_can_be_granted() {
    let port = host();
    for level in [Level::Namespaces, Level::Landlock].into_iter().filter(|level| *level >= probe()) {
        let outcome = ask(&format!("127.0.0.1:{port}"), Network::All, level).unwrap();
        assert!(
            outcome.output.text().contains("connected without a proxy"),
            "{level}: {}",
            outcome.output.text()
        );
        let outcome = ask(&format!("127.0.0.1:{port}"), Network::None, level).unwrap();
        assert!(outcome.output.text().contains("failed: "), "{level}: {}", outcome.output.text());
    }
}

#[test]
fn where_single_hosts_cannot_be_held_nothing_runs() {
    if probe() > Level::Landlock {
        return;
    }
    let failed = within(&with_host(Path::new("/usr")), Level::Landlock).unwrap_err();
    assert!(
        failed.to_string().contains("single hosts can be granted only where namespaces work"),
        "{failed}"
    );
}

fn with_host(dir: &Path) -> Spec {
    let mut spec = Spec::shell("echo ran", dir);
    spec.sandbox.network = hosts(&["example.com".to_owned()]);
    spec
}
