use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Alice, Bob;
        choice at Alice { yes { Alice -> Bob: Hello; } }
    }
}

fn main() {}
