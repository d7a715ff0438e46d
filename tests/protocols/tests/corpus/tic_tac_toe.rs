//! Two players take turns; whoever ends the game says so with the last move. The example `anywhere`
//! has one of them in a browser.

use choreo_protocols::{parts, play};
use game::{Role, cross, nought, tic_tac_toe};

#[expect(unreachable_pub, reason = "a library would export it")]
#[path = "../../../../examples/anywhere/tic_tac_toe.rs"]
mod game;

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
