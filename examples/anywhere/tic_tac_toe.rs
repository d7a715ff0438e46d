//! Two players take turns; whoever ends the game says so with the last move.

use choreo::prelude::*;

choreography! {
    /// A game for two, on nine places.
    pub protocol TicTacToe {
        roles Cross, Nought;
        loop {
            choice at Cross {
                play => { Cross -> Nought: Move(usize); }
                finish => {
                    Cross -> Nought: Move(usize);
                    break;
                }
            }
            choice at Nought {
                play => { Nought -> Cross: Move(usize); }
                finish => {
                    Nought -> Cross: Move(usize);
                    break;
                }
            }
        }
    }
}

pub use tic_tac_toe::{Move, Role};

/// The places, row by row.
struct Board([char; 9]);

impl Board {
    const NEW: Self = Self([' '; 9]);

    fn is_over(&self) -> bool {
        let lines = [
            [0, 1, 2],
            [3, 4, 5],
            [6, 7, 8],
            [0, 3, 6],
            [1, 4, 7],
            [2, 5, 8],
            [0, 4, 8],
            [2, 4, 6],
        ];
        let won = |line: &[usize; 3]| {
            let [a, b, c] = line.map(|at| self.0[at]);
            a != ' ' && a == b && b == c
        };
        lines.iter().any(won) || !self.0.contains(&' ')
    }

    /// Takes the first free place.
    fn take(&mut self, sign: char) -> Result<usize> {
        let free = self.0.iter().position(|place| *place == ' ');
        let free = free.ok_or_else(|| Error::new(ErrorKind::Protocol, "no place is free"))?;
        self.0[free] = sign;
        Ok(free)
    }

    /// The other player takes a place.
    fn took(&mut self, place: usize, sign: char) -> Result<()> {
        match self.0.get_mut(place) {
            Some(free @ ' ') => {
                *free = sign;
                Ok(())
            }
            _ => {
                let detail = format!("{sign} took place {place}, which is not free");
                Err(Error::new(ErrorKind::Protocol, detail))
            }
        }
    }

    fn shown(&self) -> String {
        self.0.iter().collect()
    }
}

/// Begins; gives the board at the end.
pub async fn cross<H>(handler: &H, endpoint: &H::Endpoint) -> Result<String>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use tic_tac_toe::cross::Offered;

    let (mut next, mut board) = (tic_tac_toe::cross(handler, endpoint), Board::NEW);
    loop {
        let place = board.take('x')?;
        if board.is_over() {
            next.finish().await?.send(Move(place)).await?;
            return Ok(board.shown());
        }
        match next.play().await?.send(Move(place)).await?.offer().await? {
            Offered::Play(theirs) => {
                let (Move(place), again) = theirs.recv().await?;
                board.took(place, 'o')?;
                next = again;
            }
            Offered::Finish(theirs) => {
                let (Move(place), _end) = theirs.recv().await?;
                board.took(place, 'o')?;
                return Ok(board.shown());
            }
        }
    }
}

/// Answers; gives the board at the end.
pub async fn nought<H>(handler: &H, endpoint: &H::Endpoint) -> Result<String>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use tic_tac_toe::nought::Offered;

    let (mut next, mut board) = (tic_tac_toe::nought(handler, endpoint), Board::NEW);
    loop {
        let own = match next.offer().await? {
            Offered::Play(theirs) => {
                let (Move(place), own) = theirs.recv().await?;
                board.took(place, 'x')?;
                own
            }
            Offered::Finish(theirs) => {
                let (Move(place), _end) = theirs.recv().await?;
                board.took(place, 'x')?;
                return Ok(board.shown());
            }
        };
        let place = board.take('o')?;
        if board.is_over() {
            own.finish().await?.send(Move(place)).await?;
            return Ok(board.shown());
        }
        next = own.play().await?.send(Move(place)).await?;
    }
}
