use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker;
        Master -> Worker[1]: Task;
    }
}

fn main() {}
