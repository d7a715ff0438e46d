use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use choreo_core::Waiters;

/// Who waits for a socket. The socket itself knows one task only: this, which wakes all others.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) readers: Waiters,
    pub(crate) writers: Waiters,
    stirred: AtomicBool,
}

impl Hub {
    /// Whether the socket has woken it since this was asked last. If not, what was not there when
    /// the socket was polled then is not there yet.
    pub(crate) fn was_stirred(&self) -> bool {
        self.stirred.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Hub {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.stirred.store(true, Ordering::Release);
        self.readers.wake();
        self.writers.wake();
    }
}
