use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::{Codec, Message, Outgoing};

use crate::watched::Note;

/// The size of a message; 0 when nobody has encoded it.
#[derive(Default)]
pub(crate) struct Size(AtomicUsize);

impl Note for Size {
    fn encoded(&self, _: &dyn Message, _: Codec, bytes: &[u8]) {
        self.0.store(bytes.len(), Ordering::Relaxed);
    }
}

impl Size {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The size of the payload: of a label, its length.
    pub(crate) fn of(&self, payload: Outgoing<'_>) -> usize {
        match payload {
            Outgoing::Message(_) => self.get(),
            Outgoing::Label(label) => label.len(),
        }
    }
}
