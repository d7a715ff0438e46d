use choreo::prelude::*;

choreography! {
    protocol One {
        roles A, B;
        A -> X: Hello;
    }

    protocol Two {
        roles A, B;
        A -> Y: Hello;
    }
}

fn main() {}
