use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        Alice -> Bob: Hello;
        choice at Alice to Bob {}
    }
}

fn main() {}
