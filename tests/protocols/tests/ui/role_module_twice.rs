use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Ann, ANN;
        Ann -> ANN: Hello;
    }
}

fn main() {}
