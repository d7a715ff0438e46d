use choreo::prelude::*;

choreography! {
    protocol Greet {
        roles From, To;
        From -> To: Hello;
    }

    protocol Wrong {
        roles A, B, C;
        A -> C: Hello;
        do Greet(A, B, C);
    }
}

fn main() {}
