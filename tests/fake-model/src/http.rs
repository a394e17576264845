//! As much of HTTP/1.1 as a model server needs.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A request.
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its path with query.
    pub path: String,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads the next request; none when the client has gone or sent nonsense.
    pub async fn read(from: &mut BufReader<OwnedReadHalf>) -> Option<Request> {
        let first = line(from).await?;
        let mut words = first.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = line(from).await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { method, path, headers, body: Vec::new() };
        if request.header("transfer-encoding").is_some_and(|it| it.contains("chunked")) {
            loop {
                let size = usize::from_str_radix(line(from).await?.split(';').next()?, 16).ok()?;
                let start = request.body.len();
                request.body.resize(start + size, 0);
                from.read_exact(&mut request.body[start..]).await.ok()?;
                line(from).await?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = request.header("content-length").and_then(|it| it.parse().ok()) {
            request.body.resize(length, 0);
            from.read_exact(&mut request.body).await.ok()?;
        }
        Some(request)
    }
}

async fn line(from: &mut BufReader<OwnedReadHalf>) -> Option<String> {
    let mut line = String::new();
    match from.read_line(&mut line).await {
        Ok(count) if count > 0 => Some(line.trim_end().to_owned()),
        _ => None,
    }
}

/// Writes a whole answer.
pub async fn answer(
    to: &mut OwnedWriteHalf,
    status: u16,
    kind: &str,
    extra: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in extra {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    to.write_all(&[head.as_bytes(), body].concat()).await
}

/// Begins an event stream.
pub async fn begin_stream(to: &mut OwnedWriteHalf, kind: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    to.write_all(head.as_bytes()).await
}

/// Writes one chunk.
pub async fn chunk(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    let size = format!("{:x}\r\n", bytes.len());
    to.write_all(&[size.as_bytes(), bytes, b"\r\n"].concat()).await
}

/// Ends a stream as it should end.
pub async fn end_stream(to: &mut OwnedWriteHalf) -> std::io::Result<()> {
    to.write_all(b"0\r\n\r\n").await
}
