use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::LazyLock;

/// An address of this machine alone, where it has many (Linux) another one in each process.
///
/// Who was cut off calls again, and the port may be somebody else's by then: here that is nobody of
/// another program of tests.
#[must_use]
pub fn loopback() -> IpAddr {
    static OURS: LazyLock<IpAddr> = LazyLock::new(|| {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        // Never the first, which is everybody's, nor the last, which is the network's.
        let own = Ipv4Addr::new(127, high | 64, middle, low);
        let is_there = TcpListener::bind((own, 0)).is_ok();
        if is_there { own } else { Ipv4Addr::LOCALHOST }.into()
    });
    *OURS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_this_machine_and_can_be_called() {
        let listener = TcpListener::bind((loopback(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        assert!(std::net::TcpStream::connect(address).is_ok());
    }
}
