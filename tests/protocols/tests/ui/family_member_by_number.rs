use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[n];
        Master -> Worker[0]: Task;
    }
}

fn main() {}
