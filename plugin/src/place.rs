use std::fmt;
use std::sync::Arc;

use choreo_core::{
    BoxFuture, ChoreoHandler, Codec, Connect, DynHandler, Error, ErrorKind, Result, RoleName,
};

use crate::Site;

/// Where a plug-in's part of a stack is built: for which role, with what is shared, over which
/// transport, and in which codec.
#[derive(Clone)]
pub struct Place {
    pub(crate) role: RoleName,
    pub(crate) site: Site,
    pub(crate) transport: Option<Arc<dyn Connect>>,
    pub(crate) codec: Codec,
}

impl Place {
    /// The role that the stack plays.
    #[must_use]
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// What plug-ins share.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The stack's transport.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the stack has none: a handler that says so in
    /// [`OVER_TRANSPORT`](crate::HandlerOptions::OVER_TRANSPORT) always has one.
    pub fn transport(&self) -> Result<Arc<dyn Connect>> {
        let missing = || Error::new(ErrorKind::Config, "the stack has no transport");
        self.transport.clone().ok_or_else(missing)
    }

    /// The stack's codec: postcard, unless the handler says that it
    /// [takes another](crate::HandlerOptions::TAKES_CODEC) and the stack names one.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = f.debug_struct("Place");
        place.field("role", &self.role).field("site", &self.site);
        place.field("codec", &self.codec);
        place.finish_non_exhaustive()
    }
}

/// A handler that a plug-in has opened, and how it is closed in order.
pub struct Opened {
    pub(crate) handler: DynHandler,
    pub(crate) close: Option<Close>,
}

pub(crate) type Close = Box<dyn FnOnce() -> BoxFuture<'static, Result<()>> + Send + Sync>;

impl Opened {
    /// A handler for which it is enough to be dropped.
    pub fn new(handler: impl ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static) -> Self {
        Self {
            handler: Box::new(handler),
            close: None,
        }
    }

    /// With what [`Stack::close`](crate::Stack::close) does and waits for.
    #[must_use]
    pub fn closing<F>(mut self, close: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.close = Some(Box::new(move || Box::pin(close())));
        self
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}
