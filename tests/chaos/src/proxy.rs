use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long an end that was told that the connection has ended may take to end it, too.
const GOODBYE: Duration = Duration::from_secs(1);

/// Stands between clients and a server on loopback, passes bytes on, and breaks connections.
///
/// By itself it neither breaks anything nor repeats anything: each byte is passed on once, in its
/// place, or never. What an end does to its connection, to end or to reset it, the other end sees.
/// Dropping it resets all connections.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
    cutting: Mutex<Option<JoinHandle<()>>>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate(Option<(Way, u64, Cut)>);

/// From the client to the server, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// How a connection is cut, at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// By a reset (RST), as when a machine or its network restarts.
    Reset,
    /// In order (FIN), as when a proxy goes away.
    Finish,
}

/// How many bytes were passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// To the server.
    pub up: u64,
    /// To the clients.
    pub down: u64,
}

struct Shared {
    to: SocketAddr,
    fates: Mutex<VecDeque<Fate>>,
    /// That of all connections together.
    common: Mutex<Fate>,
    /// Those that are there, the oldest first, to be told to be cut.
    live: Mutex<VecDeque<oneshot::Sender<Cut>>>,
    /// Nothing passes before.
    stalled: Mutex<Instant>,
    delay: Mutex<Duration>,
    up: AtomicU64,
    down: AtomicU64,
    accepted: AtomicU64,
    /// How many there are, and were at once at most.
    present: Mutex<(u64, u64)>,
    broken: AtomicU64,
}

impl Fate {
    /// Passes on exactly so many bytes that way, and then cuts.
    #[must_use]
    pub fn after(way: Way, bytes: u64, cut: Cut) -> Self {
        Self(Some((way, bytes, cut)))
    }

    /// After how many bytes to cut, and how, if it is by what goes that way.
    fn of(self, way: Way) -> Option<(u64, Cut)> {
        let (_, bytes, cut) = self.0.filter(|(whose, ..)| *whose == way)?;
        Some((bytes, cut))
    }
}

impl Proxy {
    /// In front of a server.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(to: SocketAddr) -> Self {
        Self::with_fates(to, []).await
    }

    /// In front of a server, with these fates for the first connections; all others live.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn with_fates(to: SocketAddr, fates: impl IntoIterator<Item = Fate>) -> Self {
        Self::with(to, fates.into_iter().collect(), Fate::default()).await
    }

    /// In front of a server, with a fate that counts the bytes of all connections together, and
    /// befalls the one that has passed on the last of them; all others live.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn with_fate_of_all(to: SocketAddr, fate: Fate) -> Self {
        Self::with(to, VecDeque::new(), fate).await
    }

    async fn with(to: SocketAddr, fates: VecDeque<Fate>, common: Fate) -> Self {
        let listener = TcpListener::bind((to.ip(), 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            to,
            fates: Mutex::new(fates),
            common: Mutex::new(common),
            live: Mutex::default(),
            stalled: Mutex::new(Instant::now()),
            delay: Mutex::default(),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            present: Mutex::default(),
            broken: AtomicU64::new(0),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            listening,
            cutting: Mutex::default(),
        }
    }

    /// Where it listens, for a WebSocket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections that are there.
    pub fn cut(&self, cut: Cut) {
        self.shared.cut(cut);
    }

    /// Cuts the oldest connection each time when this time has passed, by resets and in order in
    /// turns.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn cut_every(&self, time: Duration) {
        let shared = Arc::clone(&self.shared);
        let cutting = tokio::spawn(async move {
            for cut in [Cut::Reset, Cut::Finish].into_iter().cycle() {
                sleep(time).await;
                shared.cut_oldest(cut);
            }
        });
        if let Some(before) = lock(&self.cutting).replace(cutting) {
            before.abort();
        }
    }

    /// Passes nothing on for so long, on any connection.
    pub fn stall(&self, time: Duration) {
        *lock(&self.shared.stalled) = Instant::now() + time;
    }

    /// Holds what comes from now on back for so long, each time when something comes.
    pub fn delay(&self, time: Duration) {
        *lock(&self.shared.delay) = time;
    }

    /// How many bytes were passed on so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        Passed {
            up: self.shared.up.load(Ordering::SeqCst),
            down: self.shared.down.load(Ordering::SeqCst),
        }
    }

    /// How many connections there were so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many of them were there at once, at most.
    #[must_use]
    pub fn most_connections(&self) -> u64 {
        lock(&self.shared.present).1
    }

    /// How many of them it has cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.broken.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        if let Some(cutting) = lock(&self.cutting).take() {
            cutting.abort();
        }
        self.cut(Cut::Reset);
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((near, _)) = listener.accept().await {
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let here = Here::new(&shared);
        let fate = lock(&shared.fates).pop_front().unwrap_or_default();
        let told = shared.enter();
        let passing = connection(near, Arc::clone(&shared), fate, told);
        tokio::spawn(async move {
            passing.await;
            drop(here);
        });
    }
}

/// A connection that is there.
struct Here(Arc<Shared>);

impl Here {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut present = lock(&shared.present);
        present.0 += 1;
        present.1 = present.1.max(present.0);
        Self(Arc::clone(shared))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        lock(&self.0.present).0 -= 1;
    }
}

/// One connection, until its end.
async fn connection(
    mut near: TcpStream,
    shared: Arc<Shared>,
    fate: Fate,
    told: oneshot::Receiver<Cut>,
) {
    let Ok(mut far) = TcpStream::connect(shared.to).await else {
        // The server is not there: the client sees its connection reset.
        let _ = near.set_zero_linger();
        return;
    };
    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
    let cut = {
        let (from_client, to_client) = near.split();
        let (from_server, to_server) = far.split();
        let up = pump(from_client, to_server, Way::Up, fate, &shared);
        let down = pump(from_server, to_client, Way::Down, fate, &shared);
        let both = async { tokio::try_join!(up, down) };
        tokio::select! {
            ended = both => ended.map_or_else(Some, |_| None),
            // Who is not told lives on.
            Ok(cut) = told => Some(End::Cut(cut)),
        }
    };
    let cut = match cut {
        None => return,
        // As the one end did to its connection, so the other end sees it.
        Some(End::Broken) => Cut::Reset,
        Some(End::Cut(cut)) => {
            shared.broken.fetch_add(1, Ordering::SeqCst);
            cut
        }
    };
    match cut {
        Cut::Reset => {
            let _ = near.set_zero_linger();
            let _ = far.set_zero_linger();
        }
        Cut::Finish => {
            tokio::join!(finish(near), finish(far));
        }
    }
}

/// Why a connection is cut.
enum End {
    /// It was to be.
    Cut(Cut),
    /// An end has broken it.
    Broken,
}

/// Passes on what comes that way, until its end or, if there is one, its limit.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    fate: Fate,
    shared: &Shared,
) -> Result<(), End> {
    let mut buffer = vec![0; 16 * 1024];
    let (mut left, cut) = fate.of(way).unwrap_or((u64::MAX, Cut::Reset));
    let passed = match way {
        Way::Up => &shared.up,
        Way::Down => &shared.down,
    };
    while left > 0 {
        let most = left.min(buffer.len() as u64) as usize;
        let read = from.read(&mut buffer[..most]).await;
        let read = read.map_err(|_| End::Broken)?;
        shared.hold().await;
        if read == 0 {
            return to.shutdown().await.map_err(|_| End::Broken);
        }
        let (read, cut) = shared.claim(way, read as u64);
        let written = to.write_all(&buffer[..read as usize]).await;
        written.map_err(|_| End::Broken)?;
        passed.fetch_add(read, Ordering::SeqCst);
        if let Some(cut) = cut {
            return Err(End::Cut(cut));
        }
        left -= read;
    }
    Err(End::Cut(cut))
}

/// Ends a connection in order. What still comes is thrown away, lest the system answers it with a
/// reset.
async fn finish(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut buffer = [0; 1024];
    let drain = async { while let Ok(1..) = stream.read(&mut buffer).await {} };
    let _ = timeout(GOODBYE, drain).await;
}

impl Shared {
    fn cut(&self, cut: Cut) {
        while self.cut_oldest(cut) {}
    }

    /// False if there is none.
    fn cut_oldest(&self, cut: Cut) -> bool {
        let mut live = lock(&self.live);
        while let Some(oldest) = live.pop_front() {
            if oldest.send(cut).is_ok() {
                return true;
            }
        }
        false
    }

    /// How many of these bytes may pass before all connections together have reached their fate, and
    /// how to cut then.
    fn claim(&self, way: Way, bytes: u64) -> (u64, Option<Cut>) {
        let mut common = lock(&self.common);
        match &mut common.0 {
            Some((whose, left, _)) if *whose == way && *left > bytes => {
                *left -= bytes;
                (bytes, None)
            }
            Some((whose, left, cut)) if *whose == way => {
                let claimed = (*left, Some(*cut));
                common.0 = None;
                claimed
            }
            _ => (bytes, None),
        }
    }

    /// Enters a new connection, which is told when to end.
    fn enter(&self) -> oneshot::Receiver<Cut> {
        let (cut, told) = oneshot::channel();
        let mut live = lock(&self.live);
        live.retain(|connection| !connection.is_closed());
        live.push_back(cut);
        told
    }

    /// Waits as the proxy was told to.
    async fn hold(&self) {
        let delay = *lock(&self.delay);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        loop {
            let until = *lock(&self.stalled);
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// Both ends of a connection through a proxy.
    async fn through(fates: impl IntoIterator<Item = Fate>) -> (Proxy, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::with_fates(listener.local_addr().unwrap(), fates).await;
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        let (server, _) = timeout(LONG, listener.accept()).await.unwrap().unwrap();
        (proxy, client, server)
    }

    /// All that comes, and how it ends.
    async fn read_all(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
        let mut all = Vec::new();
        let read = timeout(LONG, stream.read_to_end(&mut all)).await;
        let error = read.expect("it ends").err();
        (all, error.map(|error| error.kind()))
    }

    #[tokio::test]
    async fn bytes_pass_and_are_counted() {
        let (proxy, mut client, mut server) = through([]).await;
        let sent: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let send = async {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let ((), received) = tokio::join!(send, read_all(&mut server));
        assert_eq!(received, (sent, None));
        // The end of one way leaves the other.
        server.write_all(b"all right").await.unwrap();
        drop(server);
        assert_eq!(read_all(&mut client).await, (b"all right".to_vec(), None));
        let (up, down) = (100_000, 9);
        assert_eq!(proxy.passed(), Passed { up, down });
        assert_eq!((proxy.connections(), proxy.cuts()), (1, 0));
    }

    #[tokio::test]
    async fn exactly_so_many_bytes_pass_before_a_cut() {
        for (cut, error) in [
            (Cut::Reset, Some(ErrorKind::ConnectionReset)),
            (Cut::Finish, None),
        ] {
            for bytes in [0, 1, 7] {
                let fate = Fate::after(Way::Up, bytes, cut);
                let (proxy, mut client, mut server) = through([fate]).await;
                // The connection may be gone already.
                let _ = client.write_all(b"0123456789").await;
                let due = b"0123456789"[..bytes as usize].to_vec();
                assert_eq!(read_all(&mut server).await, (due, error));
                assert_eq!(read_all(&mut client).await, (vec![], error));
                assert_eq!(proxy.cuts(), 1);

                let fate = Fate::after(Way::Down, bytes, cut);
                let (_proxy, mut client, mut server) = through([fate]).await;
                let _ = server.write_all(b"0123456789").await;
                let due = b"0123456789"[..bytes as usize].to_vec();
                assert_eq!(read_all(&mut client).await, (due, error));
            }
        }
    }

    #[tokio::test]
    async fn connections_have_a_fate_together() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fate = Fate::after(Way::Up, 14, Cut::Finish);
        let proxy = Proxy::with_fate_of_all(listener.local_addr().unwrap(), fate).await;
        let mut held = Vec::new();
        for (due, cuts) in [("0123456789", 0), ("0123", 1), ("0123456789", 1)] {
            let mut client = TcpStream::connect(proxy.address()).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            client.write_all(b"0123456789").await.unwrap();
            let mut read = vec![0; due.len()];
            server.read_exact(&mut read).await.unwrap();
            assert_eq!(read, due.as_bytes());
            if due.len() < 10 {
                assert_eq!(read_all(&mut server).await, (vec![], None));
            }
            assert_eq!(proxy.cuts(), cuts);
            held.push((client, server));
        }
    }

    #[tokio::test]
    async fn those_that_are_there_at_once_are_counted() {
        let (proxy, first, _server) = through([]).await;
        let second = TcpStream::connect(proxy.address()).await.unwrap();
        let counted = timeout(LONG, async {
            while proxy.most_connections() < 2 {
                sleep(Duration::from_millis(1)).await;
            }
        });
        counted.await.expect("both are there");
        drop((first, second));
        assert_eq!(proxy.most_connections(), 2);
    }

    #[tokio::test]
    async fn a_command_cuts_those_that_are_there_and_no_later_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await;
        let mut first = TcpStream::connect(proxy.address()).await.unwrap();
        let (_held, _) = listener.accept().await.unwrap();
        proxy.cut(Cut::Reset);
        let (_, error) = read_all(&mut first).await;
        assert_eq!(error, Some(ErrorKind::ConnectionReset));
        let mut second = TcpStream::connect(proxy.address()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"lives").await.unwrap();
        drop(server);
        assert_eq!(read_all(&mut second).await, (b"lives".to_vec(), None));
        assert_eq!((proxy.connections(), proxy.cuts()), (2, 1));
    }

    #[tokio::test]
    async fn a_schedule_cuts_again_and_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await;
        proxy.cut_every(Duration::from_millis(10));
        for _ in 0..4 {
            let mut client = TcpStream::connect(proxy.address()).await.unwrap();
            let (_held, _) = listener.accept().await.unwrap();
            read_all(&mut client).await;
        }
        assert_eq!(proxy.cuts(), 4);
    }

    #[tokio::test]
    async fn a_reset_and_an_absent_server_are_passed_on() {
        let (_proxy, mut client, server) = through([]).await;
        server.set_zero_linger().unwrap();
        drop(server);
        let (_, error) = read_all(&mut client).await;
        assert_eq!(error, Some(ErrorKind::ConnectionReset));

        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(nobody.local_addr().unwrap()).await;
        drop(nobody);
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        let (_, error) = read_all(&mut client).await;
        assert_eq!(error, Some(ErrorKind::ConnectionReset));
    }

    #[tokio::test]
    async fn what_is_stalled_and_delayed_comes_later() {
        let (proxy, mut client, mut server) = through([]).await;
        let mut byte = [0];
        let begun = Instant::now();
        proxy.stall(Duration::from_millis(60));
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(60));

        proxy.delay(Duration::from_millis(40));
        let begun = Instant::now();
        server.write_all(b"y").await.unwrap();
        client.read_exact(&mut byte).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(40));
        assert_eq!(&byte, b"y");
    }
}
