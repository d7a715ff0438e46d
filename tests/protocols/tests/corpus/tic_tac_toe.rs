//! Two players take turns; whoever ends the game says so with the last move.

use choreo::prelude::*;
use choreo_protocols::{parts, play};
use tic_tac_toe::{Move, Role};

choreography! {
    protocol TicTacToe {
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

type Board = [char; 9];

fn is_over(board: &Board) -> bool {
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
        let [a, b, c] = line.map(|at| board[at]);
        a != ' ' && a == b && b == c
    };
    lines.iter().any(won) || !board.contains(&' ')
}

/// Takes the first free place.
fn take(board: &mut Board, sign: char) -> usize {
    let free = board.iter().position(|place| *place == ' ');
    let free = free.expect("it is not over");
    board[free] = sign;
    free
}

async fn cross<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use tic_tac_toe::cross::Offered;

    let (mut next, mut board) = (tic_tac_toe::cross(handler, endpoint), [' '; 9]);
    loop {
        let place = take(&mut board, 'x');
        if is_over(&board) {
            assert_eq!(board.iter().collect::<String>(), "xoxoxox  ");
            return next.finish().await?.send(Move(place)).await.map(drop);
        }
        match next.play().await?.send(Move(place)).await?.offer().await? {
            Offered::Play(theirs) => {
                let (Move(place), again) = theirs.recv().await?;
                board[place] = 'o';
                next = again;
            }
            Offered::Finish(theirs) => {
                let (Move(_), _end) = theirs.recv().await?;
                panic!("who begins wins, here");
            }
        }
    }
}

async fn nought<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
where
    H: ChoreoHandler<Role = Role> + ?Sized,
{
    use tic_tac_toe::nought::Offered;

    let (mut next, mut board) = (tic_tac_toe::nought(handler, endpoint), [' '; 9]);
    loop {
        let theirs = match next.offer().await? {
            Offered::Play(theirs) => theirs,
            Offered::Finish(theirs) => {
                let (Move(place), _end) = theirs.recv().await?;
                board[place] = 'x';
                assert!(is_over(&board));
                return Ok(());
            }
        };
        let (Move(theirs), own) = theirs.recv().await?;
        board[theirs] = 'x';
        let place = take(&mut board, 'o');
        if is_over(&board) {
            return own.finish().await?.send(Move(place)).await.map(drop);
        }
        next = own.play().await?.send(Move(place)).await?;
    }
}

play!(Cross => cross, Nought => nought);

#[test]
fn projections() {
    assert_eq!(parts(&tic_tac_toe::protocol()), PARTS);
}

const PARTS: &str = "\
Cross {
    choice at Cross to Nought {
        play => {
            Cross -> Nought: Move(usize);
            choice at Nought to Cross {
                play => {
                    Nought -> Cross: Move(usize);
                    goto 0;
                }
                finish => {
                    Nought -> Cross: Move(usize);
                }
            }
        }
        finish => {
            Cross -> Nought: Move(usize);
        }
    }
}
Nought {
    choice at Cross to Nought {
        play => {
            Cross -> Nought: Move(usize);
            choice at Nought to Cross {
                play => {
                    Nought -> Cross: Move(usize);
                    goto 0;
                }
                finish => {
                    Nought -> Cross: Move(usize);
                }
            }
        }
        finish => {
            Cross -> Nought: Move(usize);
        }
    }
}";
