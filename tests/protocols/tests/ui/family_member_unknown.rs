use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[3];
        Master -> Worker[3]: Task;
    }
}

fn main() {}
