//! What a fixture says of itself is heeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::queue::Queue;
use choreo_core::{Result, RoleName, Transport};
use choreo_testkit::{
    __private, __test, HandlerFixture, ReferenceEndpoint, ReferenceHandler, ReferenceTransport,
    TransportFixture, async_trait, from_fn, handler, handler_suite, reference_pair,
    reference_session, transport_suite,
};

#[derive(Default)]
struct Modest {
    cannot: Vec<(&'static str, &'static str)>,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl HandlerFixture for Modest {
    type Handler = ReferenceHandler;

    fn roles(&self) -> Vec<RoleName> {
        ["Alice", "Bob"].map(RoleName::from).to_vec()
    }

    fn queue_bound(&self) -> usize {
        4
    }

    async fn session(
        &self,
        roles: &[RoleName],
    ) -> Result<Vec<(ReferenceHandler, ReferenceEndpoint)>> {
        Ok(reference_session(roles, 4))
    }

    async fn leave(&self, _: ReferenceHandler, _: ReferenceEndpoint) -> Result<()> {
        self.left.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        self.cannot.clone()
    }
}

// Passes, since the checks that need a third role are skipped.
handler_suite!(two_roles, Modest::default());

__test!(what_it_cannot_do_is_skipped, async {
    let cannot = vec![("a_large_message_arrives_whole", "at most 64 KiB")];
    let modest = Modest {
        cannot,
        ..Modest::default()
    };
    assert!(__private::skip(
        &modest,
        "a_large_message_arrives_whole",
        2
    )?);
    assert!(!__private::skip(&modest, "empty_messages_arrive", 2)?);
    Ok(())
});

__test!(a_third_role_that_is_not_there_is_skipped, async {
    assert!(__private::skip(
        &Modest::default(),
        "send_to_all_reaches_all_in_order",
        3
    )?);
    Ok(())
});

__test!(what_it_cannot_do_is_a_check, async {
    let cannot = vec![("a_lage_message", "misspelt")];
    let modest = Modest {
        cannot,
        ..Modest::default()
    };
    let refused = __private::skip(&modest, "empty_messages_arrive", 2).unwrap_err();
    assert!(
        refused.happened().contains("\"a_lage_message\""),
        "{refused}"
    );
    Ok(())
});

__test!(leaving_is_up_to_the_fixture, async {
    let modest = Modest::default();
    handler::a_waiting_receive_learns_that_the_peer_left(&modest).await?;
    assert_eq!(modest.left.load(Ordering::Relaxed), 1);
    Ok(())
});

__test!(a_session_has_a_member_for_each_role, async {
    let roles = ["Alice", "Bob", "Carol"].map(RoleName::from);
    let short = from_fn(roles, 4, |roles| reference_session(&roles[1..], 4));
    let refused = handler::messages_arrive_in_order(&short).await.unwrap_err();
    assert!(refused.happened().contains("has 1 members"), "{refused}");
    Ok(())
});

/// A transport whose frames are short.
struct Narrow {
    opened: Queue<ReferenceTransport>,
    cannot: Vec<(&'static str, &'static str)>,
}

fn narrow(cannot: &[(&'static str, &'static str)]) -> Narrow {
    Narrow {
        opened: Queue::new(100),
        cannot: cannot.to_vec(),
    }
}

#[async_trait]
impl TransportFixture for Narrow {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (near, far) = reference_pair(2);
        self.opened.send(far).await.expect("nobody closes it");
        Ok(Box::new(near))
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let far = self.opened.recv().await.expect("nobody closes it");
        Ok(Box::new(far))
    }

    fn bound(&self) -> usize {
        2
    }

    fn largest_frame(&self) -> usize {
        16
    }

    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        self.cannot.clone()
    }
}

transport_suite!(short_frames, narrow(&[]));

__test!(what_a_transport_cannot_do_is_skipped, async {
    let modest = narrow(&[("empty_frames_arrive", "a frame has a byte at least")]);
    assert!(__private::skip_transport(&modest, "empty_frames_arrive")?);
    assert!(!__private::skip_transport(
        &modest,
        "the_largest_frame_arrives"
    )?);
    let misspelt = narrow(&[("empty_frame_arrives", "misspelt")]);
    let refused = __private::skip_transport(&misspelt, "empty_frames_arrive").unwrap_err();
    let happened = refused.happened();
    assert!(happened.contains("\"empty_frame_arrives\""), "{refused}");
    Ok(())
});
