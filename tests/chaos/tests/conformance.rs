//! Sessions keep every promise of a transport, and endpoints over them those of a handler, while
//! their connections are cut all the time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use choreo_chaos::exchange::Role;
use choreo_chaos::{Direct, Proxy, loopback};
use choreo_core::queue::{Closed, Queue};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler};
use choreo_relay::{Relay, RelayConfig};
use choreo_session::{Anyone, Limits, PeerTransport, Session, SessionConfig, Terms, Timing};
use choreo_testkit::{HandlerFixture, TransportFixture, handler_suite, transport_suite};
use choreo_transport_websocket::WebSocketConnector;
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long the connection of two roles lives. Where there are more, each lives longer: a machine
/// that is busy with others could not open them all in time again.
const LIFE: Duration = Duration::from_millis(50);
/// More than a message needs to its peer when it has to wait for another connection.
const PATIENCE: Duration = Duration::from_millis(150);
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// A handler's message of 1 MiB has a head of its own, too.
const MESSAGE: u32 = 1024 * 1024 + 1024;
/// A window at the sender, and one at the receiver.
const MESSAGES: usize = 520;
/// Windows of 1 MiB, and what goes above each.
const FRAMES: usize = 40;

/// Opens sessions whose connections do not live for long.
struct Sessions {
    place: Place,
    number: AtomicU64,
    relay: OnceCell<Proxy>,
    /// Those that are called, and what stands before them.
    called: Mutex<Vec<(Direct, Proxy)>>,
    to_accept: Queue<PeerTransport>,
}

#[derive(Clone, Copy)]
enum Place {
    /// Of each two roles, one calls the other.
    Direct,
    /// All meet at a relay.
    Relay,
}

impl Sessions {
    fn new(place: Place) -> Self {
        Self {
            place,
            number: AtomicU64::new(0),
            relay: OnceCell::new(),
            called: Mutex::default(),
            to_accept: Queue::new(64),
        }
    }

    /// A session of these roles: for each its ways to the others.
    async fn open(&self, roles: &[Role]) -> Result<Vec<Vec<(Role, PeerTransport)>>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let name = format!("session {number}");
        match self.place {
            Place::Relay => self.relayed(&name, roles).await,
            Place::Direct => self.direct(&name, roles).await,
        }
    }

    async fn direct(&self, name: &str, roles: &[Role]) -> Result<Vec<Vec<(Role, PeerTransport)>>> {
        let mut ways: Vec<Vec<_>> = roles.iter().map(|_| Vec::new()).collect();
        for (right, called) in roles.iter().enumerate() {
            for (left, calling) in roles[..right].iter().enumerate() {
                let server = Direct::start(called, terms()).await;
                let proxy = Proxy::start(server.address()).await;
                proxy.cut_every(LIFE * (self.called.lock().unwrap().len() as u32 + 1));
                let joining = join(&proxy, name, *calling, [*called]);
                let (caller, session) = futures::join!(joining, server.joined());
                ways[left].push((*called, caller?.peer(called)?));
                ways[right].push((*calling, session.peer(calling)?));
                self.called.lock().unwrap().push((server, proxy));
            }
        }
        Ok(ways)
    }

    async fn relayed(&self, name: &str, roles: &[Role]) -> Result<Vec<Vec<(Role, PeerTransport)>>> {
        let proxy = self.relay.get_or_init(relay).await;
        let joining = roles.iter().map(async |role| {
            let peers = roles.iter().copied().filter(|peer| peer != role);
            let session = join(proxy, name, *role, peers.clone()).await?;
            session.transports(peers)
        });
        try_join_all(joining).await
    }
}

fn limits() -> Limits {
    Limits {
        message: MESSAGE,
        ..Limits::default()
    }
}

fn terms() -> Terms {
    Terms {
        limits: limits(),
        ..Terms::default()
    }
}

/// A relay, and what stands before it.
async fn relay() -> Proxy {
    let listener = TcpListener::bind((loopback(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = Relay::new(Anyone, RelayConfig::default().with_terms(terms())).unwrap();
    tokio::spawn(async move { relay.listen(listener).await });
    let proxy = Proxy::start(address).await;
    proxy.cut_every(LIFE / 2);
    proxy
}

async fn join(
    proxy: &Proxy,
    name: &str,
    role: Role,
    peers: impl IntoIterator<Item = Role>,
) -> Result<Session> {
    let connector = WebSocketConnector::new(proxy.url())?;
    let timing = Timing {
        backoff: Duration::from_millis(10),
        ..Timing::default()
    };
    let config = SessionConfig::new(name, role, peers)
        .with_limits(limits())
        .with_timing(timing);
    Session::join(connector, config).await
}

#[async_trait]
impl TransportFixture for Sessions {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let mut ways = self
            .open(&[Role::Alice, Role::Bob])
            .await?
            .into_iter()
            .flatten();
        let (Some((_, near)), Some((_, far))) = (ways.next(), ways.next()) else {
            unreachable!("two roles have a way each")
        };
        self.to_accept.send(far).await.map_err(gone)?;
        Ok(Box::new(near))
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.to_accept.recv().await.map_err(gone)?))
    }

    fn bound(&self) -> usize {
        FRAMES
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }
}

#[async_trait]
impl HandlerFixture for Sessions {
    type Handler = RumpsteakHandler<Role>;

    fn roles(&self) -> Vec<Role> {
        vec![Role::Alice, Role::Bob, Role::Carol]
    }

    fn queue_bound(&self) -> usize {
        MESSAGES
    }

    async fn session(
        &self,
        roles: &[Role],
    ) -> Result<Vec<(RumpsteakHandler<Role>, RumpsteakEndpoint<Role>)>> {
        let ways = self.open(roles).await?;
        let members = roles.iter().zip(ways).map(|(role, ways)| {
            let endpoint = RumpsteakEndpoint::new(*role);
            for (peer, way) in ways {
                endpoint.register_transport(peer, way);
            }
            (RumpsteakHandler::new(), endpoint)
        });
        Ok(members.collect())
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }
}

impl Sessions {
    /// How many connections were cut so far.
    fn cuts(&self) -> u64 {
        let called = self.called.lock().unwrap();
        let direct = called.iter().map(|(_, proxy)| proxy.cuts());
        self.relay.get().map_or(0, Proxy::cuts) + direct.sum::<u64>()
    }
}

/// What all that is below stands on.
#[tokio::test]
async fn connections_are_cut_all_the_time() {
    for place in [Place::Direct, Place::Relay] {
        let sessions = Sessions::new(place);
        let [near, far] = [sessions.connect().await, sessions.accept().await].map(Result::unwrap);
        let mut number = 0_u64;
        while sessions.cuts() < 5 {
            number += 1;
            let frame = Bytes::copy_from_slice(&number.to_le_bytes());
            near.send(frame.clone()).await.unwrap();
            let received = timeout(TIME_LIMIT, far.recv()).await.unwrap();
            assert_eq!(received.unwrap(), Some(frame));
        }
    }
}

fn gone(_: Closed) -> Error {
    Error::new(ErrorKind::Closed, "the fixture is gone")
}

transport_suite!(a_way_between_two, Sessions::new(Place::Direct));
transport_suite!(a_way_through_a_relay, Sessions::new(Place::Relay));
handler_suite!(endpoints_between_two, Sessions::new(Place::Direct));
handler_suite!(endpoints_through_a_relay, Sessions::new(Place::Relay));
