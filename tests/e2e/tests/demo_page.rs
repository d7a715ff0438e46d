//! What a person does with the demo page, and must see.

use std::collections::BTreeSet;

use anyhow::Result;
use choreo_e2e::{Layer, Page, State, visit, visit_plain};

/// Runs one message over these layers and returns how it ended.
async fn run(page: &Page, message: &str, layers: &[Layer]) -> Result<State> {
    page.set_pace(2, false).await?;
    page.type_message(message).await?;
    page.choose(layers).await?;
    page.run().await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_message_is_answered_and_drawn() -> Result<()> {
    visit("answered", |page| async move {
        assert_eq!(run(&page, "hello from a browser", &[]).await?, State::Done);
        assert!(page.reply().await?.contains("hello from a browser"));
        assert_eq!(page.error().await?, None);
        let picture = page.diagram_text().await?;
        assert!(
            picture.contains("Alice") && picture.contains("Bob"),
            "{picture}"
        );
        let mermaid = page.mermaid().await?;
        assert!(mermaid.contains("sequenceDiagram"), "{mermaid}");
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn enter_runs_it_too() -> Result<()> {
    visit("enter", |page| async move {
        page.type_message("by the keyboard").await?;
        assert_eq!(page.run_by_enter().await?, State::Done);
        assert!(page.reply().await?.contains("by the keyboard"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn the_picture_grows_while_it_runs() -> Result<()> {
    visit("live", |page| async move {
        page.set_pace(5, true).await?;
        page.press_run().await?;
        let mut sizes = BTreeSet::new();
        while page.state().await? != Some(State::Done) {
            sizes.insert(page.diagram_size().await?);
        }
        assert!(sizes.len() > 3, "the picture had the sizes {sizes:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_run_can_be_stopped() -> Result<()> {
    visit("stopped", |page| async move {
        page.set_pace(50, true).await?;
        page.press_run().await?;
        page.stop().await?;
        assert_eq!(run(&page, "once more", &[]).await?, State::Done);
        assert!(page.reply().await?.contains("once more"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn every_layer_shows_what_it_does() -> Result<()> {
    visit("all-layers", |page| async move {
        page.set_faults(7, 0).await?;
        page.set_limit(20_000).await?;
        assert_eq!(run(&page, "layered", &Layer::ALL).await?, State::Done);
        assert!(page.reply().await?.contains("layered"));
        let stack = page.stack().await?;
        for layer in [
            "Trace<",
            "Metrics<",
            "Timeout<",
            "Retry<",
            "FaultInjection<",
        ] {
            assert!(stack.contains(layer), "no {layer} in {stack}");
        }
        assert!(
            page.counters()
                .await?
                .contains(|c: char| c.is_ascii_digit())
        );
        assert!(!page.trace_log().await?.trim().is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn without_specs_the_stack_is_the_one_that_was_ticked() -> Result<()> {
    visit_plain("plain", |page| async move {
        let layers = [Layer::Trace, Layer::Retry];
        assert_eq!(run(&page, "chosen", &layers).await?, State::Done);
        assert_eq!(page.stack().await?.trim(), "Trace<Retry<InMemoryHandler>>");
        assert!(page.reply().await?.contains("chosen"));
        assert!(page.trace_log().await?.contains("sent"));
        assert!(!page.has_spec().await?);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_fault_is_told_in_words_and_the_page_goes_on() -> Result<()> {
    visit("fault", |page| async move {
        page.set_faults(1, 100).await?;
        let state = run(&page, "never arrives", &[Layer::Faults]).await?;
        assert_eq!(state, State::Failed);
        let error = page.error().await?.unwrap_or_default();
        assert!(error.split_whitespace().count() > 3, "{error:?}");
        assert!(!page.reply().await?.contains("never arrives"));

        assert_eq!(run(&page, "afterwards", &[]).await?, State::Done);
        assert!(page.reply().await?.contains("afterwards"));
        assert_eq!(page.error().await?, None);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn the_same_seed_gives_the_same_run() -> Result<()> {
    visit("seed", |page| async move {
        page.set_faults(42, 50).await?;
        let layers = [Layer::Retry, Layer::Faults];
        let first = run(&page, "again", &layers).await?;
        let picture = page.diagram_text().await?;
        assert_eq!(run(&page, "again", &layers).await?, first);
        assert_eq!(page.diagram_text().await?, picture);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn what_takes_too_long_is_given_up() -> Result<()> {
    visit("timeout", |page| async move {
        page.set_pace(1, true).await?;
        page.set_limit(1).await?;
        page.type_message("too slow").await?;
        page.choose(&[Layer::Timeout, Layer::Retry, Layer::Faults])
            .await?;
        // Retry pauses for longer than that.
        page.set_faults(7, 100).await?;
        assert_eq!(page.run().await?, State::Failed);
        let error = page.error().await?.unwrap_or_default();
        assert!(error.contains("could not send to Bob"), "{error:?}");
        assert!(error.contains("Raise the limit"), "{error:?}");

        page.set_faults(7, 0).await?;
        page.set_limit(20_000).await?;
        assert_eq!(page.run().await?, State::Done);
        assert!(page.reply().await?.contains("too slow"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn what_is_out_of_range_is_refused_at_its_field() -> Result<()> {
    visit("refused", |page| async move {
        page.set_pace(1, false).await?;
        page.choose(&[Layer::Timeout, Layer::Faults]).await?;
        page.set_faults(7, 0).await?;
        let cases = [
            ("message", "", "hello"),
            ("rounds", "0", "1"),
            ("rounds", "51", "1"),
            ("rounds", "", "1"),
            ("rounds", "1.5", "1"),
            ("timeout-limit", "0", "20000"),
            ("timeout-limit", "60001", "20000"),
            ("timeout-limit", "", "20000"),
            ("fault-seed", "1.5", "7"),
            ("fault-seed", "-1", "7"),
            ("fault-seed", "4294967296", "7"),
            ("fault-rate", "101", "0"),
            ("fault-rate", "-1", "0"),
            ("fault-rate", "", "0"),
        ];
        for (field, wrong, right) in cases {
            page.type_into(field, wrong).await?;
            assert_eq!(page.run().await?, State::Failed, "{field}: {wrong:?}");
            assert_eq!(page.wrong_fields().await?, [field], "{wrong:?}");
            assert!(page.error().await?.is_some(), "{field}: {wrong:?}");
            page.type_into(field, right).await?;
        }
        assert_eq!(page.run().await?, State::Done);
        assert_eq!(page.wrong_fields().await?, [""; 0]);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn an_empty_message_is_no_accident() -> Result<()> {
    visit("empty", |page| async move {
        match run(&page, "", &[]).await? {
            State::Failed => assert!(page.error().await?.is_some_and(|error| !error.is_empty())),
            state => assert_eq!((state, page.error().await?), (State::Done, None)),
        }
        assert_eq!(run(&page, "not empty", &[]).await?, State::Done);
        assert!(page.reply().await?.contains("not empty"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_message_is_text_and_never_markup() -> Result<()> {
    visit("markup", |page| async move {
        let message = r#"<b id="evil">&"'</b><script>1</script>"#;
        let layers = [Layer::Trace, Layer::Metrics];
        assert_eq!(run(&page, message, &layers).await?, State::Done);
        assert!(page.reply().await?.contains(message));
        let drawn = page.diagram_elements().await?;
        assert!(
            !drawn.iter().any(|name| name == "b" || name == "script"),
            "{drawn:?}"
        );
        assert!(page.no_element("evil").await?);
        Ok(())
    })
    .await
}
