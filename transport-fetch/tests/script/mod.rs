//! A server on loopback that answers as a test says, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request of the client, as it came.
pub(crate) struct Request {
    /// The first word of the transport's own header.
    pub(crate) ask: String,
    /// The two numbers after the name of the connection.
    pub(crate) numbers: Vec<u64>,
    /// How many requests with the same first word came before.
    pub(crate) before: usize,
}

/// What it is answered.
pub(crate) enum Answer {
    /// These bytes, and the connection stays.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing more ever.
    Then(Vec<u8>, Forever),
    /// These bytes, and the connection ends.
    End(Vec<u8>),
}

/// What follows an answer.
#[derive(Clone, Copy)]
pub(crate) enum Forever {
    /// Nothing, but the connection stays.
    Silence,
    /// The letter x, as fast as it is taken.
    Letters,
}

/// Starts it.
pub(crate) async fn serve(
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    let seen = Arc::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, answer.clone(), Arc::clone(&seen)));
        }
    });
    address
}

type Seen = std::sync::Mutex<Vec<String>>;

async fn connection(
    stream: TcpStream,
    answer: Arc<impl Fn(&Request) -> Answer>,
    seen: Arc<Seen>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = request(&mut stream, &seen).await?;
        match answer(&request) {
            Answer::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
            Answer::End(bytes) => return stream.write_all(&bytes).await.ok(),
            Answer::Then(bytes, forever) => {
                stream.write_all(&bytes).await.ok()?;
                match forever {
                    Forever::Silence => std::future::pending::<()>().await,
                    Forever::Letters => while stream.write_all(&[b'x'; 1024]).await.is_ok() {},
                }
                return None;
            }
        }
    }
}

async fn request(stream: &mut BufReader<TcpStream>, seen: &Seen) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let value = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut lines = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        lines.next().map(|(_, value)| value)
    };
    let length = value("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut words = value("choreo-v1")?.split(' ');
    let ask = words.next()?.to_owned();
    let numbers = words.skip(1).map(|word| word.parse().unwrap()).collect();
    let mut seen = seen.lock().unwrap();
    let before = seen.iter().filter(|before| **before == ask).count();
    seen.push(ask.clone());
    Some(Request {
        ask,
        numbers,
        before,
    })
}

/// An answer with a length, and these lines in its head.
pub(crate) fn answer(status: &str, head: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = begin(status, head);
    bytes.truncate(bytes.len() - 2);
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The head of an answer that ends with the connection.
pub(crate) fn begin(status: &str, head: &[&str]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for line in head {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// That all is well: the connection is open, or so many items were taken.
pub(crate) fn taken(next: u64) -> Vec<u8> {
    begin("204 No Content", &[&format!("choreo-v1: {next}")])
}

/// An answer with records, that ends with the connection.
pub(crate) fn records(body: &[u8]) -> Vec<u8> {
    let mut bytes = begin("200 OK", &["choreo-v1: 0"]);
    bytes.extend_from_slice(body);
    bytes
}

/// A frame as a record.
pub(crate) fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut record = (bytes.len() as u32).to_be_bytes().to_vec();
    record.extend_from_slice(bytes);
    record
}
