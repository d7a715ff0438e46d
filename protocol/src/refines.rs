//! Whether one part can be played in the place of another.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use crate::{Local, Message, State, StateId};

/// How much may be put off at a time.
const MOST_PENDING: usize = 64;
/// After so many pairs of states it is given up.
const MOST_PAIRS: usize = 100_000;

impl Local {
    /// Whether this part can be played in the place of another without anybody noticing: it does the
    /// same, but may send earlier, and receive later, than the other does. A message of the name `_`
    /// stands for any.
    ///
    /// ```
    /// use choreo_protocol::{Local, State};
    ///
    /// let part = |states: Vec<State>| Local { role: "B".into(), states };
    /// let recv = |next| State::Recv { from: "A".into(), message: "Value".into(), next };
    /// let send = |next| State::Send { to: "A".into(), message: "Ready".into(), next };
    ///
    /// let due = part(vec![recv(1), send(2), State::End]);
    /// let eager = part(vec![send(1), recv(2), State::End]);
    /// eager.refines(&due).expect("it says earlier that it is ready");
    /// assert!(due.refines(&eager).is_err(), "A might wait for it");
    /// ```
    ///
    /// # Errors
    /// What this part has done until it differs, and what is due. Also where it cannot be told: more
    /// than a bounded number of steps is put off, or a choice is.
    ///
    /// # Panics
    /// If one of the parts is [not sound](Self::check).
    ///
    /// # Queues
    /// What is sent earlier needs room in the queue to its receiver, at most 64 messages more than
    /// the protocol alone.
    ///
    /// # Source
    /// Asynchronous subtyping, bounded: Z. Cutner, N. Yoshida, M. Vassor, *Deadlock-Free Asynchronous
    /// Message Reordering in Rust with Multiparty Session Types*, Principles and Practice of
    /// Parallel Programming 2022.
    pub fn refines(&self, part: &Self) -> Result<(), Differs> {
        let mut search = Search {
            own: self,
            due: part,
            known: HashMap::new(),
            reached: Vec::new(),
            ways: Vec::new(),
        };
        search.enter(Pair::at(Self::START, Self::START), None)?;
        let mut next = 0;
        while let Some(reached) = search.reached.get(next) {
            let pair = Rc::clone(&reached.pair);
            search.compare(next, &pair)?;
            next += 1;
        }
        search.all_is_done()
    }
}

/// Where one part differs from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// What this part does until there, and what it does then.
    pub own: Vec<String>,
    /// What is due until there, and what is due then.
    pub due: Vec<String>,
    /// Why the one does not stand for the other.
    pub why: String,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { own, due, why } = self;
        let [own, due] = [own, due].map(|trace| match trace.is_empty() {
            true => "nothing".to_owned(),
            false => trace.join(", "),
        });
        write!(f, "{why}; this part: {own}; due: {due}")
    }
}

impl std::error::Error for Differs {}

/// One thing that a part does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Act {
    Send(String, Message),
    Recv(String, Message),
    Tell(Vec<String>, String),
    Hear(String, String),
}

/// A state of each part, and what was due and is put off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair {
    own: StateId,
    due: StateId,
    pending: Vec<Act>,
}

/// A pair, and the act by which it was first come to, from which other.
struct Reached {
    pair: Rc<Pair>,
    from: Option<(usize, String)>,
}

/// One pair leads to another.
struct Way {
    from: usize,
    to: usize,
    /// What was put off before, and is done now.
    done: Option<usize>,
}

struct Search<'a> {
    own: &'a Local,
    due: &'a Local,
    known: HashMap<Rc<Pair>, usize>,
    reached: Vec<Reached>,
    ways: Vec<Way>,
}

impl Pair {
    /// With nothing put off.
    fn at(own: StateId, due: StateId) -> Self {
        let pending = Vec::new();
        Self { own, due, pending }
    }
}

impl Search<'_> {
    /// Comes to a pair, which is compared later if it is new.
    fn enter(&mut self, pair: Pair, from: Option<(usize, String)>) -> Result<usize, Differs> {
        if let Some(known) = self.known.get(&pair) {
            return Ok(*known);
        }
        let number = self.reached.len();
        if number >= MOST_PAIRS {
            let why = "the two are too large to be compared".to_owned();
            return Err(self.differs(0, "all of it".to_owned(), why));
        }
        let pair = Rc::new(pair);
        self.known.insert(Rc::clone(&pair), number);
        self.reached.push(Reached { pair, from });
        Ok(number)
    }

    fn compare(&mut self, at: usize, pair: &Pair) -> Result<(), Differs> {
        match self.own.state(pair.own) {
            State::End => match (&*pair.pending, self.due.state(pair.due)) {
                ([], State::End) => Ok(()),
                _ => {
                    let why = "this part is over, and something is due".to_owned();
                    Err(self.differs(at, "nothing more".to_owned(), why))
                }
            },
            State::Send { to, message, next } => {
                let act = Act::Send(to.clone(), message.clone());
                self.step(at, pair, &act, *next)
            }
            State::Recv {
                from,
                message,
                next,
            } => {
                let act = Act::Recv(from.clone(), message.clone());
                self.step(at, pair, &act, *next)
            }
            State::Choose { to, branches } => branches.iter().try_for_each(|(label, next)| {
                self.step(at, pair, &Act::Tell(to.clone(), label.clone()), *next)
            }),
            State::Offer { from, branches } => self.offer(at, pair, from, branches),
            State::Parallel { branches, next } => self.parallel(at, pair, branches, *next),
        }
    }

    /// Finds an act among what is due, and goes on behind it.
    fn step(&mut self, at: usize, pair: &Pair, act: &Act, next: StateId) -> Result<(), Differs> {
        let mut pending = pair.pending.clone();
        let place = pending.iter().position(|due| act.is(due));
        let over = &pending[..place.unwrap_or(pending.len())];
        if let Some(blocks) = over.iter().find(|due| !act.overtakes(due)) {
            let why = format!("{act} must not come before {blocks}");
            return Err(self.differs(at, act.to_string(), why));
        }
        if let Some(place) = place {
            pending.remove(place);
            let (own, due) = (next, pair.due);
            return self.on(at, act, Pair { own, due, pending }, Some(place));
        }
        let mut due_at = pair.due;
        loop {
            let (due, after) = match self.due.state(due_at) {
                State::Send { to, message, next } => {
                    (Act::Send(to.clone(), message.clone()), *next)
                }
                State::Recv {
                    from,
                    message,
                    next,
                } => (Act::Recv(from.clone(), message.clone()), *next),
                State::Choose { to, branches } => {
                    if let Act::Tell(told, label) = act
                        && same_set(told, to)
                        && let Some((_, after)) = branches.iter().find(|(known, _)| known == label)
                    {
                        (act.clone(), *after)
                    } else {
                        let why = format!("{act} is none of the choices that are due");
                        return Err(self.differs(at, act.to_string(), why));
                    }
                }
                State::Offer { .. } | State::Parallel { .. } | State::End => {
                    let why = format!("{act} is not due");
                    return Err(self.differs(at, act.to_string(), why));
                }
            };
            if act.is(&due) {
                let (own, due) = (next, after);
                return self.on(at, act, Pair { own, due, pending }, None);
            }
            if !act.overtakes(&due) {
                let why = format!("{act} must not come before {due}");
                return Err(self.differs(at, act.to_string(), why));
            }
            pending.push(due);
            if pending.len() > MOST_PENDING {
                let why = format!("more than {MOST_PENDING} steps are put off");
                return Err(self.differs(at, act.to_string(), why));
            }
            due_at = after;
        }
    }

    /// Both have done something.
    fn on(
        &mut self,
        from: usize,
        act: &Act,
        pair: Pair,
        done: Option<usize>,
    ) -> Result<(), Differs> {
        let to = self.enter(pair, Some((from, act.to_string())))?;
        self.ways.push(Way { from, to, done });
        Ok(())
    }

    /// All that the peer may decide has to be expected.
    fn offer(
        &mut self,
        at: usize,
        pair: &Pair,
        from: &str,
        branches: &[(String, StateId)],
    ) -> Result<(), Differs> {
        let hears = format!("hear from {from}");
        let State::Offer {
            from: due,
            branches: ways,
        } = self.due.state(pair.due)
        else {
            let why = format!("a choice of {from} is not due");
            return Err(self.differs(at, hears, why));
        };
        if !pair.pending.is_empty() {
            let why = "a choice is not heard while something is put off".to_owned();
            return Err(self.differs(at, hears, why));
        }
        if due != from {
            let why = format!("a choice of {due} is due");
            return Err(self.differs(at, hears, why));
        }
        for (label, after) in ways {
            let Some((_, next)) = branches.iter().find(|(known, _)| known == label) else {
                let why = format!("{from} may decide for {label}, which is not expected");
                return Err(self.differs(at, hears, why));
            };
            let act = Act::Hear(from.to_owned(), label.clone());
            self.on(at, &act, Pair::at(*next, *after), None)?;
        }
        Ok(())
    }

    /// What is done at once is compared one by one.
    fn parallel(
        &mut self,
        at: usize,
        pair: &Pair,
        branches: &[StateId],
        next: StateId,
    ) -> Result<(), Differs> {
        let own = "do things at once".to_owned();
        match self.due.state(pair.due) {
            State::Parallel {
                branches: ways,
                next: after,
            } if pair.pending.is_empty() && branches.len() == ways.len() => {
                for (number, (own, due)) in branches.iter().zip(ways).enumerate() {
                    let act = format!("at once, {}", number + 1);
                    self.enter(Pair::at(*own, *due), Some((at, act)))?;
                }
                let act = "all at once".to_owned();
                self.enter(Pair::at(next, *after), Some((at, act)))?;
                Ok(())
            }
            _ => {
                let why = "as many things at once are not due".to_owned();
                Err(self.differs(at, own, why))
            }
        }
    }

    /// Nothing is put off for ever: whoever follows one of the things that are put off, from pair to
    /// pair, does not go round.
    fn all_is_done(&self) -> Result<(), Differs> {
        let mut firsts = Vec::with_capacity(self.reached.len());
        let mut count = 0;
        for reached in &self.reached {
            firsts.push(count);
            count += reached.pair.pending.len();
        }
        let (mut leads_to, mut ways_in) = (vec![Vec::new(); count], vec![0_usize; count]);
        for way in &self.ways {
            for place in 0..self.reached[way.from].pair.pending.len() {
                let then = match way.done {
                    Some(done) if done == place => continue,
                    Some(done) if done < place => place - 1,
                    _ => place,
                };
                leads_to[firsts[way.from] + place].push(firsts[way.to] + then);
                ways_in[firsts[way.to] + then] += 1;
            }
        }
        let mut open: Vec<_> = (0..count).filter(|one| ways_in[*one] == 0).collect();
        while let Some(one) = open.pop() {
            for next in &leads_to[one] {
                ways_in[*next] -= 1;
                if ways_in[*next] == 0 {
                    open.push(*next);
                }
            }
        }
        let Some(left) = ways_in.iter().position(|ways| *ways > 0) else {
            return Ok(());
        };
        let at = firsts.partition_point(|first| *first <= left) - 1;
        let act = &self.reached[at].pair.pending[left - firsts[at]];
        let why = format!("{act} is put off for ever");
        Err(self.differs(at, "goes round".to_owned(), why))
    }

    /// They differ at a pair, where this part does something.
    fn differs(&self, at: usize, act: String, why: String) -> Differs {
        let pair = &self.reached[at].pair;
        let mut trace = Vec::new();
        let mut number = at;
        while let Some((from, act)) = &self.reached[number].from {
            trace.push(act.clone());
            number = *from;
        }
        trace.reverse();
        let (mut own, mut due) = (trace.clone(), trace);
        own.push(act);
        due.extend(pair.pending.iter().map(ToString::to_string));
        due.push(match self.due.state(pair.due) {
            State::Send { to, message, .. } => format!("send {message} to {to}"),
            State::Recv { from, message, .. } => format!("receive {message} from {from}"),
            State::Choose { to, branches } => {
                format!("tell {} of {}", to.join(" and "), labels(branches))
            }
            State::Offer { from, branches } => {
                format!("hear of {} from {from}", labels(branches))
            }
            State::Parallel { .. } => "do things at once".to_owned(),
            State::End => "nothing more".to_owned(),
        });
        Differs { own, due, why }
    }
}

fn same_set(some: &[String], others: &[String]) -> bool {
    some.len() == others.len() && some.iter().all(|role| others.contains(role))
}

fn labels(branches: &[(String, StateId)]) -> String {
    let labels: Vec<_> = branches.iter().map(|(label, _)| &**label).collect();
    labels.join(" or ")
}

impl Act {
    /// Whether this is what is due.
    fn is(&self, due: &Self) -> bool {
        let same = |one: &Message, other: &Message| {
            one == other || [one, other].iter().any(|message| message.name == "_")
        };
        match (self, due) {
            (Self::Send(to, message), Self::Send(peer, other))
            | (Self::Recv(to, message), Self::Recv(peer, other)) => {
                to == peer && same(message, other)
            }
            (Self::Tell(to, label), Self::Tell(others, other)) => {
                label == other && same_set(to, others)
            }
            _ => self == due,
        }
    }

    /// Whether nobody can tell if this comes before something else that is due: a send before
    /// receives, and before sends to others; a receive before receives from others.
    fn overtakes(&self, due: &Self) -> bool {
        match (self, due) {
            (Self::Send(..) | Self::Tell(..), Self::Recv(..) | Self::Hear(..)) => true,
            (Self::Send(..) | Self::Tell(..), Self::Send(..) | Self::Tell(..)) => {
                let (mine, others) = (self.peers(), due.peers());
                !mine.iter().any(|peer| others.contains(peer))
            }
            (Self::Recv(from, _), Self::Recv(other, _)) => from != other,
            _ => false,
        }
    }

    fn peers(&self) -> Vec<&String> {
        match self {
            Self::Send(peer, _) | Self::Recv(peer, _) | Self::Hear(peer, _) => vec![peer],
            Self::Tell(peers, _) => peers.iter().collect(),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(to, message) => write!(f, "send {message} to {to}"),
            Self::Recv(from, message) => write!(f, "receive {message} from {from}"),
            Self::Tell(to, label) => write!(f, "tell {} of {label}", to.join(" and ")),
            Self::Hear(from, label) => write!(f, "hear of {label} from {from}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(to: &str, message: &str, next: StateId) -> State {
        let (to, message) = (to.to_owned(), message.into());
        State::Send { to, message, next }
    }

    fn recv(from: &str, message: &str, next: StateId) -> State {
        let (from, message) = (from.to_owned(), message.into());
        State::Recv {
            from,
            message,
            next,
        }
    }

    fn part(states: impl IntoIterator<Item = State>) -> Local {
        Local {
            role: "K".to_owned(),
            states: states.into_iter().collect(),
        }
    }

    /// The kernel of double buffering: it says that it is ready before it is done with the last one.
    #[test]
    fn double_buffering_is_sound() {
        let due = part([
            send("Source", "Ready", 1),
            recv("Source", "Value", 2),
            recv("Sink", "Ready", 3),
            send("Sink", "Value", 0),
        ]);
        let reordered = part([
            send("Source", "Ready", 1),
            send("Source", "Ready", 2),
            recv("Source", "Value", 3),
            recv("Sink", "Ready", 4),
            send("Sink", "Value", 1),
        ]);
        reordered.refines(&due).unwrap();
        due.refines(&due).unwrap();
    }

    #[test]
    fn what_is_never_received_is_refused() {
        let due = part([recv("A", "Once", 1), send("B", "Again", 1)]);
        let deaf = part([send("B", "Again", 0)]);
        let differs = deaf.refines(&due).unwrap_err();
        assert_eq!(differs.why, "receive Once from A is put off for ever");
    }

    #[test]
    fn receiving_before_sending_is_refused() {
        let due = part([send("A", "Ask", 1), recv("A", "Answer", 2), State::End]);
        let waits = part([recv("A", "Answer", 1), send("A", "Ask", 2), State::End]);
        let differs = waits.refines(&due).unwrap_err();
        assert_eq!(
            differs.to_string(),
            "receive Answer from A must not come before send Ask to A; \
             this part: receive Answer from A; due: send Ask to A"
        );
    }

    #[test]
    fn messages_to_one_peer_keep_their_order() {
        let due = part([send("A", "One", 1), send("A", "Two", 2), State::End]);
        let other = part([send("A", "Two", 1), send("A", "One", 2), State::End]);
        assert!(other.refines(&due).is_err());
        let due = part([send("A", "One", 1), send("B", "Two", 2), State::End]);
        let other = part([send("B", "Two", 1), send("A", "One", 2), State::End]);
        other.refines(&due).unwrap();
    }

    #[test]
    fn fewer_choices_are_made_and_more_are_expected() {
        let choose = |labels: &[&str]| State::Choose {
            to: vec!["A".to_owned()],
            branches: labels
                .iter()
                .map(|label| ((*label).to_owned(), 1))
                .collect(),
        };
        let offer = |labels: &[&str]| State::Offer {
            from: "A".to_owned(),
            branches: labels
                .iter()
                .map(|label| ((*label).to_owned(), 1))
                .collect(),
        };
        let [few, many] =
            [&["x"][..], &["x", "y"]].map(|labels| part([choose(labels), State::End]));
        few.refines(&many).unwrap();
        assert!(many.refines(&few).is_err());
        let [few, many] = [&["x"][..], &["x", "y"]].map(|labels| part([offer(labels), State::End]));
        many.refines(&few).unwrap();
        let differs = few.refines(&many).unwrap_err();
        assert_eq!(differs.why, "A may decide for y, which is not expected");
    }
}
