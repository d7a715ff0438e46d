//! `choreography!`: what it gives, over a handler in memory, natively and in browsers.

use choreo::prelude::*;
use choreo::runtime;

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

choreography! {
    /// One asks, the other answers.
    pub protocol PingPong {
        roles Alice, Bob;
        Alice -> Bob: Ping(u32);
        Bob -> Alice: Pong(u32);
    }

    /// Two buyers share the price of a book.
    protocol TwoBuyers {
        roles
            /// Asks.
            First,
            /// Decides.
            Second,
            Seller;
        First -> Seller: Title(String);
        Seller -> First: Price(u32);
        Seller -> Second: Price(u32);
        First -> Second: Share(u32);
        choice at Second to First, Seller {
            accept => {
                Second -> Seller: Address(String);
                Seller -> Second: Date(u32);
            }
            reject => {}
        }
    }

    /// As long as there are numbers.
    protocol Adder {
        roles Client, Server;
        loop {
            choice at Client {
                add => {
                    Client -> Server: Operand(i64);
                    Client -> Server: Operand(i64);
                    Server -> Client: Sum(i64);
                }
                bye => break;
            }
        }
    }

    /// Both ways at once.
    protocol Exchange {
        roles Left, Right;
        par { Left -> Right: Mine(u8); } and { Right -> Left: Yours(u8); }
        Left -> Right: Enough;
    }

    /// Called by the next one.
    protocol Squares {
        roles Asker, Worker[n];
        Asker -> Worker: Number(u32);
        Worker -> Asker: Square(u32);
    }

    /// A family plays a family, and one role may, too.
    protocol Twice {
        roles Boss, Crew[hands], Solo;
        do Squares(Boss, Crew);
        do Squares(Boss, Solo);
    }

    /// Names of messages that end with a number.
    protocol Numbered {
        roles One, Two;
        One -> Two: Value;
        One -> Two: Value;
        One -> Two: Value2;
    }

    /// Each of the first hands what it gets to the second.
    protocol Relay {
        roles Runner[2], Judge;
        Judge -> Runner: Ready(u8);
        Runner[0] -> Runner[1]: Baton(u8);
        Runner -> Judge: Ran(u8);
    }

    /// Two families, of as many as there are.
    protocol Review {
        roles Author[authors], Editor, Reader[readers];
        Author -> Reader: Text(u32);
        choice at Editor {
            publish => {
                Editor -> Author: Thanks;
                par { Reader -> Author: Opinion(u32); } and { Reader -> Editor: Bill(u32); }
            }
            stop => {}
        }
    }
}

#[test]
async fn ping_pong() -> Result<()> {
    use ping_pong::{Ping, Pong, Role};

    let network = InMemoryNetwork::new();
    let (alice, bob) = (network.join(Role::Alice)?, network.join(Role::Bob)?);
    let alice = async {
        let (Pong(number), _end) = ping_pong::alice(&alice, &())
            .send(Ping(1))
            .await?
            .recv()
            .await?;
        Ok::<_, Error>(number)
    };
    let bob = async {
        let (Ping(number), next) = ping_pong::bob(&bob, &()).recv().await?;
        next.send(Pong(number + 1)).await.map(drop)
    };
    let (answer, ()) = futures::try_join!(alice, bob)?;
    assert_eq!(answer, 2);
    Ok(())
}

#[test]
async fn a_choice_arrives_as_an_enum() -> Result<()> {
    use two_buyers::first::Offered;
    use two_buyers::seller::Offered as ToSeller;
    use two_buyers::*;

    for accepts in [true, false] {
        let network = InMemoryNetwork::new();
        let [first, second, seller] =
            [Role::First, Role::Second, Role::Seller].map(|role| network.join(role));
        let (first, second, seller) = (first?, second?, seller?);
        let first = async {
            let next = two_buyers::first(&first, &())
                .send(Title("a book".into()))
                .await?;
            let (Price(price), next) = next.recv().await?;
            match next.send(Share(price / 2)).await?.offer().await? {
                Offered::Accept(_end) => Ok::<_, Error>(true),
                Offered::Reject(_end) => Ok(false),
            }
        };
        let second = async {
            let (Price(price), next) = two_buyers::second(&second, &()).recv().await?;
            let (Share(share), next) = next.recv().await?;
            if !accepts {
                next.reject().await?;
                return Ok::<_, Error>(0);
            }
            let next = next.accept().await?.send(Address("here".into())).await?;
            let (Date(day), _end) = next.recv().await?;
            Ok(price - share + day)
        };
        let seller = async {
            let (Title(_), next) = two_buyers::seller(&seller, &()).recv().await?;
            let next = next.send(Price(80)).await?.send(Price(80)).await?;
            match next.offer().await? {
                ToSeller::Accept(next) => {
                    let (Address(place), next) = next.recv().await?;
                    next.send(Date(3)).await?;
                    Ok(place)
                }
                ToSeller::Reject(_end) => Ok::<_, Error>(String::new()),
            }
        };
        let (told, paid, place) = futures::try_join!(first, second, seller)?;
        assert_eq!(told, accepts);
        let expected = if accepts { (43, "here") } else { (0, "") };
        assert_eq!((paid, place.as_str()), expected);
    }
    Ok(())
}

#[test]
async fn a_loop_is_a_loop() -> Result<()> {
    use adder::server::Offered;
    use adder::*;

    let network = InMemoryNetwork::new();
    let (client, server) = (network.join(Role::Client)?, network.join(Role::Server)?);
    let client = async {
        let (mut next, mut total) = (adder::client(&client, &()), 0);
        for number in 0..100 {
            let added = next.add().await?.send(Operand(total)).await?;
            let (Sum(sum), again) = added.send(Operand(number)).await?.recv().await?;
            (next, total) = (again, sum);
        }
        next.bye().await?;
        Ok::<_, Error>(total)
    };
    let server = async {
        let mut next = adder::server(&server, &());
        loop {
            match next.offer().await? {
                Offered::Add(added) => {
                    let (Operand(one), added) = added.recv().await?;
                    let (Operand(other), added) = added.recv().await?;
                    next = added.send(Sum(one + other)).await?;
                }
                Offered::Bye(_end) => return Ok::<_, Error>(()),
            }
        }
    };
    let (total, ()) = futures::try_join!(client, server)?;
    assert_eq!(total, 4950);
    Ok(())
}

#[test]
async fn branches_at_once_are_joined() -> Result<()> {
    use exchange::*;

    let network = InMemoryNetwork::new();
    let (left, right) = (network.join(Role::Left)?, network.join(Role::Right)?);
    let left = async {
        let (sends, receives, join) = exchange::left(&left, &()).at_once();
        let (sent, (Yours(yours), received)) =
            futures::try_join!(sends.send(Mine(1)), receives.recv())?;
        join.join(sent, received).send(Enough).await?;
        Ok::<_, Error>(yours)
    };
    let right = async {
        let (receives, sends, join) = exchange::right(&right, &()).at_once();
        // One after the other is as good.
        let sent = sends.send(Yours(2)).await?;
        let (Mine(mine), received) = receives.recv().await?;
        let (Enough, _end) = join.join(received, sent).recv().await?;
        Ok::<_, Error>(mine)
    };
    assert_eq!(futures::try_join!(left, right)?, (2, 1));
    Ok(())
}

#[test]
async fn who_stops_in_the_middle_is_missed() -> Result<()> {
    use ping_pong::{Ping, Role};

    let network = InMemoryNetwork::new();
    let (alice, bob) = (network.join(Role::Alice)?, network.join(Role::Bob)?);
    let waiting = ping_pong::alice(&alice, &()).send(Ping(1)).await?;
    let (Ping(1), stopped) = ping_pong::bob(&bob, &()).recv().await? else {
        panic!("another number")
    };
    drop(stopped);
    let error = waiting.recv().await.map(drop).expect_err("nobody answers");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    Ok(())
}

#[test]
async fn stacks_on_boxes_will_do() -> Result<()> {
    use ping_pong::{Ping, Pong, Role};

    async fn alice(stack: &BoxHandler<Role>) -> Result<u32> {
        let (Pong(number), _end) = ping_pong::alice(stack, &())
            .send(Ping(1))
            .await?
            .recv()
            .await?;
        Ok(number)
    }

    async fn bob(stack: &dyn ChoreoHandler<Role = Role, Endpoint = ()>) -> Result<()> {
        let (Ping(number), next) = ping_pong::bob(stack, &()).recv().await?;
        next.send(Pong(number + 1)).await.map(drop)
    }

    let network = InMemoryNetwork::new();
    let (one, other) = (network.join(Role::Alice)?.boxed(), network.join(Role::Bob)?);
    // A task of its own: its future is `Send`.
    let (done, ended) = futures::channel::oneshot::channel();
    runtime::spawn(async move {
        let _ = done.send(bob(&other).await);
    });
    assert_eq!(alice(&one).await?, 2);
    ended.await.expect("it ends")
}

#[test]
async fn families_play_roles_of_other_protocols() -> Result<()> {
    use twice::{Number, Role, Square};

    let cast = twice::cast(2);
    let network = InMemoryNetwork::of(cast.all().to_vec());
    let crew = (0..2).map(async |hand| {
        let handler = network.join(Role::Crew(hand))?;
        let (Number(number), next) = twice::crew(hand, &handler, &(), &cast).recv().await?;
        next.send(Square(number * number)).await.map(drop)
    });
    let solo = async {
        let handler = network.join(Role::Solo)?;
        let (Number(number), next) = twice::solo(&handler, &(), &cast).recv().await?;
        next.send(Square(number * number)).await.map(drop)
    };
    let boss = async {
        let handler = network.join(Role::Boss)?;
        let next = twice::boss(&handler, &(), &cast);
        let next = next.send_each(|hand| Number(hand as u32 + 2)).await?;
        let (squares, next) = next.recv_each().await?;
        assert_eq!([squares[0].0, squares[1].0], [4, 9]);
        let (Square(last), _end) = next.send(Number(5)).await?.recv().await?;
        Ok::<_, Error>(last)
    };
    let (last, (), _) = futures::try_join!(boss, solo, futures::future::try_join_all(crew))?;
    assert_eq!(last, 25);
    let three = twice::protocol().with_count("hands", 3);
    three.check().expect("it is sound with any number");
    Ok(())
}

#[test]
async fn messages_may_end_with_a_number() -> Result<()> {
    use numbered::{Role, Value, Value2};

    let network = InMemoryNetwork::new();
    let (one, two) = (network.join(Role::One)?, network.join(Role::Two)?);
    let next = numbered::one(&one, &()).send(Value).await?;
    next.send(Value).await?.send(Value2).await?;
    let (Value, next) = numbered::two(&two, &()).recv().await?;
    let (Value, next) = next.recv().await?;
    let (Value2, _end) = next.recv().await?;
    Ok(())
}

#[test]
async fn members_of_a_fixed_family_are_roles_of_their_own() -> Result<()> {
    use relay::*;

    let network = InMemoryNetwork::of(<Role as choreo::ProtocolRole>::ALL.to_vec());
    let first = async {
        let handler = network.join(Role::Runner0)?;
        let (Ready(number), next) = relay::runner0(&handler, &()).recv().await?;
        let next = next.send(Baton(number + 1)).await?;
        next.send(Ran(number)).await.map(drop)
    };
    let second = async {
        let handler = network.join(Role::Runner1)?;
        let (Ready(number), next) = relay::runner1(&handler, &()).recv().await?;
        let (Baton(other), next) = next.recv().await?;
        next.send(Ran(number + other)).await.map(drop)
    };
    let judge = async {
        let handler = network.join(Role::Judge)?;
        let next = relay::judge(&handler, &()).send(Ready(10)).await?;
        let (Ran(first), next) = next.send(Ready(20)).await?.recv().await?;
        let (Ran(second), _end) = next.recv().await?;
        Ok::<_, Error>((first, second))
    };
    let (_, _, ran) = futures::try_join!(first, second, judge)?;
    assert_eq!(ran, (10, 31));
    Ok(())
}

#[test]
async fn families_of_any_size_speak_to_each_other() -> Result<()> {
    for (authors, readers) in [(1, 1), (2, 3), (4, 1), (0, 2), (2, 0)] {
        let (bills, opinions) = send(review_of(authors, readers)).await?;
        assert_eq!(bills, vec![authors as u32; readers]);
        let expected = (0..authors).map(|author| vec![author as u32; readers]);
        assert_eq!(opinions, expected.collect::<Vec<_>>());
    }
    Ok(())
}

/// All kinds of steps are `Send`, in boxed stacks, too.
fn send<F: Future + Send>(future: F) -> F {
    future
}

/// What the editor has to pay each reader, and what each author hears of each.
async fn review_of(authors: usize, readers: usize) -> Result<(Vec<u32>, Vec<Vec<u32>>)> {
    use review::*;

    let cast = review::cast(authors, readers);
    assert_eq!(cast.all().len(), authors + readers + 1);
    let network = InMemoryNetwork::of(cast.all().to_vec());
    let author = async |number: usize| {
        let handler = network.join(Role::Author(number))?.boxed();
        let next = review::author(number, &handler, &(), &cast);
        let text = |reader: usize| Text((100 * number + reader) as u32);
        match next.send_each(text).await?.offer().await? {
            author::Offered::Publish(next) => {
                let (Thanks, next) = next.recv().await?;
                let (opinions, _end) = next.recv_each().await?;
                Ok(opinions.iter().map(|Opinion(opinion)| *opinion).collect())
            }
            author::Offered::Stop(_end) => Ok::<Vec<u32>, Error>(Vec::new()),
        }
    };
    let reader = async |number: usize| {
        let handler = network.join(Role::Reader(number))?;
        let (texts, next) = review::reader(number, &handler, &(), &cast)
            .recv_each()
            .await?;
        for (author, Text(text)) in texts.iter().enumerate() {
            assert_eq!(*text as usize, 100 * author + number);
        }
        if let reader::Offered::Publish(next) = next.offer().await? {
            let (opines, bills, both) = next.at_once();
            let opines = opines.send_each(|author| Opinion(author as u32));
            let bills = bills.send(Bill(texts.len() as u32));
            let (opined, billed) = futures::try_join!(opines, bills)?;
            let _end = both.join(opined, billed);
        }
        Ok::<(), Error>(())
    };
    let editor = async {
        let handler = network.join(Role::Editor)?;
        let next = review::editor(&handler, &(), &cast).publish().await?;
        let next = next.send_each(|_| Thanks).await?;
        let (bills, _end) = next.recv_each().await?;
        Ok::<_, Error>(bills.iter().map(|Bill(bill)| *bill).collect())
    };
    let authors = futures::future::try_join_all((0..authors).map(author));
    let readers = futures::future::try_join_all((0..readers).map(reader));
    let (opinions, _, bills) = futures::try_join!(authors, readers, editor)?;
    Ok((bills, opinions))
}

#[test]
async fn the_protocol_is_a_value_too() {
    let protocol = two_buyers::protocol();
    assert_eq!(protocol.fingerprint(), two_buyers::FINGERPRINT);
    assert_eq!(protocol.doc, "Two buyers share the price of a book.");
    assert_eq!(protocol.roles[1].doc, "Decides.");
    assert_eq!(
        protocol.project("First").unwrap().to_string(),
        "First {\n    \
             First -> Seller: Title(String);\n    \
             Seller -> First: Price(u32);\n    \
             First -> Second: Share(u32);\n    \
             choice at Second to First {\n        \
                 accept => {\n        }\n        \
                 reject => {\n        }\n    \
             }\n\
         }"
    );
}
