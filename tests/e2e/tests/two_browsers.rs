//! Alice in one browser and Bob in another, over connections that are cut.

use anyhow::Result;
use choreo_e2e::{Server, Window, browse};

/// What came to a role came once and in order.
async fn assert_nothing_wrong(window: &Window, role: &str) -> Result<()> {
    for wrong in ["lost", "repeated", "reordered"] {
        assert_eq!(window.count(role, wrong).await?, 0, "{wrong} at {role}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn alice_and_bob_talk_in_two_browsers_over_connections_that_are_cut() -> Result<()> {
    browse("two-alice", async |at_alice| {
        browse("two-bob", async |at_bob| {
            let query = "role=Alice&session=two&rounds=0&slow=no&message=through+two+browsers";
            let alice = Window::open(at_alice, Server::Relay, query).await?;
            let bob = Window::open(at_bob, Server::Relay, "role=Bob&session=two").await?;
            alice.press("run").await?;
            bob.press("run").await?;
            for _ in 0..3 {
                alice.cut("Alice").await?;
                bob.cut("Bob").await?;
            }
            // Now: where she stops, the picture may just have begun anew.
            let words = ["Alice", "Bob", "Call", "Answer"];
            alice.shows("diagram", words).await?;
            alice.press("stop").await?;
            alice.state("ready").await?;
            bob.state("done").await?;

            let (said, heard) = (alice.count("Alice", "said"), alice.count("Alice", "heard"));
            let (said, heard) = (said.await?, heard.await?);
            // Three at least before each cut.
            assert!(said >= 18, "{said} rounds");
            // She may have been stopped between a call and its answer.
            assert!(heard == said || heard + 1 == said, "{heard} of {said}");
            assert_eq!(bob.count("Bob", "heard").await?, said);
            assert_nothing_wrong(&alice, "Alice").await?;
            assert_nothing_wrong(&bob, "Bob").await?;
            assert_eq!(
                alice.text("reply").await?,
                "Bob heard: through two browsers"
            );
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn bob_can_be_in_a_worker_of_the_page() -> Result<()> {
    browse("worker", async |browser| {
        let query = "role=Alice&session=worker&worker&rounds=60";
        let window = Window::open(browser, Server::Relay, query).await?;
        window.press("run").await?;
        for _ in 0..3 {
            window.cut("Bob").await?;
        }
        window.press("slow").await?;
        window.state("done").await?;
        for role in ["Alice", "Bob"] {
            assert_eq!(window.count(role, "said").await?, 60);
            assert_eq!(window.count(role, "heard").await?, 60);
            assert_nothing_wrong(&window, role).await?;
            assert!(window.connections(role).await? >= 4, "{role}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn they_change_between_websocket_and_http_while_they_talk() -> Result<()> {
    browse("ways-alice", async |at_alice| {
        browse("ways-bob", async |at_bob| {
            let query = "role=Alice&session=ways&rounds=0&slow=no";
            let alice = Window::open(at_alice, Server::Relay, query).await?;
            // He came over HTTP, and stays there.
            let bob = Window::open(at_bob, Server::Relay, "role=Bob&session=ways&way=http").await?;
            alice.press("run").await?;
            bob.press("run").await?;
            for (way, name) in [("to-http", "HTTP"), ("to-websocket", "WebSocket")].repeat(2) {
                let connections = alice.connections("Alice").await?;
                alice.talks_on("Alice").await?;
                alice.press(way).await?;
                alice.goes_by("Alice", name).await?;
                alice.talks_on("Alice").await?;
                assert!(alice.connections("Alice").await? > connections);
                bob.cut("Bob").await?;
                bob.goes_by("Bob", "HTTP").await?;
            }
            alice.press("stop").await?;
            alice.state("ready").await?;
            bob.state("done").await?;
            let said = alice.count("Alice", "said").await?;
            assert_eq!(bob.count("Bob", "heard").await?, said);
            assert_nothing_wrong(&alice, "Alice").await?;
            assert_nothing_wrong(&bob, "Bob").await
        })
        .await
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn bob_can_be_a_native_program_that_is_called_directly() -> Result<()> {
    browse("native", async |browser| {
        let query = "role=Alice&session=native&rounds=60";
        let window = Window::open(browser, Server::Bob, query).await?;
        window.press("run").await?;
        for _ in 0..3 {
            window.cut("Alice").await?;
        }
        window.press("slow").await?;
        window.state("done").await?;
        assert_eq!(window.count("Alice", "heard").await?, 60);
        assert_nothing_wrong(&window, "Alice").await?;
        assert!(window.connections("Alice").await? >= 4);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn who_stops_leaves_and_can_start_again() -> Result<()> {
    browse("stop", async |browser| {
        let query = "role=Alice&session=stop&worker&rounds=0";
        let window = Window::open(browser, Server::Relay, query).await?;
        for _ in 0..2 {
            window.press("run").await?;
            window.state("running").await?;
            window.cut("Alice").await?;
            window.press("stop").await?;
            window.state("ready").await?;
            assert_eq!(window.text("error").await?, "");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn who_is_left_is_told_and_both_can_start_again() -> Result<()> {
    browse("left-alice", async |at_alice| {
        browse("left-bob", async |at_bob| {
            let query = "role=Alice&session=left&rounds=0";
            let alice = Window::open(at_alice, Server::Relay, query).await?;
            let bob = Window::open(at_bob, Server::Relay, "role=Bob&session=left").await?;
            for _ in 0..2 {
                alice.press("run").await?;
                bob.press("run").await?;
                alice.state("running").await?;
                bob.press("stop").await?;
                bob.state("ready").await?;
                alice.state("failed").await?;
                let error = alice.text("error").await?;
                assert!(error.contains("The other side has left."), "{error}");
                assert_nothing_wrong(&alice, "Alice").await?;
            }
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn errors_are_told_in_words() -> Result<()> {
    browse("refused", async |browser| {
        let query = "role=Bob&session=refused";
        let window = Window::open(browser, Server::Bob, query).await?;
        window.press("run").await?;
        window.state("failed").await?;
        let error = window.text("error").await?;
        assert!(error.contains("be Alice"), "{error}");
        Ok(())
    })
    .await
}
