//! The spec of the stack on the demo page: typed, suggested, ticked, refused, and run.

use anyhow::Result;
use choreo_e2e::{Layer, Page, State, visit};
use thirtyfour::Key;

/// A page at full speed over no layers but that which records.
async fn bare(page: &Page) -> Result<()> {
    page.set_pace(2, false).await?;
    page.type_message("by a spec").await?;
    page.choose(&[]).await
}

/// A spec with these layers, on one line.
fn spec(layers: &str) -> String {
    format!(r#"{{"role":"Alice","handler":{{"use":"inmemory"}},"layers":[{layers}]}}"#)
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_layer_is_added_by_its_suggestion() -> Result<()> {
    visit("spec", |page| async move {
        bare(&page).await?;
        assert_eq!(page.stack().await?, "Record<InMemory>");
        page.type_after(r#"{ "use": "record" }"#, r#", { "use": "re"#)
            .await?;
        let (names, chosen) = page.suggestions().await?;
        assert_eq!(names, ["record", "retry"].map(|name| format!("{name:?}")));
        assert_eq!(chosen.as_deref(), Some(r#""record""#));
        page.press(&Key::Down.value().to_string()).await?;
        page.press(&Key::Enter.value().to_string()).await?;
        assert_eq!(page.suggestions().await?.0, [""; 0]);

        page.press(r#", "ret"#).await?;
        assert_eq!(page.suggestions().await?.0, ["retries"]);
        page.press(&Key::Tab.value().to_string()).await?;
        // Its default is selected.
        page.press("7 }").await?;
        let text = page.spec().await?;
        let added = r#"{ "use": "record" }, { "use": "retry", "retries": 7 }"#;
        assert!(text.contains(added), "{text}");
        assert_eq!(page.stack().await?, "Retry<Record<InMemory>>");
        assert!(page.is_ticked(Layer::Retry).await?);

        assert_eq!(page.run().await?, State::Done);
        assert!(page.reply().await?.contains("by a spec"));
        assert!(page.diagram_text().await?.contains("Alice"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn suggestions_can_be_asked_for_clicked_and_left() -> Result<()> {
    visit("suggestions", |page| async move {
        bare(&page).await?;
        page.type_after(r#"{ "use": "record" }"#, "").await?;
        page.press_control_space().await?;
        let (names, chosen) = page.suggestions().await?;
        let layers = [
            "fault-injection",
            "metrics",
            "record",
            "retry",
            "timeout",
            "trace",
        ];
        assert_eq!(names, layers);
        assert_eq!(chosen.as_deref(), Some("fault-injection"));
        page.press(&Key::Up.value().to_string()).await?;
        assert_eq!(page.suggestions().await?.1.as_deref(), Some("trace"));
        let before = page.spec().await?;
        page.press(&Key::Escape.value().to_string()).await?;
        assert_eq!(page.suggestions().await?.0, [""; 0]);
        assert_eq!(page.spec().await?, before);

        page.press_control_space().await?;
        page.click_suggestion("metrics").await?;
        assert_eq!(page.stack().await?, "Metrics<Record<InMemory>>");
        assert_eq!(page.run().await?, State::Done);
        assert!(page.counters().await?.contains("send to Bob"));
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_wrong_spec_shows_its_place_and_runs_nothing() -> Result<()> {
    visit("wrong-spec", |page| async move {
        bare(&page).await?;
        for (text, place, why, marked) in [
            (
                spec(r#"{"use":"retry","retries":"three"}"#),
                "Line 1, column 81",
                "expected a whole number",
                r#""three""#,
            ),
            (
                spec(r#"{"use":"retri"}"#),
                "Line 1, column 63",
                r#"did you mean "retry"?"#,
                r#""retri""#,
            ),
            (
                spec(r#"{"use":"record"]"#),
                "Line 1, column 71",
                "expected",
                "]",
            ),
        ] {
            page.type_into("spec", &text).await?;
            assert_eq!(page.run().await?, State::Failed, "{text}");
            let (said, mark) = page.spec_fault().await?;
            assert!(said.contains(place) && said.contains(why), "{text}: {said}");
            assert_eq!(mark, marked, "{said}");
            let error = page.error().await?.unwrap_or_default();
            assert!(error.contains(place), "{error}");
            assert_eq!(page.reply().await?, "");
            assert_eq!(page.diagram_size().await?, 0);
        }
        page.type_into("spec", &spec(r#"{"use":"record"}"#)).await?;
        assert_eq!(page.run().await?, State::Done);
        assert!(page.reply().await?.contains("by a spec"));
        assert_eq!(page.spec_fault().await?, (String::new(), String::new()));
        assert_eq!(page.error().await?, None);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn ticks_and_text_move_together() -> Result<()> {
    visit("ticks-and-text", |page| async move {
        bare(&page).await?;
        page.tick(Layer::Timeout, true).await?;
        page.set_limit(700).await?;
        let text = page.spec().await?;
        assert!(
            text.contains(r#"{ "use": "timeout", "send": "700ms", "recv": "700ms" }"#),
            "{text}"
        );
        page.tick(Layer::Timeout, false).await?;
        assert!(!page.spec().await?.contains("timeout"));

        let layers = r#"{"use":"fault-injection","seed":9,"before_send":0.25},
            {"use":"record"},{"use":"timeout","send":"2s","recv":"1s"}"#;
        page.type_into("spec", &spec(&layers.replace('\n', "")))
            .await?;
        for (layer, on) in [
            (Layer::Faults, true),
            (Layer::Timeout, true),
            (Layer::Retry, false),
        ] {
            assert_eq!(page.is_ticked(layer).await?, on, "{layer:?}");
        }
        assert_eq!(page.field("fault-seed").await?.as_deref(), Some("9"));
        assert_eq!(page.field("fault-rate").await?.as_deref(), Some("25"));
        // Two limits do not fit in one field.
        assert_eq!(page.field("timeout-limit").await?, None);

        page.set_faults(9, 0).await?;
        let text = page.spec().await?;
        assert!(text.contains(r#""before_send": 0 "#), "{text}");
        assert!(text.contains(r#""recv": "1s""#), "{text}");
        assert_eq!(page.run().await?, State::Done);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn a_link_brings_the_spec() -> Result<()> {
    visit("spec-link", |page| async move {
        let text = spec(r#"{"use":"record"},{"use":"trace"}"#);
        let query = [
            ("spec", text.as_str()),
            ("message", "linked"),
            ("slow", "no"),
        ];
        assert_eq!(page.reopen(&query).await?, State::Ready);
        assert_eq!(page.spec().await?, text);
        assert_eq!(page.stack().await?, "Trace<Record<InMemory>>");
        assert!(!page.is_ticked(Layer::Metrics).await?);
        assert_eq!(page.run().await?, State::Done);
        assert!(page.reply().await?.contains("linked"));
        Ok(())
    })
    .await
}
