use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B, C;
        choice at A to B {
            left => {
                B -> C: Same;
                C -> A: Left;
            }
            right => {
                B -> C: Same;
                C -> A: Right;
            }
        }
    }
}

fn main() {}
