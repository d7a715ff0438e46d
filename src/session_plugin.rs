use choreo_plugin::{
    HandlerOptions, HandlerPlugin, Opened, Place, Secret, Settings, async_trait, options, register,
};

use crate::session::{Session, SessionConfig};
use crate::{ChoreoHandlerExt, Result, RoleName, RumpsteakEndpoint, RumpsteakHandler};

/// The handler `session`, for stacks by name: exactly once and in order, over a transport whose
/// connections break. A stack that names a transport and no handler has this one.
///
/// With the features `choreography` or `monitor` it lets only roles of the same protocol in, if the
/// program has put a `protocol::Global` at the stack's site.
pub const PLUGIN: HandlerPlugin = HandlerPlugin::of::<SessionOptions>(
    "session",
    "Session",
    "Exactly once and in order, over connections that break.",
);

register!(PLUGIN);

options! {
    /// What the handler takes.
    struct SessionOptions {
        /// The session's name.
        session: String,
        /// The roles that it speaks with.
        peers: Vec<String>,
        /// The ticket that lets the role in, where one is asked for.
        token: Option<Secret>,
    }
}

#[async_trait]
impl HandlerOptions for SessionOptions {
    const OVER_TRANSPORT: bool = true;
    const TAKES_CODEC: bool = true;

    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        if self.session.is_empty() {
            return Err(settings.refuse("session", "a session has a name"));
        }
        if self.peers.is_empty() {
            return Err(settings.refuse("peers", "a role speaks with at least one other"));
        }
        for (index, peer) in self.peers.iter().enumerate() {
            if peer == settings.role().as_str() {
                let why = format!("{peer} is the role that the stack plays; its peers are others");
                return Err(settings.refuse("peers", &why));
            }
            if self.peers[..index].contains(peer) {
                return Err(settings.refuse("peers", &format!("{peer} is listed twice")));
            }
        }
        Ok(())
    }

    async fn open(self, place: Place) -> Result<Opened> {
        let role = place.role().clone();
        let peers: Vec<RoleName> = self.peers.into_iter().map(RoleName::from).collect();
        let mut config = SessionConfig::new(self.session, role.clone(), peers.clone());
        if let Some(token) = self.token {
            config = config.with_token(token.reveal()?);
        }
        #[cfg(any(feature = "choreography", feature = "monitor"))]
        if let Some(protocol) = place.site().get::<crate::protocol::Global>() {
            config = config.with_fingerprint(protocol.fingerprint());
        }
        let session = Session::join(place.transport()?, config).await?;
        let endpoint = RumpsteakEndpoint::new(role).with_codec(place.codec());
        endpoint.register_transports(session.transports(peers)?);
        let handler = RumpsteakHandler::new().bind(endpoint);
        Ok(Opened::new(handler).closing(move || session.close()))
    }
}
