//! What a fixture says of itself is heeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::{Result, RoleName};
use choreo_testkit::{
    __private, __test, HandlerFixture, ReferenceEndpoint, ReferenceHandler, async_trait, from_fn,
    handler, handler_suite, reference_session,
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
