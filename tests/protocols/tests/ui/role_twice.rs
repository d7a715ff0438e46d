use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob, Alice;
        Alice -> Bob: Hello;
    }
}

fn main() {}
