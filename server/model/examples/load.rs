//! Measures the client against a server process of its own: `load streams [COUNT]`, `load gap [TURNS]`, `load cancel
//! [TIMES]`. Prints one JSON line each.
//!
//! - `streams`: so many replies stream at the same time; every byte is compared, and the peak memory is told.
//! - `gap`: from the last byte of a response to the first byte of the next request, seen by the server, with a
//!   history of 200 kB; beside it the same with a client that only echoes (`floor`).
//! - `cancel`: from the cancelling to the closed socket, seen by the server.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use galley_model::{Client, Endpoint, Item, Kind, Reply, Request, StreamEvent};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Pieces of one reply.
const PIECES: usize = 200;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |default| arguments.get(1).and_then(|it| it.parse().ok()).unwrap_or(default);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.first().map(String::as_str) {
        Some("serve") => runtime.block_on(serve()),
        Some("streams") => runtime.block_on(streams(number(1_000))),
        Some("gap") => runtime.block_on(gap(number(200))),
        Some("cancel") => runtime.block_on(cancel(number(50))),
        _ => Err("usage: load streams|gap|cancel [NUMBER]".into()),
    }
}

fn micros() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros())
}

/// The reply's pieces for a request that names a conversation.
fn piece(name: &str, at: usize) -> String {
    format!("{name} piece {at} größe 漢字; ")
}

// ---------------------------------------------------------------------------------------------- the server

async fn serve() -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let _ = answer(stream).await;
        });
    }
}

/// Answers requests; writes a line for each gap between a response and the next request, and for each close.
async fn answer(stream: TcpStream) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    let mut last: Option<Instant> = None;
    loop {
        from.fill_buf().await?;
        let arrived = Instant::now();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if from.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        if let Some(last) = last {
            println!("gap {}", (arrived - last).as_micros());
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).await?;
        let body = String::from_utf8_lossy(&body);
        let name =
            body.split("name-").nth(1).and_then(|rest| rest.split('.').next()).unwrap_or("x").to_owned();
        to.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await?;
        if name == "endless" {
            chunk(&mut to, &event("begun")).await?;
            let mut byte = [0];
            let _ = from.read(&mut byte).await;
            println!("closed {}", micros());
            return Ok(());
        }
        let pieces = if name == "short" { 1 } else { PIECES };
        for at in 0..pieces {
            chunk(&mut to, &event(&piece(&name, at))).await?;
            if pieces > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":50000,"completion_tokens":9}}"#;
        chunk(&mut to, &format!("data: {end}\n\ndata: [DONE]\n\n")).await?;
        to.write_all(b"0\r\n\r\n").await?;
        last = Some(Instant::now());
    }
}

fn event(text: &str) -> String {
    format!("data: {}\n\n", serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }))
}

async fn chunk(to: &mut tokio::net::tcp::OwnedWriteHalf, text: &str) -> Outcome<()> {
    Ok(to.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?)
}

// ---------------------------------------------------------------------------------------------- the client

/// The server process, its address, and its lines.
struct Server {
    process: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
    address: String,
}

impl Server {
    fn start() -> Outcome<Server> {
        let mut process = std::process::Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().ok_or("no output")?;
        let (send, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(out)).map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let address = lines.recv()?;
        Ok(Server { process, lines, address })
    }

    fn client(&self) -> Outcome<Client> {
        let mut endpoint = Endpoint::new(Kind::OpenAiChat, "m");
        endpoint.base_url = format!("http://{}/v1", self.address);
        Ok(Client::new(endpoint)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn request(name: &str) -> Request {
    Request { items: vec![Item::User(format!("name-{name}."))], ..Request::default() }
}

async fn streams(count: usize) -> Outcome<()> {
    let server = Server::start()?;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..count {
        let client = server.client()?;
        tasks.spawn(async move {
            let name = format!("s{at}");
            let mut streamed = String::new();
            let mut sink = |event| {
                if let StreamEvent::Text(text) = event {
                    streamed.push_str(&text);
                }
            };
            let reply = client.exchange(&request(&name), &mut sink, &CancellationToken::new()).await;
            let wanted: String = (0..PIECES).map(|at| piece(&name, at)).collect();
            reply.is_ok_and(|reply| reply.text == wanted && reply.attempts == 1) && streamed == wanted
        });
    }
    let mut whole = 0;
    while let Some(result) = tasks.join_next().await {
        whole += usize::from(result?);
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    let line = serde_json::json!({ "streams": count, "whole": whole, "peak_memory": peak, "seconds": began.elapsed().as_secs_f64() });
    println!("{line}");
    if whole == count { Ok(()) } else { Err("bytes were lost".into()) }
}

async fn gap(turns: usize) -> Outcome<()> {
    let server = Server::start()?;
    let client = server.client()?;
    let mut request = request("short");
    // 200 kB in a hundred rounds.
    for at in 0..100 {
        request.items.push(Item::Reply(Reply { text: format!("words {at}"), ..Reply::default() }));
        request.items.push(Item::User(format!("line \"{at}\"\n").repeat(170)));
    }
    let bytes = client.body(&request).len();
    for at in 0..turns {
        let reply = client.exchange(&request, &mut |_| {}, &CancellationToken::new()).await?;
        request.items.push(Item::Reply(reply));
        request.items.push(Item::User(format!("on {at}")));
    }
    let ours = gaps(&server);
    let body = client.body(&request);
    drop(client);
    let server = Server::start()?;
    floor(&server.address, &body, turns).await?;
    println!("{}", serde_json::json!({ "history_bytes": bytes, "gap_us": ours, "floor_us": gaps(&server) }));
    Ok(())
}

/// The least that a client can do: the same bytes over an open socket.
async fn floor(address: &str, body: &str, turns: usize) -> Outcome<()> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    stream.get_mut().set_nodelay(true)?;
    for _ in 0..turns {
        let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.get_mut().write_all(head.as_bytes()).await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 || line == "0\r\n" {
                break;
            }
        }
        stream.read_line(&mut String::new()).await?;
    }
    Ok(())
}

fn gaps(server: &Server) -> serde_json::Value {
    let mut gaps: Vec<u64> = Vec::new();
    while let Ok(line) = server.lines.recv_timeout(Duration::from_millis(300)) {
        gaps.extend(line.strip_prefix("gap ").and_then(|it| it.parse::<u64>().ok()));
    }
    quantiles(gaps)
}

fn quantiles(mut numbers: Vec<u64>) -> serde_json::Value {
    numbers.sort_unstable();
    let at = |part: f64| numbers.get(((numbers.len() as f64 - 1.0).max(0.0) * part) as usize).copied();
    serde_json::json!({ "count": numbers.len(), "min": at(0.0), "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

async fn cancel(times: usize) -> Outcome<()> {
    let server = Server::start()?;
    let client = server.client()?;
    let mut took = Vec::new();
    for _ in 0..times {
        let token = CancellationToken::new();
        let cancelled = std::sync::atomic::AtomicU64::new(0);
        let request = request("endless");
        let mut sink = |event| {
            if let StreamEvent::Text(_) = event {
                cancelled.store(micros() as u64, std::sync::atomic::Ordering::SeqCst);
                token.cancel();
            }
        };
        let result = client.exchange(&request, &mut sink, &token).await;
        if result.is_ok() {
            return Err("it was not cancelled".into());
        }
        // The connection's task closes the socket when it runs.
        tokio::task::yield_now().await;
        let closed = loop {
            match server.lines.try_recv() {
                Ok(line) => break line,
                Err(_) => tokio::time::sleep(Duration::from_micros(200)).await,
            }
        };
        let closed: u64 = closed.strip_prefix("closed ").ok_or("another line")?.parse()?;
        took.push(closed.saturating_sub(cancelled.into_inner()));
    }
    println!("{}", serde_json::json!({ "closed_after_us": quantiles(took) }));
    Ok(())
}
