//! Protocols that are known from papers, books and other tools.

mod adder;
mod alternating_bit;
mod diffie_hellman;
mod double_buffering;
mod fft;
mod merge_sort;
mod o_auth;
mod ping_pong;
mod refused;
mod ring;
mod ring_max;
mod ring_of_n;
mod scatter_gather;
mod streaming;
mod three_adder;
mod three_buyers;
mod tic_tac_toe;
mod two_buyers;
mod two_phase_commit;
