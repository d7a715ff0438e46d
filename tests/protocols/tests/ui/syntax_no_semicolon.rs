use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        Alice -> Bob: Hello
        Bob -> Alice: Hello;
    }
}

fn main() {}
