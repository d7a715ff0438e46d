# A worker that plays the buyer against the seller at $SELLER.
#
#   SELLER=http://127.0.0.1:8000/seller workerd serve config.capnp

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "buyer", worker = .buyer),
    # Where the worker may connect: by default not to this machine.
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "buyer")],
);

const buyer :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "edge.js", esModule = embed "../pkg/edge.js"),
    (name = "edge_bg.wasm", wasm = embed "../pkg/edge_bg.wasm"),
  ],
  bindings = [(name = "SELLER", fromEnvironment = "SELLER")],
  compatibilityDate = "2026-11-01",
);
