use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        A -> B: Role(u8);
    }
}

fn main() {}
