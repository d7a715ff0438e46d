use choreo_core::{Codec, Message, Outgoing, Result, TypeTag, erased_serde};

/// A message on its way out that is looked at where it is encoded, so that no layer has to encode
/// it a second time.
pub(crate) struct Watched<'a, N> {
    message: &'a dyn Message,
    note: N,
}

/// What is noted of an encoded message.
pub(crate) trait Note: Default + Send + Sync {
    /// Where a label goes out instead of a message.
    fn of_label(_label: &str) -> Self {
        Self::default()
    }

    /// Called for each time that it is encoded: as a rule once, again when it is sent again.
    fn encoded(&self, message: &dyn Message, codec: Codec, bytes: &[u8]);
}

impl<'a, N: Note> Watched<'a, N> {
    pub(crate) fn new(message: &'a dyn Message) -> Self {
        Self {
            message,
            note: N::default(),
        }
    }

    /// Watches the message of a payload. There is nothing to watch at a label.
    pub(crate) fn of(payload: Outgoing<'a>) -> Self {
        match payload {
            Outgoing::Message(message) => Self::new(message),
            Outgoing::Label(label) => Self {
                message: &(),
                note: N::of_label(label),
            },
        }
    }

    /// What to pass on instead of the payload.
    pub(crate) fn outgoing<'b>(&'b self, payload: Outgoing<'b>) -> Outgoing<'b> {
        match payload {
            Outgoing::Message(_) => Outgoing::Message(self),
            Outgoing::Label(_) => payload,
        }
    }

    pub(crate) fn note(&self) -> &N {
        &self.note
    }
}

impl<N: Note> Message for Watched<'_, N> {
    fn type_tag(&self) -> TypeTag {
        self.message.type_tag()
    }

    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        self.message.encode(codec, out)?;
        self.note.encoded(self.message, codec, &out[before..]);
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        self.message.as_serialize()
    }
}
