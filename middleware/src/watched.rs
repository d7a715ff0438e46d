use choreo_core::{BytesMut, Codec, Message, Outgoing, Result, TypeTag, erased_serde};

/// A payload on its way out that is looked at where it is encoded, so that no layer has to encode
/// it a second time.
pub(crate) struct Watched<'a, N> {
    payload: Outgoing<'a>,
    note: N,
}

/// What is noted of an encoded message.
pub(crate) trait Note: Default + Send + Sync {
    /// Called for each time that it is encoded: as a rule once, again when it is sent again.
    fn encoded(&self, message: &dyn Message, codec: Codec, bytes: &[u8]);
}

impl<'a, N: Note> Watched<'a, N> {
    pub(crate) fn new(payload: Outgoing<'a>) -> Self {
        Self {
            payload,
            note: N::default(),
        }
    }

    /// What to pass on instead of the payload.
    pub(crate) fn outgoing(&self) -> Outgoing<'_> {
        match self.payload {
            Outgoing::Message(_) => Outgoing::Message(self),
            label @ Outgoing::Label(_) => label,
        }
    }

    pub(crate) fn payload(&self) -> Outgoing<'a> {
        self.payload
    }

    pub(crate) fn note(&self) -> &N {
        &self.note
    }

    fn message(&self) -> &dyn Message {
        match &self.payload {
            Outgoing::Message(message) => *message,
            Outgoing::Label(label) => label,
        }
    }
}

impl<N: Note> Message for Watched<'_, N> {
    fn type_tag(&self) -> TypeTag {
        self.message().type_tag()
    }

    fn encode(&self, codec: Codec, out: &mut BytesMut) -> Result<()> {
        let before = out.len();
        self.message().encode(codec, out)?;
        self.note.encoded(self.message(), codec, &out[before..]);
        Ok(())
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        self.message().as_serialize()
    }
}

/// The size of a message.
#[cfg(any(feature = "metrics", feature = "trace"))]
#[derive(Default)]
pub(crate) struct Size(std::sync::atomic::AtomicUsize);

#[cfg(any(feature = "metrics", feature = "trace"))]
impl Note for Size {
    fn encoded(&self, _: &dyn Message, _: Codec, bytes: &[u8]) {
        self.0
            .store(bytes.len(), std::sync::atomic::Ordering::Relaxed);
    }
}

/// A payload whose size is to be known.
#[cfg(any(feature = "metrics", feature = "trace"))]
pub(crate) type Measured<'a> = Watched<'a, Size>;

#[cfg(any(feature = "metrics", feature = "trace"))]
impl Measured<'_> {
    /// The size of the encoded message, 0 when nobody has encoded it, or of the label.
    pub(crate) fn bytes(&self) -> usize {
        match self.payload {
            Outgoing::Message(_) => self.note.0.load(std::sync::atomic::Ordering::Relaxed),
            Outgoing::Label(label) => label.len(),
        }
    }
}
