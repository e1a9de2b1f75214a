mod edges;
mod errors;
mod names;
mod periods;
mod settings;
mod support;
