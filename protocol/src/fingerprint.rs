use crate::Global;

impl Global {
    /// A number that two protocols share if they read the same: names, types and order, without what
    /// they are about. Roles that join a session compare it.
    ///
    /// The hash is FNV-1a with 64 bits: it tells versions apart, and proves nothing.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut bare = self.clone();
        bare.without_docs();
        let text = bare.with_calls();
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        // 0 stands for no protocol.
        std::cmp::max(hash, 1)
    }

    fn without_docs(&mut self) {
        self.doc.clear();
        self.roles.iter_mut().for_each(|role| role.doc.clear());
    }

    /// As it reads, and behind it the protocols that it calls.
    fn with_calls(&self) -> String {
        let mut text = self.to_string();
        let mut called = Vec::new();
        crate::global::called(&self.steps, &mut called);
        for protocol in called {
            let mut protocol = protocol.clone();
            protocol.without_docs();
            text.push('\n');
            text.push_str(&protocol.with_calls());
        }
        text
    }
}
