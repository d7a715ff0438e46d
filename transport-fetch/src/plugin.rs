use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Connect, Result};
use choreo_plugin::{Place, Settings, TransportOptions, TransportPlugin, options, register};

use crate::{FetchConnector, Limits};

/// The transport `fetch`, for stacks by name.
pub const PLUGIN: TransportPlugin = TransportPlugin::of::<FetchOptions>(
    "fetch",
    "Fetch",
    "HTTP requests where no WebSocket passes, in browsers, on the edge and natively.",
);

register!(PLUGIN);

options! {
    /// What the transport takes.
    struct FetchOptions {
        /// The address, http:// or https://.
        url: String,
        /// Whether it asks again and again for what has come, rather than for an answer that goes on.
        long_polls: bool = false,
        /// The largest frame, in bytes, either way.
        max_frame: u32 = 65 * 1024,
        /// How many bytes may wait in this process to be sent.
        high_water: u32 = 256 * 1024,
        /// How many bytes may wait to be received.
        receive_queue: u32 = 256 * 1024,
        /// How long opening a connection may take.
        open_timeout: Duration = Duration::from_secs(10),
        /// How long a closed connection waits for the peer to close it too.
        close_timeout: Duration = Duration::from_secs(5),
        /// For how long a request that fails is repeated.
        retry_time: Duration = Duration::from_secs(5),
        /// How long a streamed answer may take to begin.
        stream_timeout: Duration = Duration::from_secs(3),
    }
}

impl FetchOptions {
    fn connector(&self) -> Result<FetchConnector> {
        let connector = FetchConnector::new(&self.url)?.limits(self.limits());
        Ok(match self.long_polls {
            true => connector.long_polls(),
            false => connector,
        })
    }

    fn limits(&self) -> Limits {
        Limits::default()
            .max_frame(self.max_frame as usize)
            .high_water(self.high_water as usize)
            .receive_queue(self.receive_queue as usize)
            .open_timeout(self.open_timeout)
            .close_timeout(self.close_timeout)
            .retry_time(self.retry_time)
            .stream_timeout(self.stream_timeout)
    }
}

impl TransportOptions for FetchOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let connector = FetchOptions::connector(self);
        connector
            .map(drop)
            .map_err(|error| settings.refuse("url", error.detail()))
    }

    fn connector(self, _: &Place) -> Result<Arc<dyn Connect>> {
        Ok(Arc::new(FetchOptions::connector(&self)?))
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
        let plugin = registry.transport("fetch").unwrap();
        assert_eq!(plugin.title(), "Fetch");
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
            (
                "retry_time",
                format!("\"{}s\"", limits.retry_time.as_secs()),
            ),
            (
                "stream_timeout",
                format!("\"{}s\"", limits.stream_timeout.as_secs()),
            ),
        ] {
            assert_eq!(default(name), value, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_opened() {
        let part = || Part::new("fetch").with("url", "http://host");
        let report = |part| check(part).unwrap_err().to_string();
        assert!(report(part().with("url", "ws://host")).starts_with("transport.url: "));
        assert_eq!(
            report(part().with("long_polls", 1)),
            "transport.long_polls: expected true or false, found the number 1"
        );
        // All is well as far as the transport goes.
        assert!(report(part()).contains("no handler \"session\""));
    }
}
