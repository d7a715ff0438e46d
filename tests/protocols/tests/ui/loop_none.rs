use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        A -> B: Hello;
        break;
    }
}

fn main() {}
