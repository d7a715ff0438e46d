use axum::http::HeaderMap;

use crate::wire::{Ask, HEADER, Head, Id};

impl Head {
    /// What a request asks for, if it says so once and well.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut heads = headers.get_all(HEADER).iter();
        let head = Self::parse(heads.next()?.to_str().ok()?)?;
        heads.next().is_none().then_some(head)
    }

    /// The header's value, if it is one.
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let ask = words.next()?;
        let id = Id::parse(words.next()?)?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let ask = match ask {
            "open" => Ask::Open,
            "send" => Ask::Send {
                first: number()?,
                next: number()?,
            },
            "stream" => Ask::Stream {
                turn: number()?,
                next: number()?,
            },
            "poll" => Ask::Poll {
                turn: number()?,
                next: number()?,
            },
            _ => return None,
        };
        words.next().is_none().then_some(Self { id, ask })
    }
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok()?;
        hex.then_some(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back() {
        for ask in [
            Ask::Open,
            Ask::Send { first: 0, next: 7 },
            Ask::Stream {
                turn: 1,
                next: u64::MAX,
            },
            Ask::Poll { turn: 2, next: 3 },
        ] {
            let head = Head { id: Id(5), ask };
            assert_eq!(Head::parse(&head.to_string()), Some(head));
        }
    }

    #[test]
    fn other_heads_are_none() {
        let id = "0123456789abcdef0123456789abcdef";
        for bad in [
            String::new(),
            "open".to_owned(),
            "open 12".to_owned(),
            format!("open +{}", &id[1..]),
            format!("open {id} 1"),
            format!("close {id}"),
            format!("send {id} 1"),
            format!("send {id} 1 -1"),
            format!("send {id} 1 18446744073709551616"),
            format!("stream {id} 1 2 3"),
            format!("open  {id}"),
        ] {
            assert_eq!(Head::parse(&bad), None, "{bad}");
        }
    }
}
