use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::{Codec, Message};

use crate::watched::Note;

/// The size of a payload: of a message, 0 when nobody has encoded it; of a label, its length.
#[derive(Default)]
pub(crate) struct Size(AtomicUsize);

impl Note for Size {
    fn of_label(label: &str) -> Self {
        Self(AtomicUsize::new(label.len()))
    }

    fn encoded(&self, _: &dyn Message, _: Codec, bytes: &[u8]) {
        self.0.store(bytes.len(), Ordering::Relaxed);
    }
}

impl Size {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
