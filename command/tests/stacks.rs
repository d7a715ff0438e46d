//! What stacks are made of, and whether their files are right.

mod common;

use common::{Scratch, choreo, command, end, refused, sample, well};

#[tokio::test]
async fn plug_ins_are_listed() {
    let all = well(choreo(&["plugins"]).await);
    for line in [
        "handler    rumpsteak        One peer over a bare transport.",
        "handler    session          Exactly once",
        "layer      retry            Sends again",
        "transport  fetch            HTTP requests",
        "transport  websocket        A WebSocket",
    ] {
        assert!(all.contains(line), "{all}");
    }
    let layers = well(choreo(&["plugins", "--kind", "layer"]).await);
    assert_eq!(layers.lines().count(), 7, "{layers}");
    assert!(
        layers.lines().all(|line| line.starts_with("layer  ")),
        "{layers}"
    );
    let json = well(choreo(&["plugins", "--json", "--kind", "transport"]).await);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[1]["name"], "websocket");
    assert_eq!(
        json[1]["schema"]["required"],
        serde_json::json!(["use", "url"])
    );
}

#[tokio::test]
async fn a_plug_in_is_told_whole() {
    let page = well(choreo(&["plugins", "retry"]).await);
    for part in [
        "layer retry: Sends again",
        "retries     whole number; 3 unless said otherwise      How often a send is repeated.",
        "max_delay   time; may be left out",
        "[[layers]] # Sends",
        "# base_delay = \"100ms\"\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let page = well(choreo(&["plugins", "session"]).await);
    assert!(page.contains("token    secret; may be left out"), "{page}");
    assert!(
        page.contains("peers    list of text; must be there"),
        "{page}"
    );
    let schema = well(choreo(&["plugins", "retry", "--schema"]).await);
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["properties"]["retries"]["default"], 3);
}

#[tokio::test]
async fn a_stack_has_a_schema_of_all_plug_ins() {
    let schema = well(choreo(&["plugins", "--schema"]).await);
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let names = |part: &serde_json::Value| {
        let all = part["oneOf"].as_array().expect("several");
        let names = all
            .iter()
            .map(|one| one["properties"]["use"]["const"].as_str());
        names
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let parts = &schema["properties"];
    assert_eq!(names(&parts["handler"]), "inmemory rumpsteak session");
    assert_eq!(names(&parts["transport"]), "fetch websocket");
    assert_eq!(names(&parts["codec"]), "json postcard");
    assert!(names(&parts["layers"]["items"]).ends_with("retry timeout trace"));
}

#[tokio::test]
async fn what_there_is_not_is_refused_with_what_there_is() {
    let told = refused(choreo(&["plugins", "retri"]).await, 2);
    assert!(
        told.contains("trace, fetch, websocket") && told.contains("'retry'"),
        "{told}"
    );
    let told = refused(choreo(&["plugins", "retry", "--kind", "handler"]).await, 1);
    let expected =
        "choreo: there is no handler \"retry\"; there are: inmemory, rumpsteak, session\n";
    assert_eq!(told, expected);
    refused(choreo(&["plugins", "--kind", "codecs"]).await, 2);
    refused(choreo(&["plugin"]).await, 2);
    refused(choreo(&[]).await, 2);
}

#[tokio::test]
async fn samples_are_right() {
    for (name, made) in [
        (
            "alice.toml",
            "Alice plays over Trace<Retry<Session<WebSocket>>>",
        ),
        (
            "bob.toml",
            "Bob plays over Trace<Retry<Session<WebSocket>>>",
        ),
        ("memory.toml", "Alice plays over Timeout<Monitor<InMemory>>"),
        (
            "faulty.toml",
            "Alice plays over Timeout<Retry<FaultInjection<InMemory>>>",
        ),
    ] {
        let file = sample(name);
        let ended = choreo(&["check", &file]).await;
        assert_eq!(well(ended), format!("{file}: {made}\n"));
    }
    let folder = std::fs::read_dir(sample("")).expect("it is there");
    assert_eq!(folder.count(), 4, "each is checked above");
}

#[tokio::test]
async fn errors_have_their_place_and_the_line() {
    let text = "role = \"Alice\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"retry\"\n";
    for (line, expected) in [
        (
            "retries = \"many\"",
            ":5:11: layers[0].retries: expected a whole number from 0 to 4294967295, found a text\n  \
             5 | retries = \"····\"\n    |           ^\n",
        ),
        (
            "[[layers]]\nuse = \"trase\"",
            ":6:7: layers[1]: there is no layer \"trase\"; there are: fault-injection, metrics, monitor, \
             record, retry, timeout, trace (did you mean \"trace\"?)\n  \
             6 | use = \"trase\"\n    |       ^\n",
        ),
        (
            "retrys = 3",
            ":5:1: layers[0].retrys: there is no such option; there are: retries, base_delay, max_delay, \
             jitter, budget (did you mean \"retries\"?)\n  5 | retrys = 3\n    | ^\n",
        ),
    ] {
        let file = Scratch::new("toml", &format!("{text}{line}\n"));
        let told = refused(choreo(&["check", file.path()]).await, 1);
        assert_eq!(told, format!("choreo: {}{expected}", file.path()));
    }
    let file = Scratch::new("toml", "role = \"A\n");
    let told = refused(choreo(&["check", file.path()]).await, 1);
    assert!(
        told.starts_with(&format!("choreo: {}:1:", file.path())),
        "{told}"
    );
    let file = Scratch::new("json", "{\"role\": \"A\",\n \"handler\": 7}");
    let told = refused(choreo(&["check", file.path()]).await, 1);
    assert!(
        told.ends_with("  2 |  \"handler\": 7}\n    |             ^\n"),
        "{told}"
    );
    let told = refused(choreo(&["check", "nowhere.toml"]).await, 1);
    assert!(
        told.starts_with("choreo: nowhere.toml: it cannot be read: "),
        "{told}"
    );
}

#[tokio::test]
async fn secrets_in_the_wrong_place_are_not_shown() {
    let text = "role = \"A\"\nhandler.use = \"session\"\nhandler.session = \"s\"\n\
                handler.peers = [\"B\"]\n[transport]\nuse = \"websocket\"\nurl = \"ws://host\"\n";
    for line in ["token = \"hunter2\"", "token = hunter2", "tokn = 'hunter2'"] {
        let inside = text.replace("[transport]", &format!("handler.{line}\n[transport]"));
        let file = Scratch::new("toml", &inside);
        let told = refused(choreo(&["check", file.path()]).await, 1);
        assert!(told.contains("  5 | handler.tok"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn all_files_are_checked_and_the_right_ones_printed() {
    let (good, bad) = (sample("memory.toml"), Scratch::new("toml", "role = 1"));
    let ended = choreo(&["check", bad.path(), &good, "nowhere.toml"]).await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stdout,
        format!("{good}: Alice plays over Timeout<Monitor<InMemory>>\n")
    );
    assert!(ended.stderr.contains("expected a text") && ended.stderr.contains("nowhere.toml"));
}

#[tokio::test]
async fn the_input_is_a_file_too() {
    let toml = "role = \"Alice\"\nhandler.use = \"inmemory\"";
    let json = r#"{"role": "Bob", "handler": {"use": "inmemory"}}"#;
    for (text, role) in [(toml, "Alice"), (json, "Bob")] {
        let ended = end(command(&["check", "-"]), text).await;
        assert_eq!(well(ended), format!("stdin: {role} plays over InMemory\n"));
    }
    let told = refused(end(command(&["check", "-"]), "role = 7").await, 1);
    assert!(
        told.starts_with("choreo: stdin:1:8: role: expected a text"),
        "{told}"
    );
}

#[tokio::test]
async fn variables_stand_above_the_file_and_words_above_both() {
    let file = sample("memory.toml");
    let with = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(&[&["check", &file], words].concat());
        command.envs(variables.iter().copied());
        command
    };
    let plays = |role: &str| format!("{file}: {role} plays over Timeout<Monitor<InMemory>>\n");
    let bob = [("CHOREO_ROLE", "Bob")];
    assert_eq!(well(end(with(&[], &bob), "").await), plays("Bob"));
    let set = ["--set", "role=Carol"];
    assert_eq!(well(end(with(&set, &bob), "").await), plays("Carol"));

    let wrong = [("CHOREO_LAYERS__TIMEOUT__RECV", "soon")];
    let told = refused(end(with(&[], &wrong), "").await, 1);
    let place = "choreo: CHOREO_LAYERS__TIMEOUT__RECV: layers[1].recv: expected a time";
    assert!(told.starts_with(place), "{told}");
    let told = refused(end(with(&[], &[("CHOREO_COLOUR", "red")]), "").await, 1);
    assert!(
        told.starts_with("choreo: CHOREO_COLOUR: it names nothing in a stack"),
        "{told}"
    );

    let told = refused(
        end(with(&["--set", "layers.timeout.recv=7"], &[]), "").await,
        1,
    );
    let place = "choreo: --set layers.timeout.recv: layers[1].recv: expected a time";
    assert!(told.starts_with(place), "{told}");
    let told = refused(
        end(with(&["--set", "layers.retry.retries=7"], &[]), "").await,
        1,
    );
    let expected = "choreo: --set layers.retry.retries: layers: \"retry\" does not name one layer; \
                    the stack has: 0 monitor, 1 timeout\n";
    assert_eq!(told, expected);
    refused(end(with(&["--set", "role"], &[]), "").await, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = command(&["check", &sample("memory.toml")]);
    command.env("CHOREO_ROLE", std::ffi::OsStr::from_bytes(b"\xff"));
    let told = refused(end(command, "").await, 1);
    assert_eq!(told, "choreo: CHOREO_ROLE: it is no UTF-8\n");
}

#[tokio::test]
async fn a_file_to_begin_with_is_right_where_nothing_is_left_open() {
    let words = [
        "init", "--codec", "json", "--layer", "retry", "--layer", "trace",
    ];
    let file = well(choreo(&words).await);
    let ended = end(command(&["check", "-"]), &file).await;
    assert_eq!(
        well(ended),
        "stdin: Alice plays over Trace<Retry<InMemory<Json>>>\n"
    );

    let words = [
        "init",
        "--role",
        "Bob",
        "--transport",
        "websocket",
        "--layer",
        "timeout",
    ];
    let file = well(choreo(&words).await);
    let told = refused(end(command(&["check", "-"]), &file).await, 1);
    assert!(
        told.contains("transport.url: ") && told.contains("| url = \"·\""),
        "{told}"
    );
    // All options that are comments are right, too.
    let whole = file
        .replace("url = \"…\"", "url = \"ws://host\"")
        .replace("\n# ", "\n");
    let whole = whole.replace("Layers, from the inside out.", "");
    let ended = end(command(&["check", "-"]), &whole).await;
    assert_eq!(
        well(ended),
        "stdin: Bob plays over Timeout<Session<WebSocket>>\n"
    );
}

#[tokio::test]
async fn shells_complete_names() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = well(choreo(&["completions", shell]).await);
        // Those of PowerShell and Elvish have no values.
        let values = ["powershell", "elvish"].contains(&shell);
        let value = if values { "plugins" } else { "fault-injection" };
        for word in [
            "completions",
            "ping-pong",
            "scatter-gather",
            "diagram",
            value,
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    refused(choreo(&["completions", "cmd"]).await, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn bash_takes_its_script() {
    let script = Scratch::new("bash", &well(choreo(&["completions", "bash"]).await));
    // What is typed, and what there is.
    for (typed, expected) in [
        ("choreo run p", "ping-pong"),
        ("choreo plugins re", "record retry"),
        ("choreo init --transport web", "websocket"),
    ] {
        let words = "source \"$1\"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
                     _choreo choreo \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"; \
                     echo \"${COMPREPLY[@]}\"";
        let mut bash = tokio::process::Command::new("bash");
        bash.args(["-c", words, "bash", script.path(), typed]);
        let output = bash.output().await.expect("there is a bash");
        assert!(output.status.success(), "{output:?}");
        let completed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(completed.trim_end(), expected, "{output:?}");
    }
}
