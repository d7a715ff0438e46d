use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        A -> B: Title(Title);
    }
}

fn main() {}
