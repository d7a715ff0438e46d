use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[0];
        Master -> Worker: Task;
    }
}

fn main() {}
