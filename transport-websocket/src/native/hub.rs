use std::sync::Arc;
use std::task::Wake;

use choreo_core::Waiters;

/// Who waits for a socket. The socket itself knows one task only: this, which wakes all others.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) readers: Waiters,
    pub(crate) writers: Waiters,
}

impl Wake for Hub {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.readers.wake();
        self.writers.wake();
    }
}
