use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Master, Worker[n];
        Master -> Worker: Task;
        Worker -> Worker: Gossip;
    }
}

fn main() {}
