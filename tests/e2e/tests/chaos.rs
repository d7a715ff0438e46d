//! Three roles, one in a window, one in a worker of it and a native one, speak through a relay
//! while their connections are cut and the relay is killed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use choreo_chaos::conversation::{Account, Part, ROUND, frames_per_message, received};
use choreo_chaos::{Breaks, Program, Proxy, seats};
use choreo_e2e::{Place, TestPage, browse, variable};
use tokio::time::{sleep, timeout};

/// By then all must be over.
const LIMIT: Duration = Duration::from_secs(120);

/// How much is said, and how often that is broken.
struct Plan {
    messages: u64,
    breaks: Breaks,
}

impl Plan {
    /// All of it in Chromium. The others open connections again more slowly, on purpose: there it
    /// is enough to see that nothing depends on the browser.
    fn of_this_browser() -> Result<Self> {
        let plan = |messages, cuts, kills| Self {
            messages,
            breaks: Breaks { cuts, kills },
        };
        Ok(match variable("CHOREO_E2E_BROWSER")?.as_str() {
            "chromium" => plan(10_000, 100, 10),
            _ => plan(1_000, 10, 2),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn messages_arrive_once_and_in_order_in_a_window_a_worker_and_natively() -> Result<()> {
    browse("chaos", async |browser| {
        let Plan { messages, breaks } = Plan::of_this_browser()?;
        let rounds = messages.div_ceil(ROUND);
        let (program, origin) = (variable("CHOREO_E2E_RELAY")?, TestPage::origin()?);
        let program = Program::at(&program);
        let keys = program.make_keys().await;
        let start = async |address: SocketAddr| {
            let more = ["--allow-origin", &origin];
            program.start_at(address, &keys, &more).await
        };
        let relay = start(([127, 0, 0, 1], 0).into()).await;
        let seats = seats(&relay, &keys, rounds).await;
        let (proxies, settings): (Vec<_>, Vec<_>) = seats.into_iter().unzip();
        let [alice, bob, carol] = settings.try_into().ok().context("there are three roles")?;

        let page = TestPage::open(browser).await?;
        let begun = Instant::now();
        page.play(Place::Window, &alice).await?;
        page.play(Place::Worker, &bob).await?;
        let carol = Part::new(carol);
        // All go from round to round together.
        let progress = || (carol.account().tally.received * 3) as f64 / (rounds * ROUND) as f64;
        let all = async {
            let breaks = breaks.carry_out(relay, start, &proxies, progress);
            let play = async { carol.play().await.context("Carol") };
            let in_page = async { both(&page).await };
            let broken = async { Ok(breaks.await) };
            futures::try_join!(play, in_page, broken)
        };
        let Ok(ended) = timeout(LIMIT, all).await else {
            let window = page.account(Place::Window).await?;
            let worker = page.account(Place::Worker).await?;
            anyhow::bail!("not over: {window:#?}, {worker:#?}, {:#?}", carol.account());
        };
        let ((), [window, worker], _relay) = ended?;
        let took = begun.elapsed();

        let accounts = [window, worker, carol.account()];
        for account in &accounts {
            let all = rounds * ROUND / 3;
            ensure!(
                account.tally.is_flawless(all) && account.sent == all && account.error.is_none(),
                "{account:#?}"
            );
            // Cut in turn: nobody was spared.
            ensure!(account.connections > breaks.cuts / 6, "{account:#?}");
        }
        let cuts: u64 = proxies.iter().map(Proxy::cuts).sum();
        ensure!(cuts >= breaks.cuts, "{cuts} cuts");
        let per_message = frames_per_message(&accounts);
        println!(
            "{} messages, {cuts} cuts, {} kills, {} connections in {took:?}: {per_message:.3} \
             frames of data a message",
            received(&accounts),
            breaks.kills,
            accounts
                .iter()
                .map(|account| account.connections)
                .sum::<u64>(),
        );
        ensure!(per_message <= 1.5, "{per_message} frames a message");
        Ok(())
    })
    .await
}

/// Waits until the parts in the page are over.
async fn both(page: &TestPage) -> Result<[Account; 2]> {
    loop {
        let window = page.account(Place::Window).await?;
        let worker = page.account(Place::Worker).await?;
        for account in [&window, &worker].into_iter().flatten() {
            ensure!(account.error.is_none(), "{account:#?}");
        }
        if let (Some(window), Some(worker)) = (window, worker)
            && window.over
            && worker.over
        {
            return Ok([window, worker]);
        }
        sleep(Duration::from_millis(100)).await;
    }
}
