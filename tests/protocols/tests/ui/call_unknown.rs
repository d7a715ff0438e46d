use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        do Greet(A, B);
    }
}

fn main() {}
