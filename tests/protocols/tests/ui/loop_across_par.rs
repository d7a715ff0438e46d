use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B, C;
        loop {
            par {
                A -> B: Hello;
                break;
            } and { A -> C: Hello; }
        }
    }
}

fn main() {}
