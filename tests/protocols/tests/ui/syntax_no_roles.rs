use choreo::prelude::*;

choreography! {
    protocol Wrong {
        Alice -> Bob: Hello;
    }
}

fn main() {}
