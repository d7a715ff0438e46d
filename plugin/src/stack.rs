use std::fmt;

use choreo_core::{ChoreoHandler, DynHandler, Result, RoleName, forward};

use crate::place::Close;
use crate::{Place, Site};

/// A stack that was built from a [`StackSpec`](crate::StackSpec): a handler whose roles are names.
///
/// [`Typed`](choreo_core::Typed) gives the view by the roles of a protocol. Dropped, it leaves as
/// its handler does; [`close`](Self::close) waits.
pub struct Stack {
    handler: DynHandler,
    close: Option<Close>,
    place: Place,
    description: String,
}

impl Stack {
    pub(crate) fn new(
        handler: DynHandler,
        close: Option<Close>,
        place: Place,
        description: String,
    ) -> Self {
        Self {
            handler,
            close,
            place,
            description,
        }
    }

    /// What it is made of, the outermost first: `Trace<Retry<InMemory>>`.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// The role that it plays.
    #[must_use]
    pub fn role(&self) -> &RoleName {
        self.place.role()
    }

    /// What its plug-ins share.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.place.site()
    }

    /// Leaves in order: over a network, once everything has arrived.
    ///
    /// # Errors
    /// Those of the handler, when not everything has.
    ///
    /// # Cancel safety
    /// It is left all the same; a session goes on closing in the background.
    pub async fn close(self) -> Result<()> {
        match self.close {
            Some(close) => close().await,
            None => Ok(()),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl ChoreoHandler for Stack {
    type Role = RoleName;
    type Endpoint = ();

    forward!(handler: send_payload, recv_payload, send_to_all, abandon);
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stack({} as {})", self.role(), self.description)
    }
}
