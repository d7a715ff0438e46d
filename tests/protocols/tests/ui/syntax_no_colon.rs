use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        Alice -> Bob Hello;
    }
}

fn main() {}
