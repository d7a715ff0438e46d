use choreo::prelude::*;

choreography! {
    protocol Wrong {
        roles Buyer, Seller, Bank;
        Buyer -> Seller: Order;
        choice at Seller to Buyer {
            accept => { Buyer -> Bank: Money(u32); }
            offer => { Seller -> Bank: Credit(u32); }
        }
    }
}

fn main() {}
