//! A command reaches the hosts that the person's settings or the person grant, and no other.
#![allow(clippy::unwrap_used)] // A test that cannot go on ends here, with the place.

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use galley_agent::event::TaskEvent;
use galley_agent::services::Question;
use galley_agent::{Host, Published, TaskHandle};
use galley_exec::{Level, Network};
use galley_workspace::{create_dir, write_atomically};

/// Lets a command reach what it asks for, but for hosts with `evil` in their names; remembers what was asked.
#[derive(Default)]
struct Careful(Mutex<Vec<String>>);

impl Host for Careful {
    fn ask(&self, question: Question) -> BoxFuture<'static, Option<String>> {
        let answer = if question.title.contains("evil") { "no" } else { "task" };
        self.0.lock().unwrap().push(question.title);
        async move { Some(answer.to_owned()) }.boxed()
    }
}

/// Asks the proxy that it is told of for the host in its first argument, and shows the answer.
const ASK: &str = "proxy=${HTTPS_PROXY#http://}\n[ -n \"$proxy\" ] || { echo 'no proxy: Could not resolve host'; exit 6; }\n\
    exec 3<>\"/dev/tcp/${proxy%:*}/${proxy#*:}\"\nprintf 'CONNECT %s HTTP/1.1\\r\\n\\r\\n' \"$1\" >&3\ncat <&3\n";

/// A host on this machine that greets whoever connects.
fn host() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            // Who only knocks hears nothing.
            let _ = client.unwrap().write_all(b"welcome\n");
        }
    });
    port
}

fn run(target: &str, network: &[String]) -> String {
    let arguments = serde_json::json!({ "command": format!("bash ask.sh {target}"), "network": network });
    serde_json::json!({ "name": "run", "arguments": arguments.to_string() }).to_string()
}

/// What each call was answered, and what the person was asked.
async fn answers(calls: &[String], network: Network, level: Level) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    create_dir(&root).unwrap();
    write_atomically(&root.join("ask.sh"), ASK.as_bytes()).unwrap();
    let finish =
        r#"{"reply":{"calls":[{"name":"finish","arguments":"{\"outcome\":\"done\",\"text\":\"looked\"}"}]}}"#;
    let replies = format!("{{\"reply\":{{\"calls\":[{}]}}}}\n{finish}\n", calls.join(","));
    let person = Arc::new(Careful::default());
    let (mut services, mut shown) = common::services(folder.path(), &root, &replies, person.clone());
    (services.level, services.network, services.unsandboxed) = (level, network, false);
    galley_agent::start(services, TaskHandle::new("t1".to_owned()), common::spec("look")).unwrap();
    let mut outputs = Vec::new();
    while let Some(published) = shown.recv().await {
        let Published::Event { event, .. } = published else { continue };
        match *event {
            TaskEvent::CallEnded { tool, output, .. } if tool == "run" => outputs.push(output),
            TaskEvent::Ended { .. } => break,
            _ => {}
        }
    }
    let asked = person.0.lock().unwrap().iter().filter(|title| title.starts_with("Let")).cloned().collect();
    (outputs, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_opens_single_hosts() {
    let level = galley_exec::probe();
    if level != Level::Namespaces || galley_exec::which("bash").is_none() {
        return;
    }
    let (granted, other) = (format!("localhost:{}", host()), format!("localhost:{}", host()));
    let (outputs, asked) = answers(
        &[
            run(&granted, &[]),
            run(&granted, std::slice::from_ref(&granted)),
            run(&other, std::slice::from_ref(&granted)),
            run(&granted, &["evil.example".to_owned()]),
            run(&granted, &["http://x/".to_owned()]),
        ],
        Network::None,
        level,
    )
    .await;
    assert!(outputs[0].contains("Commands have no network"), "{outputs:#?}");
    assert!(
        outputs[1].contains("200 Connection established") && outputs[1].contains("welcome"),
        "{outputs:#?}"
    );
    assert!(outputs[2].contains("403 Forbidden"), "{outputs:#?}");
    assert!(outputs[2].contains(&format!("Not reached: {other} (it is not granted)")), "{outputs:#?}");
    assert!(outputs[3].contains("did not allow the command to reach evil.example"), "{outputs:#?}");
    assert!(outputs[4].contains("is no host"), "{outputs:#?}");
    let title = |host: &str| format!("Let a command reach {host}?");
    assert_eq!(asked, [title(&granted), title("evil.example")], "once for the task");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_settings_open_is_not_asked_for() {
    let level = galley_exec::probe();
    if level != Level::Namespaces || galley_exec::which("bash").is_none() {
        return;
    }
    let granted = format!("localhost:{}", host());
    let network = Network::Hosts(vec![granted.parse().unwrap()]);
    let calls = [run(&granted, &[]), run(&granted, std::slice::from_ref(&granted))];
    let (outputs, asked) = answers(&calls, network, level).await;
    assert!(outputs.iter().all(|output| output.contains("welcome")), "{outputs:#?}");
    assert!(asked.is_empty(), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_single_hosts_cannot_be_held_none_is_opened() {
    if galley_exec::probe() > Level::Landlock || galley_exec::which("bash").is_none() {
        return;
    }
    let granted = format!("localhost:{}", host());
    let network = Network::Hosts(vec![granted.parse().unwrap()]);
    let calls = [run(&granted, &[]), run(&granted, &["example.com".to_owned()])];
    let (outputs, asked) = answers(&calls, network, Level::Landlock).await;
    assert!(outputs[0].contains("no proxy"), "{outputs:#?}");
    assert!(outputs[1].contains("cannot open single hosts"), "{outputs:#?}");
    assert!(asked.is_empty(), "{asked:?}");
}
