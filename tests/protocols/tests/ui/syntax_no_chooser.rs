use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        choice Alice { yes => {} }
    }
}

fn main() {}
