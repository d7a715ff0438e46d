use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        par { A -> B: One; } and { A -> B: Other; }
    }
}

fn main() {}
