use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B, C;
        loop {
            choice at A to B {
                more => { B -> C: More; }
                stop => break;
            }
        }
    }
}

fn main() {}
