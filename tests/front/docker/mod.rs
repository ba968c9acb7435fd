//! What needs a Docker engine; run one after another (`.config/nextest.toml`).

mod images;
mod keys;
mod pythons;
mod samples;
mod services;
