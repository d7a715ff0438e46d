use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob, Carol;
        Alice -> Bob: Hello;
    }
}

fn main() {}
