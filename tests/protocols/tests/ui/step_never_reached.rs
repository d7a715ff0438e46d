use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        loop { A -> B: Tick; }
        B -> A: Done;
    }
}

fn main() {}
