use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        choice at A {
            go => { A -> B: One; }
            stop => {}
            go => { A -> B: Two; }
        }
    }
}

fn main() {}
