//! The way out of a sandbox to named hosts.
//!
//! This is the only part of the crate that is on the network, and it must stand here: the socket at which it listens is
//! born inside of a command's network namespace, whose only other end is this process. It speaks to nobody on its own
//! account. A command asks by HTTP (`CONNECT host:port`, or a plain request with the whole address in its first line);
//! what is granted is connected, everything else is refused with a sentence, and told to the caller.
//!
//! A name is looked up here, once, and only addresses are connected that the grant means: a public name that leads
//! into a private network is refused. What is said inside of a connection is between the command and the host.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::host::{self, Host};
use crate::spec::Refusal;

/// Port of the loopback inside of the sandbox at which the proxy listens.
pub(crate) const PORT: u16 = 39_128;
/// Connections at a time; more wait.
const CONNECTIONS: usize = 128;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 32 << 10;
/// How long a head, a look-up or a connection may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Refusals that are kept.
const REFUSALS: usize = 32;

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// What is granted, and what was asked for in vain.
pub(crate) struct Proxy {
    granted: Vec<Host>,
    refused: Mutex<BTreeSet<Refusal>>,
    look_up: fn(String) -> Addresses,
}

/// What a request asks for.
struct Asked {
    name: String,
    port: u16,
    /// What is sent to the host before anything else; none for a tunnel.
    first: Option<Vec<u8>>,
    /// What came behind the head.
    rest: Vec<u8>,
}

/// Why there is no connection: the answer's status, and a sentence.
struct Refused(&'static str, String);

impl Proxy {
    pub(crate) fn new(granted: Vec<Host>) -> Arc<Proxy> {
        Proxy::looking_up(granted, |name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        })
    }

    fn looking_up(granted: Vec<Host>, look_up: fn(String) -> Addresses) -> Arc<Proxy> {
        Arc::new(Proxy { granted, refused: Mutex::default(), look_up })
    }

    /// What was refused, each once.
    pub(crate) fn refused(&self) -> Vec<Refusal> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Serves until dropped; all connections end with it.
    pub(crate) async fn serve(self: Arc<Proxy>, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            if open.len() >= CONNECTIONS {
                open.join_next().await;
            }
            match listener.accept().await {
                Ok((client, _)) => {
                    open.spawn(Arc::clone(&self).answer(client));
                }
                // Too few descriptors, for one: somebody must end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn answer(self: Arc<Proxy>, mut client: TcpStream) {
        let Ok(Ok((head, rest))) = timeout(PATIENCE, read_head(&mut client)).await else { return };
        let asked = match read_request(&head, rest) {
            Ok(asked) => asked,
            Err(refused) => return refuse(&mut client, &refused).await,
        };
        let mut host = match self.connect(&asked.name, asked.port).await {
            Ok(host) => host,
            Err(refused) => return refuse(&mut client, &refused).await,
        };
        let ready = match &asked.first {
            None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
            Some(first) => host.write_all(first).await,
        };
        if ready.is_ok() && host.write_all(&asked.rest).await.is_ok() {
            // Either side may break off; the other one sees that as an end.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut host).await;
        }
    }

    async fn connect(&self, name: &str, port: u16) -> Result<TcpStream, Refused> {
        let granted: Vec<&Host> = self.granted.iter().filter(|host| host.allows(name, port)).collect();
        if granted.is_empty() {
            return Err(self.forbid(name, port, "it is not granted"));
        }
        let addresses = match name.parse() {
            Ok(address) => vec![address],
            Err(_) => match timeout(PATIENCE, (self.look_up)(name.to_owned())).await {
                Ok(Ok(addresses)) => addresses,
                Ok(Err(e)) => return Err(Refused("502 Bad Gateway", format!("{name} is not found: {e}"))),
                Err(_) => return Err(Refused("504 Gateway Timeout", format!("{name} is not found in time"))),
            },
        };
        let meant: Vec<SocketAddr> = addresses
            .into_iter()
            .filter(|address| granted.iter().any(|host| host.leads_to(*address)))
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if meant.is_empty() {
            let why = "its name leads to an address that is not public (if it is one of your own network, grant it as \
                       `HOST:PORT private`)";
            return Err(self.forbid(name, port, why));
        }
        match timeout(PATIENCE, TcpStream::connect(&meant[..])).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(e)) => Err(Refused("502 Bad Gateway", format!("{name}:{port} does not answer: {e}"))),
            Err(_) => Err(Refused("504 Gateway Timeout", format!("{name}:{port} does not answer in time"))),
        }
    }

    /// Refuses, and keeps that it was asked for.
    fn forbid(&self, name: &str, port: u16, why: &str) -> Refused {
        let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        let refusal = Refusal { host: format!("{name}:{port}"), why: why.to_owned() };
        let text = format!("the sandbox does not let this command reach {}: {why}", refusal.host);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < REFUSALS {
            refused.insert(refusal);
        }
        Refused("403 Forbidden", text)
    }
}

/// The head of a request, with the empty line at its end, and what came after it.
async fn read_head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = client.read(&mut piece).await?;
        if read == 0 || head.len() + read > HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&piece[..read]);
        if let Some(at) = head[from..].windows(4).position(|end| end == b"\r\n\r\n") {
            let rest = head.split_off(from + at + 4);
            return Ok((head, rest));
        }
    }
}

fn read_request(head: &[u8], rest: Vec<u8>) -> Result<Asked, Refused> {
    let wrong = |why: &str| Refused("400 Bad Request", format!("this is the proxy of a sandbox: {why}"));
    let head = str::from_utf8(head).map_err(|_| wrong("the request is no text"))?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong("the first line of the request is not understood"));
    };
    let no_host = || wrong("it is not said which host is meant");
    if method == "CONNECT" {
        let (name, port) = host::split(target).ok_or_else(no_host)?;
        let port = port.ok_or_else(|| wrong("CONNECT needs a port"))?;
        return Ok(Asked { name, port, first: None, rest });
    }
    let inner = target
        .strip_prefix("http://")
        .ok_or_else(|| wrong("only `CONNECT` and addresses with `http://` are understood"))?;
    let (authority, path) = inner.find(['/', '?']).map_or((inner, ""), |at| inner.split_at(at));
    let (name, port) = host::split(authority).ok_or_else(no_host)?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut first = format!("{method} {slash}{path} {version}\r\nHost: {authority}\r\nConnection: close\r\n");
    // What is for the proxy stays here; the host is the one that was judged, and hears one request.
    const OURS: &[&str] =
        &["host", "connection", "proxy-connection", "proxy-authorization", "keep-alive", "upgrade"];
    for line in lines.filter(|line| !line.is_empty()) {
        let field = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !OURS.contains(&field.as_str()) {
            first.push_str(line);
            first.push_str("\r\n");
        }
    }
    first.push_str("\r\n");
    Ok(Asked { name, port: port.unwrap_or(80), first: Some(first.into_bytes()), rest })
}

async fn refuse(client: &mut TcpStream, Refused(status, text): &Refused) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}\n",
        text.len() + 1
    );
    // Who does not wait for the answer does not want it.
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host on this machine that answers every connection with what it heard first, and the proxy before it.
    async fn ask(
        granted: &[&str],
        look_up: fn(String) -> Addresses,
        request: impl Fn(u16) -> String,
    ) -> (String, Vec<Refusal>) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let granted =
            granted.iter().map(|host| host.replace("PORT", &port.to_string()).parse().unwrap()).collect();
        let proxy = Proxy::looking_up(granted, look_up);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = async move {
            let (mut client, _) = server.accept().await.unwrap();
            let mut heard = vec![0; 4096];
            let length = client.read(&mut heard).await.unwrap();
            client.write_all(b"heard: ").await.unwrap();
            client.write_all(&heard[..length]).await.unwrap();
        };
        let client = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(request(port).as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let answer = tokio::select! {
            answer = client => answer,
            () = Arc::clone(&proxy).serve(listener) => unreachable!(),
            () = async { echo.await; std::future::pending().await } => unreachable!(),
        };
        (answer, proxy.refused())
    }

    fn here(_: String) -> Addresses {
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
    }

    fn nowhere(name: String) -> Addresses {
        Box::pin(async move { panic!("{name} was looked up") })
    }

    #[tokio::test]
    async fn a_granted_host_is_connected() {
        let tunnel = |port| format!("CONNECT own.test:{port} HTTP/1.1\r\n\r\nhello");
        let (answer, refused) = ask(&["own.test:PORT private"], here, tunnel).await;
        assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\nheard: hello");
        assert!(refused.is_empty());

        let plain = |port| {
            format!(
                "GET http://OWN.test:{port}/a?b HTTP/1.1\r\nHost: other.test\r\nProxy-Authorization: x\r\nA: b\r\n\r\n"
            )
        };
        let (answer, _) = ask(&["own.test:PORT private"], here, plain).await;
        assert!(answer.starts_with("heard: GET /a?b HTTP/1.1\r\nHost: OWN.test:"), "{answer}");
        assert!(
            answer.ends_with("\r\nConnection: close\r\nA: b\r\n\r\n") && !answer.contains("other"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn what_is_not_granted_is_refused_and_told() {
        for request in
            ["CONNECT evil.test:443 HTTP/1.1\r\n\r\n", "GET http://evil.test:443/ HTTP/1.1\r\n\r\n"]
        {
            let (answer, refused) = ask(&["own.test:PORT private"], nowhere, |_| request.to_owned()).await;
            assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
            assert!(
                answer
                    .contains("the sandbox does not let this command reach evil.test:443: it is not granted")
            );
            assert_eq!(refused[0].host, "evil.test:443");
        }
        // An address is another name than the one that leads to it.
        let (answer, _) = ask(&["own.test:PORT private"], nowhere, |port| {
            format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }

    #[tokio::test]
    async fn a_public_name_does_not_lead_home() {
        let (answer, refused) =
            ask(&["own.test:PORT"], here, |port| format!("CONNECT own.test:{port} HTTP/1.1\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("not public"), "{answer}");
        assert_eq!(refused.len(), 1);
    }

    #[tokio::test]
    async fn what_is_no_request_is_answered() {
        for request in [
            "hello\r\n\r\n",
            "CONNECT a.b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "CONNECT :80 HTTP/1.1\r\n\r\n",
            "GET ftp://a.b/ HTTP/1.1\r\n\r\n",
        ] {
            let (answer, _) = ask(&["own.test"], nowhere, |_| request.to_owned()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_is_answered_and_never_leads_to_another_host(
            head in "(CONNECT|GET|[A-Z]{0,8}) (http://)?[a-z0-9@:/?#.\\[\\]%-]{0,40}( HTTP/1.1)?(\r\n[A-Za-z-]{0,12}: ?[ -~]{0,20}){0,3}\r\n\r\n|\\PC{0,80}",
        ) {
            if let Ok(asked) = read_request(head.as_bytes(), Vec::new()) {
                proptest::prop_assert!(!asked.name.is_empty() && asked.port > 0);
                if let Some(first) = asked.first {
                    let first = String::from_utf8(first).unwrap();
                    let hosts = first.lines().filter(|line| line.to_ascii_lowercase().starts_with("host:")).count();
                    proptest::prop_assert_eq!(hosts, 1, "{}", first);
                }
            }
        }
    }
}
