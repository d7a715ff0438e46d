use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[n];
        choice at Worker to Master {
            done => {}
            more => {}
        }
    }
}

fn main() {}
