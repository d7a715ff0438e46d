use std::path::Path;
use std::time::Duration;

use choreo_core::runtime::sleep;
use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Operation, Outgoing, PeerMap, Result, RoleId,
    async_trait,
};
use futures::lock::Mutex;

use crate::folder::{Folder, check_name, enter};

/// How long it is until a folder is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Plays a role whose messages are files in a folder that all roles of a session share.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use custom_handler::FolderHandler;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let folder = std::env::temp_dir().join(format!("game-7-{}", std::process::id()));
/// let alice = FolderHandler::join(&folder, "Alice", &["Bob"])?;
/// alice.send(&(), "Bob", &"hello").await?;
///
/// // Bob may come later, in another program.
/// let bob = FolderHandler::join(&folder, "Bob", &["Alice"])?;
/// assert_eq!(bob.recv::<String>(&(), "Alice").await?, "hello");
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok(()) }
/// ```
///
/// Files are read and written on the thread that runs the future.
pub struct FolderHandler<R: RoleId> {
    role: R,
    peers: PeerMap<R, Peer>,
}

/// The way to a peer and the way back, each with the number of its next payload.
struct Peer {
    to: Folder,
    sent: Mutex<u64>,
    from: Folder,
    received: Mutex<u64>,
}

impl<R: RoleId> FolderHandler<R> {
    /// How many payloads wait between two roles, per direction.
    pub const CAPACITY: u64 = 8;

    /// Joins the session of that folder, which is made if need be.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the role has been there, or the folder cannot be used.
    pub fn join(folder: impl AsRef<Path>, role: R, peers: &[R]) -> Result<Self> {
        let (folder, name) = (folder.as_ref(), role.name());
        check_name(&name)?;
        peers.iter().try_for_each(|peer| check_name(&peer.name()))?;
        enter(folder, &name)?;
        let joined = PeerMap::new();
        for peer in peers {
            let ways = Peer {
                to: Folder::open(folder, &name, &peer.name())?,
                sent: Mutex::new(0),
                from: Folder::open(folder, &peer.name(), &name)?,
                received: Mutex::new(0),
            };
            joined.insert(peer, ways);
        }
        let peers = joined;
        Ok(Self { role, peers })
    }

    fn peer(&self, role: &R) -> Result<&Peer> {
        self.peers.get(role).ok_or_else(|| {
            let there_are: Vec<_> = self.peers.iter().map(|(role, _)| role.name()).collect();
            let detail = format!("no such role here; there are: {}", there_are.join(", "));
            Error::new(ErrorKind::UnknownRole, detail)
        })
    }
}

#[async_trait]
impl<R: RoleId> ChoreoHandler for FolderHandler<R> {
    type Role = R;
    type Endpoint = ();

    async fn send_payload(&self, (): &(), to: &R, payload: Outgoing<'_>) -> Result<()> {
        let sending = async {
            let peer = self.peer(to)?;
            let frame = payload.to_frame(Codec::default())?;
            // Held while it waits for room: first come, first sent.
            let mut next = peer.sent.lock().await;
            loop {
                if peer.from.is_left() {
                    return Err(left(to));
                }
                // The peer takes them in order: when this one is gone, there is room for another.
                match next.checked_sub(Self::CAPACITY) {
                    Some(earlier) if peer.to.has(earlier) => sleep(LOOK_AGAIN).await,
                    _ => break,
                }
            }
            // Nothing is awaited from here on: a send that is dropped was sent, or was not.
            peer.to.put(*next, &frame)?;
            *next += 1;
            Ok(())
        };
        let failed = |error: Error| {
            let operation = Operation::sending(payload);
            error.with_role(self.role.name()).at(operation, to.name())
        };
        sending.await.map_err(failed)
    }

    async fn recv_payload(&self, (): &(), from: &R) -> Result<Incoming> {
        let receiving = async {
            let peer = self.peer(from)?;
            let mut next = peer.received.lock().await;
            loop {
                // Asked first: what came before the peer left is there by then.
                let is_left = peer.from.is_left();
                // Nothing is awaited between taking and returning: a receive that is dropped took
                // nothing.
                match peer.from.take(*next)? {
                    Some(frame) => {
                        *next += 1;
                        return Incoming::from_frame(frame);
                    }
                    None if is_left => return Err(left(from)),
                    None => sleep(LOOK_AGAIN).await,
                }
            }
        };
        let failed = |error: Error| {
            error
                .with_role(self.role.name())
                .at(Operation::Recv, from.name())
        };
        receiving.await.map_err(failed)
    }

    fn abandon(&self, (): &(), others: &[R]) {
        let others = others.iter().filter_map(|role| self.peers.get(role));
        others.for_each(|peer| peer.to.leave());
    }
}

impl<R: RoleId> Drop for FolderHandler<R> {
    fn drop(&mut self) {
        self.peers.iter().for_each(|(_, peer)| peer.to.leave());
    }
}

fn left(role: &impl RoleId) -> Error {
    let detail = format!("{} has left the session", role.name());
    Error::new(ErrorKind::Closed, detail)
}
