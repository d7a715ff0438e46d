use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        loop outer {
            A -> B: Hello;
            break outside;
        }
    }
}

fn main() {}
