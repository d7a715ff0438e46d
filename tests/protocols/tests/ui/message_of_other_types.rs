use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles A, B;
        A -> B: Number(u32);
        B -> A: Number(u64);
    }
}

fn main() {}
