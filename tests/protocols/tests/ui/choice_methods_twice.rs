use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        choice at A {
            go_on => { A -> B: One; }
            GoOn => {}
        }
    }
}

fn main() {}
