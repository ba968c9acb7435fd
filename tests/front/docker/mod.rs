//! What needs a Docker engine; run one after another (`.config/nextest.toml`).

mod azureml;
mod batch;
mod images;
mod keys;
mod models;
mod pods;
mod pythons;
mod samples;
mod services;
mod update;
