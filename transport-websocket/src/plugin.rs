use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Connect, Result};
use choreo_plugin::{Place, Settings, TransportOptions, TransportPlugin, options, register};

use crate::{Limits, WebSocketConnector};

/// The transport `websocket`, for stacks by name.
pub const PLUGIN: TransportPlugin = TransportPlugin::of::<WebSocketOptions>(
    "websocket",
    "WebSocket",
    "A WebSocket to a server, in browsers and natively.",
);

register!(PLUGIN);

options! {
    /// What the transport takes.
    struct WebSocketOptions {
        /// The address, ws:// or wss://.
        url: String,
        /// The subprotocols that are offered, the best first.
        protocols: Vec<String> = Vec::new(),
        /// The largest frame, in bytes, either way.
        max_frame: u32 = 65 * 1024,
        /// How many bytes may wait in this process to be sent.
        high_water: u32 = 256 * 1024,
        /// In browsers: how many bytes may wait to be received.
        receive_queue: u32 = 4 * 1024 * 1024,
        /// How long opening a connection may take.
        open_timeout: Duration = Duration::from_secs(10),
        /// How long a closed connection waits for the peer to close it too.
        close_timeout: Duration = Duration::from_secs(5),
    }
}

impl WebSocketOptions {
    fn connector(&self) -> Result<WebSocketConnector> {
        Ok(WebSocketConnector::new(&self.url)?.limits(self.limits()))
    }

    fn limits(&self) -> Limits {
        Limits::default()
            .max_frame(self.max_frame as usize)
            .high_water(self.high_water as usize)
            .receive_queue(self.receive_queue as usize)
            .open_timeout(self.open_timeout)
            .close_timeout(self.close_timeout)
    }
}

impl TransportOptions for WebSocketOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let connector = WebSocketOptions::connector(self);
        let connector = connector.map_err(|error| settings.refuse("url", error.detail()))?;
        let offered = connector.protocols(self.protocols.iter().cloned());
        offered
            .map(drop)
            .map_err(|error| settings.refuse("protocols", error.detail()))
    }

    fn connector(self, _: &Place) -> Result<Arc<dyn Connect>> {
        let connector = WebSocketOptions::connector(&self)?;
        Ok(Arc::new(connector.protocols(self.protocols)?))
    }
}

#[cfg(test)]
mod tests {
    use choreo_plugin::{Part, Registry, StackSpec};

    use super::*;

    fn check(part: Part) -> Result<()> {
        // Nothing else is looked at before the transport.
        let registry = Registry::new().with(PLUGIN)?;
        StackSpec::new("Alice").transport(part).check(&registry)
    }

    #[test]
    fn defaults_are_those_of_limits() {
        let registry = Registry::new().with(PLUGIN).unwrap();
        let plugin = registry.transport("websocket").unwrap();
        assert_eq!(plugin.title(), "WebSocket");
        let default = |name: &str| {
            let mut field = plugin.fields().iter().filter(|field| field.name == name);
            field.next().unwrap().default_json().unwrap()
        };
        let limits = Limits::default();
        for (name, value) in [
            ("max_frame", limits.max_frame.to_string()),
            ("high_water", limits.high_water.to_string()),
            ("receive_queue", limits.receive_queue.to_string()),
            (
                "open_timeout",
                format!("\"{}s\"", limits.open_timeout.as_secs()),
            ),
            (
                "close_timeout",
                format!("\"{}s\"", limits.close_timeout.as_secs()),
            ),
        ] {
            assert_eq!(default(name), value, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_opened() {
        let part = || Part::new("websocket").with("url", "ws://host");
        let report = |part| check(part).unwrap_err().to_string();
        assert!(report(part().with("url", "http://host")).starts_with("transport.url: "));
        let protocols = part().with("protocols", ["a", "a"]);
        assert_eq!(
            report(protocols),
            "transport.protocols: subprotocol number 2 is given twice"
        );
        // All is well as far as the transport goes.
        assert!(report(part()).contains("no handler \"session\""));
    }
}
