use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        Alice -> Bob: Hello;
        Bob -> Carol: Hello;
    }
}

fn main() {}
