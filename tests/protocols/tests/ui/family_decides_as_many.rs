use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[2];
        choice at Worker to Master { done => {} }
    }
}

fn main() {}
