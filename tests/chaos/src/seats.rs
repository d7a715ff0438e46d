use crate::conversation::Settings;
use crate::exchange::Role;
use crate::{Keys, Process, Proxy};

/// For each role of a conversation, a proxy of its own in front of the relay, and what it is told
/// before it begins.
///
/// # Panics
/// When no port is free, or the program makes no token.
pub async fn seats(relay: &Process, keys: &Keys<'_>, rounds: u64) -> Vec<(Proxy, Settings)> {
    let session = "chaos";
    let mut seats = Vec::new();
    for role in Role::ALL {
        let proxy = Proxy::start(relay.address).await;
        let settings = Settings {
            role,
            session: session.to_owned(),
            url: proxy.url(),
            token: keys.token(session, &format!("{role:?}")).await,
            rounds,
        };
        seats.push((proxy, settings));
    }
    seats
}
