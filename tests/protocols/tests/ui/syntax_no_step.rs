use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        Alice -> Bob: Hello;
        if ready { Bob -> Alice: Hello; }
    }
}

fn main() {}
