use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        A -> B: Hello;
        loop { continue; }
    }
}

fn main() {}
