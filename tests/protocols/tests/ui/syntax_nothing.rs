use choreo::prelude::*;

choreography! {

}

fn main() {}
