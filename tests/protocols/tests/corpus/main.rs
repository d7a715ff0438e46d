//! Protocols that are known from papers, books and other tools.

mod ping_pong;
